package ecrapi

import (
	"context"
	"errors"
	"regexp"
	"slices"

	"github.com/slipway/slipway/internal/page"
	"github.com/slipway/slipway/internal/service/ecr"
	"github.com/slipway/slipway/internal/service/ecr/ecrshape"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/shape"
)

func (a *api) listImages(_ context.Context, call *wire.Call, in *ecrshape.ListImagesInput) (*ecrshape.ListImagesOutput, error) {
	s, err := registry(call, in.RegistryId, *in.RepositoryName)
	if err != nil {
		return nil, err
	}
	images, err := a.room.Images(s, *in.RepositoryName)
	if err != nil {
		return nil, visible(err)
	}
	var want filter
	if in.Filter != nil {
		want = filter{tags: deref(in.Filter.TagStatus), status: deref(in.Filter.ImageStatus)}
	}
	var ids []ecr.ImageID
	for _, image := range images {
		if want.keeps(image) {
			ids = append(ids, identities(image)...)
		}
	}
	token := page.Scope("ListImages", s.Account, s.Region, *in.RepositoryName, want.tags, want.status)
	ids, next, err := cut(ids, func(id ecr.ImageID) string { return id.Digest + " " + id.Tag }, token, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	return &ecrshape.ListImagesOutput{ImageIds: idShapes(ids), NextToken: next}, nil
}

// filter is what a list of images is narrowed to.
type filter struct{ tags, status string }

// keeps tells whether the image is wanted. All images here are active.
func (f filter) keeps(image ecr.Described) bool {
	switch {
	case f.tags == ecrshape.TagStatusTagged && image.Tags == nil,
		f.tags == ecrshape.TagStatusUntagged && image.Tags != nil,
		f.status == ecrshape.ImageStatusFilterArchived,
		f.status == ecrshape.ImageStatusFilterActivating:
		return false
	}
	return true
}

// identities lists an image once per tag, or once without.
func identities(image ecr.Described) []ecr.ImageID {
	if image.Tags == nil {
		return []ecr.ImageID{{Digest: image.Digest}}
	}
	var ids []ecr.ImageID
	for _, tag := range image.Tags {
		ids = append(ids, ecr.ImageID{Digest: image.Digest, Tag: tag})
	}
	return ids
}

func (a *api) describeImages(_ context.Context, call *wire.Call, in *ecrshape.DescribeImagesInput) (*ecrshape.DescribeImagesOutput, error) {
	s, err := registry(call, in.RegistryId, *in.RepositoryName)
	if err != nil {
		return nil, err
	}
	var want filter
	if in.Filter != nil {
		want = filter{tags: deref(in.Filter.TagStatus), status: deref(in.Filter.ImageStatus)}
	}
	images, err := a.wanted(s, *in.RepositoryName, in.ImageIds)
	if err != nil {
		return nil, visible(err)
	}
	images = slices.DeleteFunc(images, func(i ecr.Described) bool { return !want.keeps(i) })
	token := page.Scope("DescribeImages", s.Account, s.Region, *in.RepositoryName, want.tags, want.status)
	images, next, err := cut(images, func(i ecr.Described) string { return i.Digest }, token, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out := &ecrshape.DescribeImagesOutput{ImageDetails: []ecrshape.ImageDetail{}, NextToken: next}
	for _, image := range images {
		out.ImageDetails = append(out.ImageDetails, detailShape(*in.RepositoryName, image))
	}
	return out, nil
}

// wanted returns the images of the ids, each once, or all if there are no ids.
func (a *api) wanted(s ecr.Scope, repository string, ids []ecrshape.ImageIdentifier) ([]ecr.Described, error) {
	if len(ids) == 0 {
		return a.room.Images(s, repository)
	}
	byDigest := map[string]ecr.Described{}
	for _, id := range ids {
		if id.ImageDigest == nil && id.ImageTag == nil {
			return nil, invalid("imageIds", "both tag and digest cannot be null")
		}
		image, err := a.room.Image(s, repository, idOf(id))
		if err != nil {
			return nil, err
		}
		byDigest[image.Digest] = a.room.Describe(image)
	}
	var images []ecr.Described
	for _, image := range byDigest {
		images = append(images, image)
	}
	slices.SortFunc(images, func(x, y ecr.Described) int {
		if x.Digest < y.Digest {
			return -1
		}
		return 1
	})
	return images, nil
}

func (a *api) batchGetImage(ctx context.Context, call *wire.Call, in *ecrshape.BatchGetImageInput) (*ecrshape.BatchGetImageOutput, error) {
	s, err := registry(call, in.RegistryId, *in.RepositoryName)
	if err != nil {
		return nil, err
	}
	if _, err := a.room.Repository(s, *in.RepositoryName); err != nil {
		return nil, visible(err)
	}
	out := &ecrshape.BatchGetImageOutput{Images: []ecrshape.Image{}, Failures: []ecrshape.ImageFailure{}}
	for _, id := range in.ImageIds {
		image, err := a.getImage(ctx, s, in, id)
		if failure, ok := errors.AsType[*imageFailure](err); ok {
			out.Failures = append(out.Failures, failure.shape(id))
			continue
		}
		if err != nil {
			return nil, visible(err)
		}
		out.Images = append(out.Images, image)
	}
	return out, nil
}

func (a *api) getImage(ctx context.Context, s ecr.Scope, in *ecrshape.BatchGetImageInput, id ecrshape.ImageIdentifier) (ecrshape.Image, error) {
	if err := checkID(id); err != nil {
		return ecrshape.Image{}, err
	}
	image, err := a.room.Image(s, *in.RepositoryName, idOf(id))
	if err != nil {
		return ecrshape.Image{}, failureOf(err)
	}
	if len(in.AcceptedMediaTypes) > 0 && !slices.Contains(in.AcceptedMediaTypes, image.MediaType) {
		return ecrshape.Image{}, errImageNotFound
	}
	manifest, err := a.room.Manifest(ctx, s, *in.RepositoryName, image)
	if err != nil {
		return ecrshape.Image{}, err
	}
	return ecrshape.Image{
		RegistryId: &s.Account, RepositoryName: in.RepositoryName, ImageManifest: new(string(manifest)),
		ImageManifestMediaType: &image.MediaType,
		ImageId:                &ecrshape.ImageIdentifier{ImageDigest: &image.Digest, ImageTag: id.ImageTag},
	}, nil
}

func (a *api) batchDeleteImage(ctx context.Context, call *wire.Call, in *ecrshape.BatchDeleteImageInput) (*ecrshape.BatchDeleteImageOutput, error) {
	s, err := registry(call, in.RegistryId, *in.RepositoryName)
	if err != nil {
		return nil, err
	}
	if _, err := a.room.Repository(s, *in.RepositoryName); err != nil {
		return nil, visible(err)
	}
	out := &ecrshape.BatchDeleteImageOutput{ImageIds: []ecrshape.ImageIdentifier{}, Failures: []ecrshape.ImageFailure{}}
	for _, id := range in.ImageIds {
		var removed []ecr.ImageID
		err := checkID(id)
		if err == nil {
			removed, err = a.room.DeleteImage(ctx, s, *in.RepositoryName, idOf(id))
			err = failureOf(err)
		}
		if failure, ok := errors.AsType[*imageFailure](err); ok {
			out.Failures = append(out.Failures, failure.shape(id))
			continue
		}
		if err != nil {
			return nil, visible(err)
		}
		out.ImageIds = append(out.ImageIds, idShapes(removed)...)
	}
	return out, nil
}

func idOf(id ecrshape.ImageIdentifier) ecr.ImageID {
	return ecr.ImageID{Digest: deref(id.ImageDigest), Tag: deref(id.ImageTag)}
}

func idShapes(ids []ecr.ImageID) []ecrshape.ImageIdentifier {
	out := make([]ecrshape.ImageIdentifier, 0, len(ids))
	for _, id := range ids {
		s := ecrshape.ImageIdentifier{ImageDigest: &id.Digest}
		if id.Tag != "" {
			s.ImageTag = &id.Tag
		}
		out = append(out, s)
	}
	return out
}

func detailShape(repository string, i ecr.Described) ecrshape.ImageDetail {
	out := ecrshape.ImageDetail{
		RegistryId: &i.Account, RepositoryName: &repository, ImageDigest: &i.Digest, ImageTags: i.Tags,
		ImageSizeInBytes: &i.Size, ImagePushedAt: shape.At(i.PushedAt), ImageManifestMediaType: &i.MediaType,
		ImageStatus: new(ecrshape.ImageStatusActive),
	}
	if i.ArtifactType != "" {
		out.ArtifactMediaType = &i.ArtifactType
	}
	return out
}

var digestForm = regexp.MustCompile(`^[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+$`)
