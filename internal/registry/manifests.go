package registry

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/distribution/distribution/v3"
	"github.com/distribution/distribution/v3/manifest/manifestlist"
	"github.com/distribution/distribution/v3/registry/api/errcode"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/slipway/slipway/internal/service/ecr"
)

// manifests are a repository's: bytes in the storage, existence in the room.
type manifests struct {
	distribution.ManifestService
	repo *repository
}

func (m *manifests) Exists(ctx context.Context, dgst digest.Digest) (bool, error) {
	_, err := m.repo.image(ecr.ImageID{Digest: dgst.String()})
	if e, ok := errors.AsType[errcode.Error](err); ok && e.Code == errcode.ErrorCodeManifestUnknown {
		return false, nil
	}
	return err == nil, err
}

func (m *manifests) Get(ctx context.Context, dgst digest.Digest, options ...distribution.ManifestServiceOption) (distribution.Manifest, error) {
	if _, err := m.repo.image(ecr.ImageID{Digest: dgst.String()}); err != nil {
		return nil, err
	}
	got, err := m.ManifestService.Get(ctx, dgst, options...)
	if err != nil {
		return nil, m.repo.registry.hide("read manifest", err)
	}
	return got, nil
}

// Put stores the bytes and then, with its tag, the record that makes them
// visible.
func (m *manifests) Put(ctx context.Context, manifest distribution.Manifest, options ...distribution.ManifestServiceOption) (digest.Digest, error) {
	dgst, err := m.ManifestService.Put(ctx, manifest, options...)
	if err != nil {
		return "", m.repo.registry.hide("store manifest", err)
	}
	image, err := describe(dgst, manifest)
	if err != nil {
		return "", errcode.ErrorCodeManifestInvalid.WithMessage(err.Error())
	}
	room, record := m.repo.registry.cfg.Room, m.repo.record
	if err := room.PutImage(ctx, record.Scope, record.Name, image, tagIn(options)); err != nil {
		return "", m.refusal(err)
	}
	return dgst, nil
}

func (m *manifests) refusal(err error) error {
	if e, ok := errors.AsType[*ecr.TagImmutableError](err); ok {
		return errcode.ErrorCodeTagInvalid.WithMessage(e.Error())
	}
	if e, ok := errors.AsType[*ecr.RepositoryNotFoundError](err); ok {
		return errcode.ErrorCodeNameUnknown.WithMessage(e.Error())
	}
	if e, ok := errors.AsType[*ecr.ChildrenMissingError](err); ok {
		var missing distribution.ErrManifestVerification
		for _, dgst := range e.Digests {
			missing = append(missing, distribution.ErrManifestBlobUnknown{Digest: digest.Digest(dgst)})
		}
		return missing
	}
	return m.repo.registry.hide("record image", err)
}

// Delete takes the image out of the room. Its bytes stay.
func (m *manifests) Delete(ctx context.Context, dgst digest.Digest) error {
	return m.repo.delete(ctx, ecr.ImageID{Digest: dgst.String()}, distribution.ErrBlobUnknown)
}

// delete removes an image or a tag; what is not there is answered with unknown,
// the error that the engine understands.
func (r *repository) delete(ctx context.Context, id ecr.ImageID, unknown error) error {
	_, err := r.registry.cfg.Room.DeleteImage(ctx, r.record.Scope, r.record.Name, id)
	if _, ok := errors.AsType[*ecr.ImageNotFoundError](err); ok {
		return unknown
	}
	if _, ok := errors.AsType[*ecr.ReferencedError](err); ok {
		return distribution.ErrUnsupported // while a list names it
	}
	if err != nil {
		return r.registry.hide("delete image", err)
	}
	return nil
}

func tagIn(options []distribution.ManifestServiceOption) string {
	for _, o := range options {
		if tag, ok := o.(distribution.WithTagOption); ok {
			return tag.Tag
		}
	}
	return ""
}

// describe reads from a manifest what the room keeps of it.
func describe(dgst digest.Digest, manifest distribution.Manifest) (ecr.Image, error) {
	mediaType, payload, err := manifest.Payload()
	if err != nil {
		return ecr.Image{}, err
	}
	var says struct {
		ArtifactType string `json:"artifactType"`
		Config       struct {
			MediaType string `json:"mediaType"`
		} `json:"config"`
	}
	if err := json.Unmarshal(payload, &says); err != nil {
		return ecr.Image{}, err
	}
	image := ecr.Image{Digest: dgst.String(), MediaType: mediaType, ArtifactType: says.ArtifactType}
	if image.ArtifactType == "" {
		image.ArtifactType = says.Config.MediaType
	}
	list := mediaType == manifestlist.MediaTypeManifestList || mediaType == v1.MediaTypeImageIndex
	seen := map[digest.Digest]bool{}
	for _, ref := range manifest.References() {
		switch {
		case seen[ref.Digest]:
		case list:
			image.Children = append(image.Children, ref.Digest.String())
		default:
			image.Size += ref.Size
		}
		seen[ref.Digest] = true
	}
	return image, nil
}
