package iam

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/tag"
)

// Profile is an instance profile: what brings a role to an EC2 instance.
type Profile struct {
	Account   string    `json:"account"`
	Name      string    `json:"name"`
	Path      string    `json:"path"`
	ID        string    `json:"id"`             // AIPA and 17 of A-Z2-7
	Role      string    `json:"role,omitempty"` // the role's name; "": none yet
	Tags      []tag.Tag `json:"tags,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
}

// Key is the record's store key.
func (p *Profile) Key() string { return profileKey(p.Account, p.Name) }

func profileKey(account, name string) string {
	return store.Key(account, global, strings.ToLower(name))
}

// ARN is the profile's name, path included.
func (p *Profile) ARN() string {
	return arn.New("iam", "", p.Account, "instance-profile"+p.Path+p.Name).String()
}

func profileNotFound(name string) error {
	return &NotFoundError{fmt.Sprintf("Instance Profile %s cannot be found.", name)}
}

// CreateProfile makes an instance profile without a role. path "" is "/".
func (r *Room) CreateProfile(ctx context.Context, account, name, path string, tags []tag.Tag) (*Profile, error) {
	if err := tag.Check(nil, tags); err != nil {
		return nil, err
	}
	p := &Profile{
		Account: account, Name: name, Path: orRoot(path), ID: newID("AIPA"), Tags: tags, CreatedAt: r.now().UTC().Truncate(time.Second),
	}
	return p, r.st.Update(ctx, func(tx *store.Tx) error {
		if _, taken := Profiles.Get(tx, p.Key()); taken {
			return &ExistsError{fmt.Sprintf("Instance Profile %s already exists.", name)}
		}
		Profiles.Put(tx, p)
		return nil
	})
}

// GetProfile finds an instance profile.
func (r *Room) GetProfile(account, name string) (*Profile, error) {
	p, ok := Profiles.Get(r.st.Snapshot(), profileKey(account, name))
	if !ok {
		return nil, profileNotFound(name)
	}
	return p, nil
}

// ListProfiles returns the account's instance profiles whose path starts with
// prefix, in the order of their names.
func (r *Room) ListProfiles(account, prefix string) []*Profile {
	var all []*Profile
	for p := range Profiles.List(r.st.Snapshot(), store.Key(account, global)+"/") {
		if strings.HasPrefix(p.Path, prefix) {
			all = append(all, p)
		}
	}
	return all
}

// ProfilesOf returns the instance profiles that a role is in.
func (r *Room) ProfilesOf(role *Role) []*Profile {
	var all []*Profile
	for p := range Profiles.By(r.st.Snapshot(), indexRole, role.Key()) {
		all = append(all, p)
	}
	return all
}

// AddRole puts a role into an instance profile, which holds one.
func (r *Room) AddRole(ctx context.Context, account, profile, role string) error {
	return r.st.Update(ctx, func(tx *store.Tx) error {
		rec, ok := Roles.Get(tx, roleKey(account, role))
		if !ok {
			return roleNotFound(role)
		}
		old, ok := Profiles.Get(tx, profileKey(account, profile))
		switch {
		case !ok:
			return profileNotFound(profile)
		case old.Role != "":
			return &LimitError{"Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"}
		}
		p := *old
		p.Role = rec.Name
		Profiles.Put(tx, &p)
		Roles.Put(tx, rec) // as it is: its deletion at the same time must not pass this by
		return nil
	})
}

// RemoveRole takes a role out of an instance profile.
func (r *Room) RemoveRole(ctx context.Context, account, profile, role string) error {
	return r.st.Update(ctx, func(tx *store.Tx) error {
		old, ok := Profiles.Get(tx, profileKey(account, profile))
		switch {
		case !ok:
			return profileNotFound(profile)
		case !strings.EqualFold(old.Role, role):
			return roleNotFound(role)
		}
		p := *old
		p.Role = ""
		Profiles.Put(tx, &p)
		return nil
	})
}

// DeleteProfile removes an instance profile without a role.
func (r *Room) DeleteProfile(ctx context.Context, account, name string) error {
	return r.st.Update(ctx, func(tx *store.Tx) error {
		p, ok := Profiles.Get(tx, profileKey(account, name))
		switch {
		case !ok:
			return profileNotFound(name)
		case p.Role != "":
			return &ConflictError{"Cannot delete entity, must remove roles from instance profile first."}
		}
		Profiles.Delete(tx, p.Key())
		return nil
	})
}
