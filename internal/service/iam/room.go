package iam

import (
	"log/slog"
	"time"

	"github.com/slipway/slipway/internal/authz/policy"
	"github.com/slipway/slipway/internal/store"
)

// global stands where other rooms' keys have the region: IAM has none.
const global = "global"

// Names of indexes.
const (
	indexID     = "id"     // access key id, role id
	indexHolder = "holder" // what the access key ids of sessions have of it
	indexPolicy = "policy" // account and ARN of a managed policy that a role refers to
	indexRole   = "role"   // key of the role in a profile
)

// The tables of the room.
var (
	Accounts = store.NewTable(store.Spec[Account]{Name: "iam.accounts", Key: (*Account).Key})
	Keys     = store.NewTable(store.Spec[AccessKey]{
		Name: "iam.keys", Key: (*AccessKey).Key,
		Indexes: []store.Index[AccessKey]{
			{Name: indexID, Keys: func(k *AccessKey) []string { return []string{k.ID} }},
			{Name: indexHolder, Keys: func(k *AccessKey) []string { return []string{holder(k.ID)} }},
		},
	})
	Roles = store.NewTable(store.Spec[Role]{
		Name: "iam.roles", Key: (*Role).Key,
		Indexes: []store.Index[Role]{
			{Name: indexID, Keys: func(r *Role) []string { return []string{r.ID} }},
			{Name: indexHolder, Keys: func(r *Role) []string { return []string{holder(r.ID)} }},
			{Name: indexPolicy, Keys: rolePolicies},
		},
	})
	Policies = store.NewTable(store.Spec[Policy]{Name: "iam.policies", Key: (*Policy).Key})
	Profiles = store.NewTable(store.Spec[Profile]{
		Name: "iam.profiles", Key: (*Profile).Key,
		Indexes: []store.Index[Profile]{{Name: indexRole, Keys: profileRole}},
	})
	secrets = store.NewTable(store.Spec[secret]{Name: "iam.secret", Key: (*secret).Key})
	roots   = store.NewTable(store.Spec[root]{Name: "iam.root", Key: (*root).Key})
)

// Tables lists all tables of the room, for store.Open.
func Tables() []store.AnyTable {
	return []store.AnyTable{Accounts, Keys, roots, Roles, Policies, Profiles, secrets}
}

func rolePolicies(r *Role) []string {
	var all []string
	for _, name := range r.refers() {
		all = append(all, store.Key(r.Account, name))
	}
	return all
}

func profileRole(p *Profile) []string {
	if p.Role == "" {
		return nil
	}
	return []string{roleKey(p.Account, p.Role)}
}

// Config is what the room needs to know of its surroundings.
type Config struct {
	Log *slog.Logger
	Now func() time.Time // of sessions and records; nil: time.Now
}

// Room holds accounts, keys, roles and policies in one store. It is safe for concurrent use; all
// state is in the store.
type Room struct {
	st  *store.Store
	log *slog.Logger
	now func() time.Time

	documents policy.Cache
}

// New returns the room over st, which was opened with Tables().
func New(st *store.Store, cfg Config) *Room {
	log := cfg.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	now := cfg.Now
	if now == nil {
		now = time.Now
	}
	return &Room{st: st, log: log, now: now}
}
