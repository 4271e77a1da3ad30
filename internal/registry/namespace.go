package registry

import (
	"context"
	"errors"

	"github.com/distribution/distribution/v3"
	"github.com/distribution/distribution/v3/registry/api/errcode"
	"github.com/distribution/reference"

	"github.com/slipway/slipway/internal/service/ecr"
)

// namespace is the engine's set of repositories as one login sees it.
type namespace struct {
	distribution.Namespace
	registry *Registry
}

// Repository finds a repository by the name that the client used.
func (n *namespace) Repository(ctx context.Context, name reference.Named) (distribution.Repository, error) {
	record, err := n.registry.cfg.Room.Repository(loginOf(ctx).Scope, name.Name())
	if e, ok := errors.AsType[*ecr.RepositoryNotFoundError](err); ok {
		return nil, errcode.ErrorCodeNameUnknown.WithMessage(e.Error())
	}
	if err != nil {
		return nil, n.registry.hide("find repository", err)
	}
	stored, err := n.stored(ctx, record)
	if err != nil {
		return nil, n.registry.hide("open repository", err)
	}
	return &repository{Repository: stored, registry: n.registry, names: n, name: name, record: record}, nil
}

func (n *namespace) stored(ctx context.Context, record *ecr.Repository) (distribution.Repository, error) {
	name, err := storedName(record)
	if err != nil {
		return nil, err
	}
	return n.Namespace.Repository(ctx, name)
}

// repository is the engine's repository with the ecr room in front: it has the
// name that the client used, and shows what the room knows.
type repository struct {
	distribution.Repository
	registry *Registry
	names    *namespace
	name     reference.Named
	record   *ecr.Repository
}

func (r *repository) Named() reference.Named { return r.name }

func (r *repository) Manifests(ctx context.Context, options ...distribution.ManifestServiceOption) (distribution.ManifestService, error) {
	stored, err := r.Repository.Manifests(ctx, options...)
	if err != nil {
		return nil, r.registry.hide("open manifests", err)
	}
	return &manifests{ManifestService: stored, repo: r}, nil
}

func (r *repository) Tags(context.Context) distribution.TagService { return &tags{repo: r} }

func (r *repository) Blobs(ctx context.Context) distribution.BlobStore {
	return &blobs{BlobStore: r.Repository.Blobs(ctx), repo: r}
}

// image finds an image in the room.
func (r *repository) image(id ecr.ImageID) (*ecr.Image, error) {
	image, err := r.registry.cfg.Room.Image(r.record.Scope, r.record.Name, id)
	if _, ok := errors.AsType[*ecr.ImageNotFoundError](err); ok {
		return nil, errcode.ErrorCodeManifestUnknown.WithMessage("Requested image not found")
	}
	if e, ok := errors.AsType[*ecr.RepositoryNotFoundError](err); ok {
		return nil, errcode.ErrorCodeNameUnknown.WithMessage(e.Error())
	}
	return image, err
}
