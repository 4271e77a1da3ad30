package secretsmanager

import (
	"context"
	"log/slog"
	"time"

	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/seal"
	"github.com/slipway/slipway/internal/store"
)

// The tables of the room.
var (
	Secrets  = store.NewTable(store.Spec[Secret]{Name: "secretsmanager.secrets", Key: (*Secret).Key})
	versions = store.NewTable(store.Spec[sealedVersion]{Name: "secretsmanager.versions", Key: (*sealedVersion).Key})
)

// Tables lists all tables of the room, for store.Open.
func Tables() []store.AnyTable { return []store.AnyTable{Secrets, versions} }

// Config is what the room needs to know of its surroundings.
type Config struct {
	Box *seal.Box
	Log *slog.Logger
	Now func() time.Time // nil: time.Now
}

// Room holds secrets in one store. It is safe for concurrent use; all state is in the store.
type Room struct {
	st  *store.Store
	cfg Config
}

// New returns the room over st, which was opened with Tables().
func New(st *store.Store, cfg Config) *Room {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Room{st: st, cfg: cfg}
}

func (r *Room) now() time.Time { return r.cfg.Now().UTC().Truncate(time.Millisecond) }

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

// ARN is the name of a secret, or a pattern of such names.
func (s Scope) ARN(resource string) string {
	return arn.New("secretsmanager", s.Region, s.Account, "secret:"+resource).String()
}

// purgeEvery is how often secrets whose recovery window has ended are looked for.
const purgeEvery = time.Minute

// Run deletes secrets when their recovery window has ended, until ctx ends.
func (r *Room) Run(ctx context.Context) {
	tick := time.NewTicker(purgeEvery)
	defer tick.Stop()
	for {
		if err := r.Purge(ctx); err != nil && ctx.Err() == nil {
			r.cfg.Log.Error("secrets not purged", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
