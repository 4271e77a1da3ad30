package image

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/containerd/containerd/v2/core/remotes"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// fetch asks the registry what ref means now, and gets that: a tag that moves in
// the meantime makes no difference, as with the ECS agent, which pulls by the
// digest that it found.
func (s *Store) fetch(ctx context.Context, ref string, o PullOptions) (Image, error) {
	var (
		r    remotes.Resolver
		desc ocispec.Descriptor
		img  Image
	)
	err := within(ctx, s.cfg.ManifestTimeout, "MANIFEST_PULLED", func(ctx context.Context) error {
		return s.again(ctx, resolving, ref, func(ctx context.Context) (err error) {
			r = s.resolver(o)
			_, desc, err = r.Resolve(ctx, ref)
			return err
		})
	})
	if err != nil {
		return Image{}, err
	}
	err = within(ctx, s.cfg.PullTimeout, "pulled", func(ctx context.Context) error {
		return s.again(ctx, copying, ref, func(ctx context.Context) (err error) {
			img, err = s.obtain(ctx, ref, r, desc, o)
			return err
		})
	})
	return img, err
}

// obtain downloads what is not here yet, or not whole.
func (s *Store) obtain(ctx context.Context, ref string, r remotes.Resolver, desc ocispec.Descriptor, o PullOptions) (Image, error) {
	img, err := s.unpacked(ctx, ref, desc)
	if err != nil {
		if err = s.download(ctx, ref, r, desc, o); err == nil {
			img, err = s.unpacked(ctx, ref, desc)
		}
	}
	if err == nil {
		err = s.record(ctx, ref, desc)
	}
	return img, err
}

// longestWait and jitter are the ECS agent's between attempts.
const (
	longestWait = 5 * time.Second
	jitter      = 0.2
)

// again does a step of a pull until it is done, or another attempt cannot help.
func (s *Store) again(ctx context.Context, at step, ref string, do func(context.Context) error) error {
	wait := s.cfg.Backoff
	for attempt := 1; ; attempt++ {
		err := do(ctx)
		if err == nil {
			return nil
		}
		e := failure(at, ref, attempt, err)
		if final(ctx, e) || attempt >= s.cfg.Attempts {
			return e
		}
		s.cfg.Log.Debug("pull tried again", "image", ref, "attempt", attempt, "error", err)
		select {
		case <-ctx.Done():
			return e
		case <-time.After(time.Duration(float64(wait) * (1 + jitter*rand.Float64()))):
		}
		wait = min(2*wait, longestWait)
	}
}

// within bounds do, and words the time running out as the ECS agent does.
func within(ctx context.Context, limit time.Duration, state string, do func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := do(bounded)
	if err == nil || ctx.Err() != nil || !errors.Is(bounded.Err(), context.DeadlineExceeded) {
		return err
	}
	return &Error{
		Kind: Unreachable, Reason: ReasonTimeout, Err: err,
		Detail: fmt.Sprintf("Could not transition to %s; timed out after waiting %s", state, limit),
	}
}
