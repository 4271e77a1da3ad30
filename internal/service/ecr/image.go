package ecr

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/store"
)

// Image is a manifest in a repository: an image, or a list of images.
type Image struct {
	Scope
	RepositoryID string    `json:"repositoryId"`
	Digest       string    `json:"digest"` // of the manifest: sha256:…
	MediaType    string    `json:"mediaType"`
	ArtifactType string    `json:"artifactType,omitempty"` // media type of the config, or what the manifest says it is
	Size         int64     `json:"size"`                   // bytes of config and layers as pushed; of a list: its largest image
	Children     []string  `json:"children,omitempty"`     // digests of a list's images
	PushedAt     time.Time `json:"pushedAt"`
}

// Key is the record's store key.
func (i *Image) Key() string { return i.Scope.Key(i.RepositoryID, i.Digest) }

// ImageTag points at an image.
type ImageTag struct {
	Scope
	RepositoryID string `json:"repositoryId"`
	Tag          string `json:"tag"`
	Digest       string `json:"digest"`
}

// Key is the record's store key.
func (t *ImageTag) Key() string { return t.Scope.Key(t.RepositoryID, t.Tag) }

// ImageID asks for an image by tag, by digest, or by both.
type ImageID struct {
	Digest string
	Tag    string
}

// PutImage records a manifest whose bytes are durable, and points tag (if not "")
// at it. An image list needs its images: *ChildrenMissingError. A tag that must
// not move stays: *TagImmutableError. Putting what is there already is no error.
func (r *Room) PutImage(ctx context.Context, s Scope, repo string, image Image, tag string) error {
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		in, err := repository(tx, s, repo)
		if err != nil {
			return err
		}
		return put(tx, in, image, tag)
	})
	if err != nil {
		return fmt.Errorf("put image: %w", err)
	}
	return nil
}

func put(tx *store.Tx, repo *Repository, image Image, tag string) error {
	image.Scope, image.RepositoryID, image.PushedAt = repo.Scope, repo.ID, time.Now().UTC()
	known, exists := Images.Get(tx, image.Key())
	if exists {
		image = *known
	} else if err := image.measure(tx); err != nil {
		return err
	}
	// Written even if it is there: so a deletion that runs at the same time, and
	// does not see the new tag, fails and looks again.
	Images.Put(tx, &image)
	if tag == "" {
		return nil
	}
	to := &ImageTag{Scope: repo.Scope, RepositoryID: repo.ID, Tag: tag, Digest: image.Digest}
	switch from, exists := Tags.Get(tx, to.Key()); {
	case exists && from.Digest == to.Digest:
		return nil
	case exists && repo.Mutability.Fixed(tag):
		return &TagImmutableError{Repository: repo.Name, Tag: tag}
	}
	Tags.Put(tx, to)
	return nil
}

// measure gives a list the size of its largest image, as DescribeImages
// documents, and refuses it if images are missing.
func (i *Image) measure(tx *store.Tx) error {
	var missing []string
	for _, digest := range i.Children {
		child, ok := Images.Get(tx, i.Scope.Key(i.RepositoryID, digest))
		if !ok {
			missing = append(missing, digest)
			continue
		}
		i.Size = max(i.Size, child.Size)
		Images.Put(tx, child) // against a deletion that does not see the new list
	}
	if missing != nil {
		return &ChildrenMissingError{Digests: missing}
	}
	return nil
}

// Image finds the image with the tag, the digest, or both; it fails with a
// *RepositoryNotFoundError or an *ImageNotFoundError. The record is shared: read
// only.
func (r *Room) Image(s Scope, repo string, id ImageID) (*Image, error) {
	snap := r.st.Snapshot()
	in, err := repository(snap, s, repo)
	if err != nil {
		return nil, err
	}
	image, ok := find(snap, in, id)
	if !ok {
		return nil, &ImageNotFoundError{Scope: s, Repository: repo, ID: id}
	}
	return image, nil
}

func find(r store.Reader, repo *Repository, id ImageID) (*Image, bool) {
	digest := id.Digest
	if id.Tag != "" {
		t, ok := Tags.Get(r, repo.Scope.Key(repo.ID, id.Tag))
		if !ok || digest != "" && digest != t.Digest {
			return nil, false
		}
		digest = t.Digest
	}
	return Images.Get(r, repo.Scope.Key(repo.ID, digest))
}

// Described is an image with the tags that point at it, in order.
type Described struct {
	*Image
	Tags []string
}

// Images returns the repository's images with their tags, in the order of their
// digests.
func (r *Room) Images(s Scope, repo string) ([]Described, error) {
	snap := r.st.Snapshot()
	in, err := repository(snap, s, repo)
	if err != nil {
		return nil, err
	}
	var all []Described
	for image := range Images.List(snap, s.Prefix(in.ID)) {
		all = append(all, Described{Image: image, Tags: tagsOf(snap, image)})
	}
	return all, nil
}

// Describe adds to an image its tags.
func (r *Room) Describe(image *Image) Described {
	return Described{Image: image, Tags: tagsOf(r.st.Snapshot(), image)}
}

func tagsOf(r store.Reader, image *Image) []string {
	var tags []string
	for t := range Tags.By(r, indexDigest, image.Key()) {
		tags = append(tags, t.Tag)
	}
	slices.Sort(tags)
	return tags
}

// TagNames returns the repository's tags in order.
func (r *Room) TagNames(s Scope, repo string) ([]string, error) {
	snap := r.st.Snapshot()
	in, err := repository(snap, s, repo)
	if err != nil {
		return nil, err
	}
	var names []string
	for t := range Tags.List(snap, s.Prefix(in.ID)) {
		names = append(names, t.Tag)
	}
	slices.Sort(names)
	return names, nil
}

// Manifest returns the bytes of an image that Image found.
func (r *Room) Manifest(ctx context.Context, s Scope, repo string, image *Image) ([]byte, error) {
	in, err := r.Repository(s, repo)
	if err != nil {
		return nil, err
	}
	return r.cfg.Contents.Manifest(ctx, in, image.Digest)
}
