package iam

import (
	"context"
	"fmt"
	"time"

	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/authz/policy"
	"github.com/slipway/slipway/internal/tag"
)

// The actions that a trust policy speaks of.
const (
	actionAssume = "sts:AssumeRole"
	actionTag    = "sts:TagSession"
)

// Limits of AWS on sessions (STS API reference, AssumeRole).
const (
	DefaultSession  = time.Hour
	maxChained      = time.Hour
	maxSessionChars = 2048 // of session policies
	maxSessionArns  = 10
)

// Assume asks for a session of a role.
type Assume struct {
	Caller   Caller
	RoleARN  string
	Name     string        // session name
	Duration time.Duration // 0: DefaultSession
	// Policy and PolicyARNs restrict the session to what they too allow.
	Policy     string
	PolicyARNs []string
	Tags       []tag.Tag
}

// Caller is who asks for a session.
type Caller struct {
	ARN     string // "arn:aws:iam::…:root", "arn:aws:sts::…:assumed-role/…"
	Account string
	Session *Grant // nil: a long-lived key
	Facts   Facts
}

// names returns what a trust policy may call the caller: its ARN, and its role's.
func (r *Room) names(c Caller) []string {
	if c.Session != nil && c.Session.RoleID != "" {
		if role, ok := roleByID(r.st.Snapshot(), c.Session.RoleID); ok {
			return []string{c.ARN, role.ARN()}
		}
	}
	return []string{c.ARN}
}

// Assumed is a session of a role with the names that STS answers.
type Assumed struct {
	Session
	ARN          string // arn:aws:sts::…:assumed-role/ROLE/SESSION
	AssumedID    string // AROA…:SESSION
	PackedPolicy int32  // percent of what session policies may be
}

// AssumeRole gives the caller a session of a role, if the role's trust policy lets
// it; that the caller's own policies do, where they must, is the caller's to have
// asked (package authz). A role that is not there is refused like one that does not
// trust. It fails with *TrustError, *InputError, *LimitError or
// *policy.MalformedError.
func (r *Room) AssumeRole(ctx context.Context, a Assume) (Assumed, error) {
	role, err := r.trusting(a)
	if err != nil {
		return Assumed{}, err
	}
	g := &Grant{RoleID: role.ID, Name: a.Name, Tags: a.Tags, Managed: a.PolicyARNs, Issued: r.now()}
	if a.Policy != "" {
		g.Policies = []string{a.Policy}
	}
	packed, err := r.checkRestriction(role.Account, g)
	if err != nil {
		return Assumed{}, err
	}
	chained := a.Caller.Session != nil && a.Caller.Session.RoleID != ""
	life, err := sessionLife(role, a.Duration, chained)
	if err != nil {
		return Assumed{}, err
	}
	g.Expires = g.Issued.Add(life)
	s, err := r.issue(ctx, g)
	if err != nil {
		return Assumed{}, err
	}
	s.RoleARN = role.ARN()
	return Assumed{Session: s, ARN: role.sessionARN(a.Name), AssumedID: role.ID + ":" + a.Name, PackedPolicy: packed}, nil
}

// trusting returns the role if it trusts the caller.
func (r *Room) trusting(a Assume) (*Role, error) {
	name, err := arn.Parse(a.RoleARN)
	if err != nil {
		return nil, &InputError{a.RoleARN + " is invalid"}
	}
	actions := []string{actionAssume}
	if len(a.Tags) > 0 {
		if err := tag.Check(nil, a.Tags); err != nil {
			return nil, err
		}
		actions = append(actions, actionTag)
	}
	role, ok := r.Role(name.Account, a.RoleARN)
	for _, action := range actions {
		if !ok || !r.trusts(role, a.Caller, action) {
			return nil, &TrustError{Principal: a.Caller.ARN, Action: action, RoleARN: a.RoleARN}
		}
	}
	return role, nil
}

// trusts tells whether the role's trust policy lets the caller do the action, by
// its name or with its whole account.
func (r *Room) trusts(role *Role, c Caller, action string) bool {
	said := r.trust(role, policy.Principal{Account: c.Account, ARNs: r.names(c)}, action, c.Facts.Value)
	return said == policy.Allow || said == policy.Delegate
}

// Trusted tells whether the role is of the caller's account and trusts the caller by
// its name, so that the caller needs no policy of its own (IAM user guide,
// "Policy evaluation for requests within a single account").
func (r *Room) Trusted(c Caller, roleARN string) bool {
	role, ok := r.Role(c.Account, roleARN)
	return ok && r.trust(role, policy.Principal{Account: c.Account, ARNs: r.names(c)}, actionAssume, c.Facts.Value) == policy.Allow
}

func (r *Room) trust(role *Role, who policy.Principal, action string, about policy.Context) policy.Decision {
	doc, err := r.documents.Parse(role.Trust, policy.Trust)
	if err != nil {
		return policy.Silent // it was read when it was stored; what cannot be read trusts nobody
	}
	return doc.Decide(&policy.Request{Action: action, Resource: role.ARN(), Principal: who, Context: about})
}

// sessionLife holds the wanted duration against the role's bound and against that
// of sessions that come from sessions.
func sessionLife(role *Role, want time.Duration, chained bool) (time.Duration, error) {
	switch {
	case want == 0:
		return DefaultSession, nil
	case chained && want > maxChained:
		return 0, &InputError{"The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."}
	case want > time.Duration(role.MaxSession)*time.Second:
		return 0, &InputError{"The requested DurationSeconds exceeds the MaxSessionDuration set for this role."}
	}
	return want, nil
}

// checkRestriction refuses session policies that cannot be read, and tells how
// much of their room they take, in percent.
func (r *Room) checkRestriction(account string, g *Grant) (int32, error) {
	total := 0
	for _, doc := range g.Policies {
		if _, err := policy.Parse(doc, policy.Identity); err != nil {
			return 0, err
		}
		total += len(doc)
	}
	if total > maxSessionChars {
		return 0, &PackedError{Percent: total * 100 / maxSessionChars}
	}
	if len(g.Managed) > maxSessionArns {
		return 0, &PackedError{Percent: len(g.Managed) * 100 / maxSessionArns}
	}
	for _, name := range g.Managed {
		if _, ok := findPolicy(r.st.Snapshot(), account, name); !ok {
			return 0, &NotFoundError{fmt.Sprintf("Policy %s does not exist or is not attachable.", name)}
		}
	}
	return int32(total * 100 / maxSessionChars), nil
}

// KeySession gives the holder of a long-lived key credentials that stand for the
// same and end by themselves.
func (r *Room) KeySession(ctx context.Context, accessKeyID string, life time.Duration) (Session, error) {
	if _, ok := r.Lookup(accessKeyID); !ok {
		return Session{}, &NotFoundError{fmt.Sprintf("The Access Key with id %s cannot be found.", accessKeyID)}
	}
	now := r.now()
	return r.issue(ctx, &Grant{KeyID: accessKeyID, Issued: now, Expires: now.Add(life)})
}

// AccountOf tells to which account an access key id belongs.
func (r *Room) AccountOf(accessKeyID string) (string, bool) {
	if k, ok := r.Lookup(accessKeyID); ok {
		return k.Account, true
	}
	switch role, key := r.Holder(accessKeyID); {
	case role != nil:
		return role.Account, true
	case key != nil:
		return key.Account, true
	}
	return "", false
}
