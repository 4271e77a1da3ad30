package registry

import (
	"context"
	"fmt"

	"github.com/distribution/distribution/v3"
	"github.com/distribution/distribution/v3/registry/storage"
	storagedriver "github.com/distribution/distribution/v3/registry/storage/driver"
	"github.com/distribution/distribution/v3/registry/storage/driver/factory"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem" // the default driver
	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"

	"github.com/slipway/slipway/internal/service/ecr"
)

// StorageConfig says where the bytes are kept.
type StorageConfig struct {
	Driver     string         // of the engine; "": filesystem
	Root       string         // directory of the filesystem driver
	Parameters map[string]any // of other drivers, in the engine's own words
}

// Storage keeps manifests and layers. It is the contents of an ecr room and
// knows nothing of names, tags and permissions.
type Storage struct {
	driver storagedriver.StorageDriver
	names  distribution.Namespace
}

var _ ecr.Contents = (*Storage)(nil)

// OpenStorage opens the storage, which the driver makes if it is not there.
func OpenStorage(ctx context.Context, cfg StorageConfig) (*Storage, error) {
	silence()
	driver, err := openDriver(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open registry storage: %w", err)
	}
	names, err := storage.NewRegistry(ctx, driver, storage.EnableDelete)
	if err != nil {
		return nil, fmt.Errorf("open registry storage: %w", err)
	}
	return &Storage{driver: driver, names: names}, nil
}

func openDriver(ctx context.Context, cfg StorageConfig) (storagedriver.StorageDriver, error) {
	if cfg.Driver != "" && cfg.Driver != "filesystem" {
		return factory.Create(ctx, cfg.Driver, cfg.Parameters)
	}
	return factory.Create(ctx, "filesystem", map[string]any{"rootdirectory": cfg.Root})
}

// storedName is the name under which the storage knows a repository: its id
// under its account and region.
func storedName(repo *ecr.Repository) (reference.Named, error) {
	return reference.WithName(repo.Account + "/" + repo.Region + "/" + repo.ID)
}

// Manifest returns a manifest's bytes as they were pushed.
func (s *Storage) Manifest(ctx context.Context, repo *ecr.Repository, dgst string) ([]byte, error) {
	name, err := storedName(repo)
	if err != nil {
		return nil, err
	}
	stored, err := s.names.Repository(ctx, name)
	if err != nil {
		return nil, err
	}
	manifests, err := stored.Manifests(ctx)
	if err != nil {
		return nil, err
	}
	m, err := manifests.Get(ctx, digest.Digest(dgst))
	if err != nil {
		return nil, fmt.Errorf("read manifest %s: %w", dgst, err)
	}
	_, payload, err := m.Payload()
	return payload, err
}

// RemoveRepository removes the repository's manifests, uploads and links to
// layers. Layers themselves may be shared and stay.
func (s *Storage) RemoveRepository(ctx context.Context, repo *ecr.Repository) error {
	name, err := storedName(repo)
	if err != nil {
		return err
	}
	return storage.NewVacuum(ctx, s.driver).RemoveRepository(name.Name())
}
