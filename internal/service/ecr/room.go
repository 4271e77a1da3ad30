package ecr

import (
	"context"
	"log/slog"

	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/store"
)

// The tables of the room.
var (
	Repositories = store.NewTable(store.Spec[Repository]{Name: "ecr.repositories", Key: (*Repository).Key})
	Images       = store.NewTable(store.Spec[Image]{
		Name: "ecr.images", Key: (*Image).Key,
		Indexes: []store.Index[Image]{
			{Name: indexChild, Keys: func(i *Image) []string {
				keys := make([]string, 0, len(i.Children))
				for _, child := range i.Children {
					keys = append(keys, i.Scope.Key(i.RepositoryID, child))
				}
				return keys
			}},
		},
	})
	Tags = store.NewTable(store.Spec[ImageTag]{
		Name: "ecr.tags", Key: (*ImageTag).Key,
		Indexes: []store.Index[ImageTag]{
			{Name: indexDigest, Keys: func(t *ImageTag) []string {
				return []string{t.Scope.Key(t.RepositoryID, t.Digest)}
			}},
		},
	})
	dropped = store.NewTable(store.Spec[droppedRepository]{Name: "ecr.dropped", Key: (*droppedRepository).Key})
	secrets = store.NewTable(store.Spec[secret]{Name: "ecr.secrets", Key: (*secret).Key})
)

// Index names; the values are Scope.Key(repository id, digest).
const (
	indexChild  = "child"  // image lists by the images they list
	indexDigest = "digest" // tags by the image they point at
)

// Tables lists all tables of the room, for store.Open.
func Tables() []store.AnyTable {
	return []store.AnyTable{Repositories, Images, Tags, dropped, secrets}
}

// Contents is where the bytes are. The registry's storage is one.
type Contents interface {
	// Manifest returns a manifest's bytes as they were pushed.
	Manifest(ctx context.Context, repo *Repository, digest string) ([]byte, error)
	// RemoveRepository removes what the repository holds, as far as no other shares it.
	RemoveRepository(ctx context.Context, repo *Repository) error
}

// Config is what the room needs to know of its surroundings.
type Config struct {
	Log *slog.Logger
	// RegistryHost is host:port of the public endpoint: what image names begin with.
	RegistryHost string
	// Contents is where the bytes are.
	Contents Contents
}

// Room holds repositories, images and tags in one store. It is safe for
// concurrent use; all state is in the store.
type Room struct {
	st  *store.Store
	cfg Config
}

// New returns the room over st, which was opened with Tables().
func New(st *store.Store, cfg Config) *Room {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
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

// RepositoryARN names a repository of the scope.
func (s Scope) RepositoryARN(name string) string {
	return arn.New("ecr", s.Region, s.Account, "repository/"+name).String()
}
