package image

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/containerd/containerd/v2/core/images"
)

// touchEvery bounds the writes that remembering the last use costs.
const touchEvery = time.Minute

// Touch notes that an image (by its digest name) is used now, so that clean-up
// counts its age from here. Pull and Lookup do it themselves.
func (s *Store) Touch(ctx context.Context, name string) error {
	now := time.Now()
	s.mu.Lock()
	recent := now.Sub(s.used[name]) < touchEvery
	s.mu.Unlock()
	if recent {
		return nil
	}
	label := labelUsed + s.cfg.Instance
	_, err := s.client.ImageService().Update(s.context(ctx), images.Image{
		Name: name, Labels: map[string]string{label: now.UTC().Format(time.RFC3339)},
	}, "labels."+label)
	if err != nil {
		return fmt.Errorf("note use of image %s: %w", name, err)
	}
	s.mu.Lock()
	s.used[name] = now
	s.mu.Unlock()
	return nil
}

// lastUse is the latest use by any agent, or when the record was made.
func lastUse(img images.Image) time.Time {
	last := img.CreatedAt
	for k, v := range img.Labels {
		if !strings.HasPrefix(k, labelUsed) {
			continue
		}
		if t, err := time.Parse(time.RFC3339, v); err == nil && t.After(last) {
			last = t
		}
	}
	return last
}
