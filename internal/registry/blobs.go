package registry

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/distribution/distribution/v3"
	"github.com/distribution/distribution/v3/registry/storage"
	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// blobs are a repository's layers and configs.
type blobs struct {
	distribution.BlobStore
	repo *repository
}

func (b *blobs) Stat(ctx context.Context, dgst digest.Digest) (v1.Descriptor, error) {
	desc, err := b.BlobStore.Stat(ctx, dgst)
	return desc, b.repo.registry.hide("find layer", err)
}

func (b *blobs) ServeBlob(ctx context.Context, w http.ResponseWriter, r *http.Request, dgst digest.Digest) error {
	return b.repo.registry.hide("read layer", b.BlobStore.ServeBlob(ctx, w, r, dgst))
}

// Create begins an upload. A layer that is to be mounted is looked for in the
// repository that the client names, if the client has one of that name; otherwise
// the upload is an ordinary one.
func (b *blobs) Create(ctx context.Context, options ...distribution.BlobCreateOption) (distribution.BlobWriter, error) {
	var wanted distribution.CreateOptions
	for _, o := range options {
		if err := o.Apply(&wanted); err != nil {
			return nil, b.repo.registry.hide("begin upload", err)
		}
	}
	options = nil
	if wanted.Mount.ShouldMount {
		if source, ok := b.mountSource(wanted.Mount.From); ok {
			options = append(options, storage.WithMountFrom(source))
		}
	}
	w, err := b.BlobStore.Create(ctx, options...)
	return b.upload(w, err, "begin upload")
}

// mountSource turns the visible name of a layer's repository into its stored one.
func (b *blobs) mountSource(from reference.Canonical) (reference.Canonical, bool) {
	record, err := b.repo.registry.cfg.Room.Repository(b.repo.record.Scope, from.Name())
	if err != nil {
		return nil, false
	}
	name, err := storedName(record)
	if err != nil {
		return nil, false
	}
	source, err := reference.WithDigest(name, from.Digest())
	return source, err == nil
}

func (b *blobs) Resume(ctx context.Context, id string) (distribution.BlobWriter, error) {
	w, err := b.BlobStore.Resume(ctx, id)
	return b.upload(w, err, "resume upload")
}

func (b *blobs) upload(w distribution.BlobWriter, err error, doing string) (distribution.BlobWriter, error) {
	if err != nil {
		if _, ok := errors.AsType[distribution.ErrBlobMounted](err); ok {
			return nil, err
		}
		return nil, b.repo.registry.hide(doing, err)
	}
	return &upload{BlobWriter: w, registry: b.repo.registry}, nil
}

// Delete is refused: images would lose layers.
func (b *blobs) Delete(context.Context, digest.Digest) error { return distribution.ErrUnsupported }

// upload is a layer on its way in. One that the storage fails to take is given up
// at once: what is there of it would only fill the disk.
type upload struct {
	distribution.BlobWriter
	registry *Registry
	failed   bool
}

func (u *upload) Write(p []byte) (int, error) {
	n, err := u.BlobWriter.Write(p)
	return n, u.check(err)
}

func (u *upload) ReadFrom(r io.Reader) (int64, error) {
	n, err := u.BlobWriter.ReadFrom(r)
	return n, u.check(err)
}

func (u *upload) Commit(ctx context.Context, desc v1.Descriptor) (v1.Descriptor, error) {
	done, err := u.BlobWriter.Commit(ctx, desc)
	return done, u.check(err)
}

func (u *upload) Close() error {
	if u.failed {
		return nil
	}
	return u.check(u.BlobWriter.Close())
}

func (u *upload) Cancel(ctx context.Context) error {
	if u.failed {
		return nil
	}
	return u.registry.hide("cancel upload", u.BlobWriter.Cancel(ctx))
}

// check gives the upload up if the storage failed, and hides how.
func (u *upload) check(err error) error {
	if err == nil || !ofStorage(err) || u.failed {
		return err
	}
	u.failed = true
	_ = u.BlobWriter.Cancel(context.Background()) // what this leaves, the engine's upkeep removes
	return u.registry.hide("store layer", err)
}
