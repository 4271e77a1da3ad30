package iam

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/slipway/slipway/internal/authz/policy"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/tag"
)

// Limits of AWS (IAM user guide, "IAM and AWS STS quotas").
const (
	maxTrust    = 2048   // characters of a trust policy, white space not counted
	maxInline   = 10_240 // of all inline policies of a role together
	maxAttached = 10     // managed policies per role

	// DefaultMaxSession is the MaxSessionDuration of a role that says nothing, in
	// seconds.
	DefaultMaxSession = 3600
)

// NewRole describes a role to make.
type NewRole struct {
	Account, Name, Path, Trust, Description string // Path "": "/"
	MaxSession                              int32  // seconds; 0: DefaultMaxSession
	Boundary                                string // ARN of a managed policy; "": none
	Tags                                    []tag.Tag
}

// CreateRole makes a role. It fails with *ExistsError, *policy.MalformedError,
// *LimitError, *NotFoundError for the boundary, or *tag.Violation.
func (r *Room) CreateRole(ctx context.Context, n NewRole) (*Role, error) {
	if err := tag.Check(nil, n.Tags); err != nil {
		return nil, err
	}
	role := &Role{
		Account: n.Account, Name: n.Name, Path: orRoot(n.Path), ID: newID("AROA"), Trust: n.Trust, Description: n.Description,
		MaxSession: n.MaxSession, Tags: n.Tags, Boundary: n.Boundary, CreatedAt: r.now().UTC().Truncate(time.Second),
	}
	if role.MaxSession == 0 {
		role.MaxSession = DefaultMaxSession
	}
	if err := role.checkTrust(); err != nil {
		return nil, err
	}
	return role, r.st.Update(ctx, func(tx *store.Tx) error {
		if _, taken := Roles.Get(tx, role.Key()); taken {
			return &ExistsError{"Role with name " + n.Name + " already exists."}
		}
		if n.Boundary != "" {
			if err := touchPolicy(tx, n.Account, n.Boundary); err != nil {
				return err
			}
		}
		Roles.Put(tx, role)
		return nil
	})
}

func orRoot(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

func (r *Role) checkTrust() error {
	if _, err := policy.Parse(r.Trust, policy.Trust); err != nil {
		return err
	}
	if size(r.Trust) > maxTrust {
		return &LimitError{"Cannot exceed quota for ACLSizePerRole: 2048"}
	}
	return nil
}

// size counts as AWS does, without white space.
func size(document string) int {
	n := 0
	for _, c := range document {
		if !unicode.IsSpace(c) {
			n++
		}
	}
	return n
}

// GetRole finds a role by its name.
func (r *Room) GetRole(account, name string) (*Role, error) {
	role, ok := Roles.Get(r.st.Snapshot(), roleKey(account, name))
	if !ok {
		return nil, roleNotFound(name)
	}
	return role, nil
}

// ListRoles returns the account's roles whose path starts with prefix, in the
// order of their names.
func (r *Room) ListRoles(account, prefix string) []*Role {
	var all []*Role
	for role := range Roles.List(r.st.Snapshot(), store.Key(account, global)+"/") {
		if strings.HasPrefix(role.Path, prefix) {
			all = append(all, role)
		}
	}
	return all
}

// change replaces a role by what do makes of a copy of it. Roles that belong to a
// service are left alone.
func (r *Room) change(ctx context.Context, account, name string, do func(tx *store.Tx, role *Role) error) error {
	return r.st.Update(ctx, func(tx *store.Tx) error {
		old, ok := Roles.Get(tx, roleKey(account, name))
		switch {
		case !ok:
			return roleNotFound(name)
		case old.Service != "":
			return &ProtectedError{old.Name}
		}
		role := *old
		role.Tags, role.Inline, role.Attached = slices.Clone(old.Tags), slices.Clone(old.Inline), slices.Clone(old.Attached)
		if err := do(tx, &role); err != nil {
			return err
		}
		Roles.Put(tx, &role)
		return nil
	})
}

// UpdateRole sets what is not nil.
func (r *Room) UpdateRole(ctx context.Context, account, name string, description *string, maxSession *int32) error {
	return r.change(ctx, account, name, func(_ *store.Tx, role *Role) error {
		if description != nil {
			role.Description = *description
		}
		if maxSession != nil {
			role.MaxSession = *maxSession
		}
		return nil
	})
}

// UpdateTrust replaces a role's trust policy.
func (r *Room) UpdateTrust(ctx context.Context, account, name, document string) error {
	return r.change(ctx, account, name, func(_ *store.Tx, role *Role) error {
		role.Trust = document
		return role.checkTrust()
	})
}

// DeleteRole removes a role that has no policies and is in no instance profile.
func (r *Room) DeleteRole(ctx context.Context, account, name string) error {
	return r.st.Update(ctx, func(tx *store.Tx) error {
		role, ok := Roles.Get(tx, roleKey(account, name))
		switch {
		case !ok:
			return roleNotFound(name)
		case role.Service != "":
			return &ProtectedError{role.Name}
		case Profiles.Count(tx, indexRole, role.Key()) > 0:
			return &ConflictError{"Cannot delete entity, must remove roles from instance profile first."}
		case len(role.Attached) > 0:
			return &ConflictError{"Cannot delete entity, must detach all policies first."}
		case len(role.Inline) > 0:
			return &ConflictError{"Cannot delete entity, must delete policies first."}
		}
		Roles.Delete(tx, role.Key())
		return nil
	})
}

// TagRole adds tags, or replaces those with the same key. Keys of IAM's tags know
// no case when they are compared (IAM user guide, "Tags for IAM resources").
func (r *Room) TagRole(ctx context.Context, account, name string, tags []tag.Tag) error {
	return r.change(ctx, account, name, func(_ *store.Tx, role *Role) error {
		if err := tag.Check(role.Tags, tags); err != nil {
			return err
		}
		role.Tags = slices.DeleteFunc(role.Tags, func(old tag.Tag) bool {
			return slices.ContainsFunc(tags, func(t tag.Tag) bool { return t.Key != old.Key && strings.EqualFold(t.Key, old.Key) })
		})
		role.Tags = tag.Merge(role.Tags, tags)
		return nil
	})
}

// UntagRole removes tags; keys that the role does not have are no error.
func (r *Room) UntagRole(ctx context.Context, account, name string, keys []string) error {
	return r.change(ctx, account, name, func(_ *store.Tx, role *Role) error {
		role.Tags = slices.DeleteFunc(role.Tags, func(t tag.Tag) bool {
			return slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, t.Key) })
		})
		return nil
	})
}
