package policy

import (
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/wildcard"
)

// Decision is what a document says to a request. Of several the greatest holds.
type Decision int

// The decisions, the weakest first.
const (
	Silent   Decision = iota // no statement speaks of it: not allowed
	Delegate                 // of a trust policy: the caller's whole account may, if the account's policies say so too
	Allow
	Deny
)

// Request is a question to a document.
type Request struct {
	Action    string    // "ecs:RunTask", in whatever case
	Resource  string    // ARN, or "*" if the action is on no resource
	Principal Principal // who asks; only trust policies look at it
	Context   Context   // nil: nothing is known

	folded string // Action, in small letters
}

// Context tells the values of a condition key, which is given in small letters,
// and whether the key is there at all.
type Context func(key string) (values []string, ok bool)

// Values is a Context of a few known keys, in small letters.
type Values map[string][]string

// Get is the Context.
func (v Values) Get(key string) ([]string, bool) {
	values, ok := v[key]
	return values, ok
}

func (r *Request) get(key string) ([]string, bool) {
	if r.Context == nil {
		return nil, false
	}
	return r.Context(key)
}

func (r *Request) action() string {
	if r.folded == "" {
		r.folded = strings.ToLower(r.Action)
	}
	return r.folded
}

// Decide holds the request against all statements.
func (d *Document) Decide(r *Request) Decision {
	best := Silent
	for i := range d.statements {
		best = max(best, d.statements[i].decide(r))
		if best == Deny {
			break
		}
	}
	return best
}

func (s *statement) decide(r *Request) Decision {
	if !s.onAction(r) || !s.onResource(r) {
		return Silent
	}
	said := Allow
	if s.principals != nil {
		said = s.principals.decide(&r.Principal)
	}
	if said == Silent || !s.holds(r) {
		return Silent
	}
	if s.deny {
		return Deny
	}
	return said
}

func (s *statement) onAction(r *Request) bool {
	return slices.ContainsFunc(s.actions, func(p string) bool { return wildcard.Match(p, r.action()) }) != s.notAction
}

// onResource always holds in a trust policy, which is about the role that has it.
func (s *statement) onResource(r *Request) bool {
	if s.principals != nil {
		return true
	}
	return slices.ContainsFunc(s.resources, func(t template) bool { return t.like(r, r.Resource) }) != s.notResource
}

func (s *statement) holds(r *Request) bool {
	for i := range s.conditions {
		if !s.conditions[i].holds(r) {
			return false
		}
	}
	return true
}
