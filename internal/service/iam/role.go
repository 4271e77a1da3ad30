package iam

import (
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/tag"
)

// Role is an identity that others assume for a while. Its inline policies and
// the names of those attached are part of it, so that one read tells what a
// session of it may do.
type Role struct {
	Account     string    `json:"account"`
	Name        string    `json:"name"`
	Path        string    `json:"path"` // "/" or "/…/"
	ID          string    `json:"id"`   // AROA and 17 of A-Z2-7; another one if the role is made again
	Trust       string    `json:"trust"`
	Description string    `json:"description,omitempty"`
	MaxSession  int32     `json:"maxSession"` // seconds
	Tags        []tag.Tag `json:"tags,omitempty"`
	Inline      []Inline  `json:"inline,omitempty"`   // in the order of their names
	Attached    []string  `json:"attached,omitempty"` // ARNs of managed policies, in the order of attachment
	Boundary    string    `json:"boundary,omitempty"` // ARN of the managed policy that bounds the others
	Service     string    `json:"service,omitempty"`  // of a service-linked role: whom it is linked to
	CreatedAt   time.Time `json:"createdAt"`
}

// Inline is a policy that is part of a role.
type Inline struct {
	Name     string `json:"name"`
	Document string `json:"document"`
}

// Key is the record's store key. Names differ by more than their case (IAM user
// guide, "IAM and AWS STS quotas": names are unique, whatever their case).
func (r *Role) Key() string { return roleKey(r.Account, r.Name) }

func roleKey(account, name string) string {
	return store.Key(account, global, strings.ToLower(name))
}

// ARN is the role's name, path included.
func (r *Role) ARN() string {
	return arn.New("iam", "", r.Account, "role"+r.Path+r.Name).String()
}

// sessionARN is whom a session of the role acts as.
func (r *Role) sessionARN(session string) string {
	return arn.New("sts", "", r.Account, "assumed-role/"+r.Name+"/"+session).String()
}

// refers returns the ARNs of the managed policies that the role needs, each once.
func (r *Role) refers() []string {
	if r.Boundary == "" || slices.Contains(r.Attached, r.Boundary) {
		return r.Attached
	}
	return append([]string{r.Boundary}, r.Attached...)
}

// Role finds the account's role with that ARN. The record is shared: read only.
func (r *Room) Role(account, roleARN string) (*Role, bool) {
	return findRole(r.st.Snapshot(), account, roleARN)
}

func findRole(rd store.Reader, account, roleARN string) (*Role, bool) {
	a, err := arn.Parse(roleARN)
	if err != nil || a.Account != account {
		return nil, false
	}
	role, ok := Roles.Get(rd, roleKey(account, a.Resource[strings.LastIndexByte(a.Resource, '/')+1:]))
	if !ok || role.ARN() != roleARN {
		return nil, false
	}
	return role, true
}

// roleByID finds a role by its AROA… id, which a role that is made again under
// the same name does not get again.
func roleByID(rd store.Reader, id string) (*Role, bool) {
	for role := range Roles.By(rd, indexID, id) {
		return role, true
	}
	return nil, false
}
