package image

import (
	"cmp"
	"context"
	"errors"
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
}

// Cleanup deletes the images that are unused for longest, and says which. It
// touches only images that a Store pulled and that no container of any agent
// in the containerd namespace was made from.
func (s *Store) Cleanup(ctx context.Context, o CleanupOptions) ([]string, error) {
	ctx = s.context(ctx)
	s.sweeping.Lock()
	defer s.sweeping.Unlock()
	all, err := s.client.ImageService().List(ctx, fmt.Sprintf("labels.%q==true", labelManaged))
	if err != nil {
		return nil, fmt.Errorf("list images: %w", err)
	}
	containers, err := s.client.ContainerService().List(ctx)
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	busy := map[string]bool{}
	for _, c := range containers {
		busy[c.Image] = true
	}
	victims := choose(all, func(name string) bool { return busy[name] || o.Keep != nil && o.Keep(name) }, time.Now().Add(-o.MinAge), o.Max)
	var gone []string
	for _, v := range victims {
		if err := s.remove(ctx, v, all); err != nil {
			return gone, err
		}
		gone = append(gone, v.Name)
	}
	return gone, nil
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

// RunCleanup sweeps every interval (ECS_IMAGE_CLEANUP_INTERVAL) until ctx ends.
func (s *Store) RunCleanup(ctx context.Context, interval time.Duration, o CleanupOptions) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		gone, err := s.Cleanup(ctx, o)
		if err != nil && !errors.Is(err, context.Canceled) {
			s.cfg.Log.Warn("image clean-up", "error", err)
		}
		for _, name := range gone {
			s.cfg.Log.Info("image deleted", "image", name)
		}
	}
}
