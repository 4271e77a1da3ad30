package ssm

import (
	"time"

	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/seal"
	"github.com/slipway/slipway/internal/store"
)

// The tables of the room.
var (
	Parameters = store.NewTable(store.Spec[Parameter]{Name: "ssm.parameters", Key: (*Parameter).Key})
	versions   = store.NewTable(store.Spec[Version]{Name: "ssm.versions", Key: (*Version).Key})
)

// Tables lists all tables of the room, for store.Open.
func Tables() []store.AnyTable { return []store.AnyTable{Parameters, versions} }

// Config is what the room needs to know of its surroundings.
type Config struct {
	Box *seal.Box
	Now func() time.Time // nil: time.Now
}

// Room holds parameters in one store. It is safe for concurrent use; all state is in the store.
type Room struct {
	st  *store.Store
	cfg Config
}

// New returns the room over st, which was opened with Tables().
func New(st *store.Store, cfg Config) *Room {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Room{st: st, cfg: cfg}
}

// Scope is the account and the region that own a record. It begins every key.
type Scope struct {
	Account string `json:"account"`
	Region  string `json:"region"`
}

// Key is a store key under the scope.
func (s Scope) Key(parts ...string) string {
	return store.Key(append([]string{s.Account, s.Region}, parts...)...)
}

// Prefix is the prefix of all store keys under the scope and the given parents.
func (s Scope) Prefix(parts ...string) string { return s.Key(parts...) + "/" }

// ARN names a parameter, or a pattern of them. A name that is no path gets the slash that all ARNs have.
func (s Scope) ARN(name string) string {
	if name == "" || name[0] != '/' {
		name = "/" + name
	}
	return arn.New("ssm", s.Region, s.Account, "parameter"+name).String()
}
