package image

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/errdefs"
)

// CleanupOptions bound one sweep.
type CleanupOptions struct {
	MinAge time.Duration // unused for at least this long (ECS_IMAGE_MINIMUM_CLEANUP_AGE)
	Max    int           // images per sweep (ECS_NUM_IMAGES_DELETE_PER_CYCLE)
	// Keep protects images by digest name, e.g. those of tasks whose containers
	// are not made yet; nil = none.
	Keep func(name string) bool
	// Exclude are references that stay whatever they mean
	// (ECS_EXCLUDE_UNTRACKED_IMAGE).
	Exclude []string
	// Untracked deletes images that no Store pulled, too, after those that one did
	// and within Max (ECS_ENABLE_UNTRACKED_IMAGE_CLEANUP), when they are here for at
	// least UntrackedMinAge (NON_ECS_IMAGE_MINIMUM_CLEANUP_AGE).
	Untracked       bool
	UntrackedMinAge time.Duration
}

// Cleanup deletes the images that are unused for longest, and says which. It
// touches only images in the Store's own containerd namespace that no container
// of any agent there was made from and, unless it is told to delete untracked
// ones, that a Store pulled.
func (s *Store) Cleanup(ctx context.Context, o CleanupOptions) ([]string, error) {
	ctx = s.context(ctx)
	s.sweeping.Lock()
	defer s.sweeping.Unlock()
	all, err := s.client.ImageService().List(ctx)
	if err != nil {
		return nil, fmt.Errorf("list images: %w", err)
	}
	containers, err := s.client.ContainerService().List(ctx)
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	used := make([]string, len(containers))
	for i, c := range containers {
		used[i] = c.Image
	}
	busy := inUse(all, used, o)
	victims := choose(managed(all), busy, time.Now().Add(-o.MinAge), o.Max)
	if o.Untracked {
		victims = append(victims, chooseUntracked(all, busy, time.Now().Add(-o.UntrackedMinAge), o.Max-len(victims))...)
	}
	var gone []string
	for _, v := range victims {
		if err := s.remove(ctx, v, all); err != nil {
			return gone, err
		}
		gone = append(gone, v.Name)
	}
	return gone, nil
}

// managed are the images that a Store pulled.
func managed(all []images.Image) []images.Image {
	return slices.DeleteFunc(slices.Clone(all), func(img images.Image) bool { return img.Labels[labelManaged] != "true" })
}

// inUse tells by name what has to stay: what containers were made from, what is
// to be kept, and every name of an excluded image.
func inUse(all []images.Image, used []string, o CleanupOptions) func(name string) bool {
	names, excluded := map[string]bool{}, map[string]bool{}
	for _, name := range used {
		names[name] = true
	}
	for _, ref := range o.Exclude {
		if name, err := Normalize(ref); err == nil {
			excluded[name] = true
		}
	}
	contents := map[string]bool{}
	for _, img := range all {
		if excluded[img.Name] {
			contents[byDigest(img.Name, img.Target.Digest.String())] = true
		}
	}
	targets := make(map[string]string, len(all))
	for _, img := range all {
		targets[img.Name] = byDigest(img.Name, img.Target.Digest.String())
	}
	return func(name string) bool {
		return names[name] || o.Keep != nil && o.Keep(name) || excluded[name] || contents[targets[name]]
	}
}

// chooseUntracked picks images that no Store pulled, those first that came first.
// Content that something in use has, too, stays with all its names.
func chooseUntracked(all []images.Image, keep func(string) bool, before time.Time, limit int) []images.Image {
	wanted := map[string]bool{}
	for _, img := range all {
		if img.Labels[labelManaged] == "true" || keep(img.Name) {
			wanted[img.Target.Digest.String()] = true
		}
	}
	var out []images.Image
	for _, img := range all {
		if !wanted[img.Target.Digest.String()] && img.CreatedAt.Before(before) {
			out = append(out, img)
		}
	}
	slices.SortFunc(out, func(a, b images.Image) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Name, b.Name))
	})
	return out[:max(0, min(len(out), limit))]
}

// choose picks the digest-named images to delete, least recently used first.
func choose(all []images.Image, keep func(string) bool, before time.Time, limit int) []images.Image {
	var out []images.Image
	for _, img := range all {
		if isDigestName(img) && !keep(img.Name) && lastUse(img).Before(before) {
			out = append(out, img)
		}
	}
	slices.SortFunc(out, func(a, b images.Image) int {
		return cmp.Or(lastUse(a).Compare(lastUse(b)), cmp.Compare(a.Name, b.Name))
	})
	return out[:min(len(out), limit)]
}

// remove deletes the tags that mean the image, then the image; the last
// deletion waits until the disk space is free.
func (s *Store) remove(ctx context.Context, victim images.Image, all []images.Image) error {
	is := s.client.ImageService()
	for _, img := range all {
		if isDigestName(img) || img.Target.Digest != victim.Target.Digest || repository(img.Name) != repository(victim.Name) {
			continue
		}
		if err := is.Delete(ctx, img.Name, images.DeleteTarget(&victim.Target)); err != nil && !errdefs.IsNotFound(err) {
			return fmt.Errorf("delete image %s: %w", img.Name, err)
		}
	}
	s.catalog.Forget(victim.Name)
	s.mu.Lock()
	delete(s.used, victim.Name)
	s.mu.Unlock()
	err := is.Delete(ctx, victim.Name, images.SynchronousDelete())
	if err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("delete image %s: %w", victim.Name, err)
	}
	return nil
}

func isDigestName(img images.Image) bool {
	return img.Name == byDigest(img.Name, img.Target.Digest.String())
}
