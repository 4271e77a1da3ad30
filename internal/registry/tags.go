package registry

import (
	"context"
	"io"
	"slices"

	"github.com/distribution/distribution/v3"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/slipway/slipway/internal/service/ecr"
)

// tags are a repository's tags: records of the room, never files.
type tags struct {
	repo *repository
}

var _ distribution.TagService = (*tags)(nil)

func (t *tags) Get(_ context.Context, tag string) (v1.Descriptor, error) {
	image, err := t.repo.image(ecr.ImageID{Tag: tag})
	if err != nil {
		return v1.Descriptor{}, err
	}
	return v1.Descriptor{Digest: digest.Digest(image.Digest), MediaType: image.MediaType}, nil
}

// Tag has nothing left to do: manifests.Put has set the tag together with the
// image, in one transaction.
func (t *tags) Tag(context.Context, string, v1.Descriptor) error { return nil }

func (t *tags) Untag(ctx context.Context, tag string) error {
	return t.repo.delete(ctx, ecr.ImageID{Tag: tag}, distribution.ErrTagUnknown{Tag: tag})
}

func (t *tags) All(context.Context) ([]string, error) {
	names, err := t.repo.registry.cfg.Room.TagNames(t.repo.record.Scope, t.repo.record.Name)
	if err != nil {
		return nil, t.repo.registry.hide("list tags", err)
	}
	return names, nil
}

// Lookup is what the engine asks after it deleted an image, to delete the tags
// that are left. None are: the room removes both together.
func (t *tags) Lookup(context.Context, v1.Descriptor) ([]string, error) { return nil, nil }

// List returns up to limit tags (-1: all) after last, with io.EOF if there are no
// more.
func (t *tags) List(ctx context.Context, limit int, last string) ([]string, error) {
	names, err := t.All(ctx)
	if err != nil {
		return nil, err
	}
	from, found := slices.BinarySearch(names, last)
	if found {
		from++
	}
	names = names[from:]
	if limit < 0 || len(names) <= limit {
		return names, io.EOF
	}
	return names[:limit], nil
}
