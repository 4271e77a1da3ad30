package iam

import (
	"iter"
	"strings"

	"github.com/slipway/slipway/internal/authz/policy"
	"github.com/slipway/slipway/internal/store"
)

// Rights is what a session of a role may do, as it is now: a change of a policy
// counts from the next request on.
type Rights struct {
	Role    *Role
	Session *Grant // nil: the role as such, without a session's restrictions

	room *Room
	snap *store.Snapshot
}

// RightsOf finds the role of a session. It is false if the role is gone.
func (r *Room) RightsOf(g *Grant) (Rights, bool) {
	snap := r.st.Snapshot()
	role, ok := roleByID(snap, g.RoleID)
	return Rights{Role: role, Session: g, room: r, snap: snap}, ok
}

// RightsOfRole is what a role as such may do.
func (r *Room) RightsOfRole(role *Role) Rights {
	return Rights{Role: role, room: r, snap: r.st.Snapshot()}
}

// Bound is one of the sets of policies that must each allow a request.
type Bound int

// The bounds, in the order in which AWS asks them.
const (
	ByIdentity Bound = iota // inline and attached policies
	ByBoundary              // the permissions boundary
	BySession               // session policies
)

// has tells whether the bound is there at all; one that is not bounds nothing.
func (r Rights) has(b Bound) bool {
	switch b {
	case ByBoundary:
		return r.Role.Boundary != ""
	case BySession:
		return r.Session != nil && r.Session.Restricted()
	}
	return true
}

// decide holds a request against the policies of a bound. A policy that is gone
// or cannot be read allows nothing and makes what is left deny everything, for
// its denials are not known: neither can happen to what the room has stored.
func (r Rights) decide(b Bound, q *policy.Request) policy.Decision {
	best := policy.Silent
	for text, ok := range r.texts(b) {
		if !ok {
			return policy.Deny
		}
		doc, err := r.room.documents.Parse(text, policy.Identity)
		if err != nil {
			return policy.Deny
		}
		if best = max(best, doc.Decide(q)); best == policy.Deny {
			break
		}
	}
	return best
}

// texts walks the documents of a bound; false stands for one that is gone.
func (r Rights) texts(b Bound) iter.Seq2[string, bool] {
	return func(yield func(string, bool) bool) {
		switch b {
		case ByIdentity:
			for _, p := range r.Role.Inline {
				if !yield(p.Document, true) {
					return
				}
			}
			r.managed(r.Role.Attached, yield)
		case ByBoundary:
			r.managed([]string{r.Role.Boundary}, yield)
		case BySession:
			for _, text := range r.Session.Policies {
				if !yield(text, true) {
					return
				}
			}
			r.managed(r.Session.Managed, yield)
		}
	}
}

func (r Rights) managed(names []string, yield func(string, bool) bool) {
	for _, name := range names {
		text, ok := "", false
		if p, found := findPolicy(r.snap, r.Role.Account, name); found {
			v, there := p.Version(p.Default)
			text, ok = v.Document, there
		}
		if !yield(text, ok) {
			return
		}
	}
}

// Tag finds a tag of the session, or else of the role, by its key in small
// letters.
func (r Rights) Tag(key string) (string, bool) {
	if r.Session != nil {
		for _, t := range r.Session.Tags {
			if strings.ToLower(t.Key) == key {
				return t.Value, true
			}
		}
	}
	for _, t := range r.Role.Tags {
		if strings.ToLower(t.Key) == key {
			return t.Value, true
		}
	}
	return "", false
}

// words are AWS's for what refuses (IAM user guide, "Troubleshoot access denied
// error messages").
var words = map[Bound]struct{ silent, deny string }{
	ByIdentity: {"because no identity-based policy allows", "with an explicit deny in an identity-based policy"},
	ByBoundary: {"because no permissions boundary allows", "with an explicit deny in a permissions boundary"},
	BySession:  {"because no session policy allows", "with an explicit deny in a session policy"},
}

// Refusal tells in AWS's words why a request is refused, "" if it is not, and
// whether a policy denies it. Denials come first, whatever bound they are in.
func (r Rights) Refusal(q *policy.Request) (because string, explicit bool) {
	for _, b := range []Bound{ByIdentity, ByBoundary, BySession} {
		if !r.has(b) {
			continue
		}
		switch r.decide(b, q) {
		case policy.Deny:
			return words[b].deny, true
		case policy.Allow:
		default:
			if because == "" {
				because = words[b].silent + " the " + q.Action + " action"
			}
		}
	}
	return because, false
}
