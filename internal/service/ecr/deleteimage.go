package ecr

import (
	"context"
	"fmt"

	"github.com/slipway/slipway/internal/store"
)

// ReferencedError says that image lists name an image that is to be deleted.
type ReferencedError struct{ By []string }

func (e *ReferencedError) Error() string {
	return fmt.Sprintf("Requested image referenced by manifest list: %v", e.By)
}

// DeleteImage removes what the id asks for and returns it. By digest: the image
// with all its tags, unless an image list names it (*ReferencedError). By tag:
// the tag alone, and the image too if that was its last one. It fails with an
// *ImageNotFoundError if there is nothing to remove.
func (r *Room) DeleteImage(ctx context.Context, s Scope, repo string, id ImageID) ([]ImageID, error) {
	var removed []ImageID
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		in, err := repository(tx, s, repo)
		if err != nil {
			return err
		}
		image, ok := find(tx, in, id)
		if !ok {
			return &ImageNotFoundError{Scope: s, Repository: repo, ID: id}
		}
		removed, err = removeImage(tx, image, id.Tag)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("delete image: %w", err)
	}
	return removed, nil
}

func removeImage(tx *store.Tx, image *Image, onlyTag string) ([]ImageID, error) {
	tags := tagsOf(tx, image)
	if onlyTag != "" && len(tags) > 1 {
		removeTag(tx, image, onlyTag)
		return []ImageID{{Digest: image.Digest, Tag: onlyTag}}, nil
	}
	var by []string
	for list := range Images.By(tx, indexChild, image.Key()) {
		by = append(by, list.Digest)
	}
	if by != nil {
		return nil, &ReferencedError{By: by}
	}
	Images.Delete(tx, image.Key())
	var removed []ImageID
	for _, tag := range tags {
		removeTag(tx, image, tag)
		removed = append(removed, ImageID{Digest: image.Digest, Tag: tag})
	}
	if removed == nil {
		removed = []ImageID{{Digest: image.Digest}}
	}
	return removed, nil
}

func removeTag(tx *store.Tx, image *Image, tag string) {
	t := ImageTag{Scope: image.Scope, RepositoryID: image.RepositoryID, Tag: tag}
	Tags.Delete(tx, t.Key())
}
