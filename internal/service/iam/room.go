package iam

import (
	"log/slog"

	"github.com/slipway/slipway/internal/store"
)

// global stands where other rooms' keys have the region: IAM has none.
const global = "global"

const indexID = "id" // access key id

// The tables of the room.
var (
	Accounts = store.NewTable(store.Spec[Account]{Name: "iam.accounts", Key: (*Account).Key})
	Keys     = store.NewTable(store.Spec[AccessKey]{
		Name: "iam.keys", Key: (*AccessKey).Key,
		Indexes: []store.Index[AccessKey]{
			{Name: indexID, Keys: func(k *AccessKey) []string { return []string{k.ID} }},
		},
	})
	roots = store.NewTable(store.Spec[root]{Name: "iam.root", Key: (*root).Key})
)

// Tables lists all tables of the room, for store.Open.
func Tables() []store.AnyTable { return []store.AnyTable{Accounts, Keys, roots} }

// Config is what the room needs to know of its surroundings.
type Config struct {
	Log *slog.Logger
}

// Room holds accounts and keys in one store. It is safe for concurrent use; all
// state is in the store.
type Room struct {
	st  *store.Store
	log *slog.Logger
}

// New returns the room over st, which was opened with Tables().
func New(st *store.Store, cfg Config) *Room {
	log := cfg.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Room{st: st, log: log}
}
