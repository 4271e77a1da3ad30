package up

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/leases"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"
)

// emptyNamespace removes the images, leases, content and snapshots of the
// context's namespace and then the namespace itself. containerd refuses to remove
// a namespace that holds anything, and collects content and snapshots on its own
// time, so they are removed by hand.
func emptyNamespace(ctx context.Context, c *containerd.Client) error {
	name, err := namespaces.NamespaceRequired(ctx)
	if err != nil {
		return err
	}
	known, err := c.NamespaceService().List(ctx)
	if err != nil {
		return fmt.Errorf("list namespaces: %w", err)
	}
	if !slices.Contains(known, name) {
		return nil
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := errors.Join(removeLeases(ctx, c), removeImages(ctx, c), removeSnapshots(ctx, c), removeContent(ctx, c))
		if err == nil {
			err = c.NamespaceService().Delete(ctx, name)
		}
		if err == nil || errdefs.IsNotFound(err) {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C: // a collection that runs now may still hold something
		}
	}
}

func removeLeases(ctx context.Context, c *containerd.Client) error {
	all, err := c.LeasesService().List(ctx)
	if err != nil {
		return fmt.Errorf("list leases: %w", err)
	}
	for _, l := range all {
		if err := c.LeasesService().Delete(ctx, l); err != nil && !errdefs.IsNotFound(err) {
			return fmt.Errorf("remove lease: %w", err)
		}
	}
	return nil
}

func removeImages(ctx context.Context, c *containerd.Client) error {
	all, err := c.ImageService().List(ctx)
	if err != nil {
		return fmt.Errorf("list images: %w", err)
	}
	for i, img := range all {
		var opts []images.DeleteOpt
		if i == len(all)-1 {
			opts = append(opts, images.SynchronousDelete()) // the last one collects for all
		}
		if err := c.ImageService().Delete(ctx, img.Name, opts...); err != nil && !errdefs.IsNotFound(err) {
			return fmt.Errorf("remove image: %w", err)
		}
	}
	return nil
}

// removeSnapshots removes leaves until none is left: a snapshot with children
// cannot be removed.
func removeSnapshots(ctx context.Context, c *containerd.Client) error {
	sn := c.SnapshotService("")
	for {
		var keys []string
		err := sn.Walk(ctx, func(_ context.Context, i snapshots.Info) error {
			keys = append(keys, i.Name)
			return nil
		})
		if err != nil {
			return fmt.Errorf("list snapshots: %w", err)
		}
		removed := 0
		for _, k := range keys {
			if sn.Remove(ctx, k) == nil {
				removed++
			}
		}
		switch {
		case removed == len(keys):
			return nil
		case removed == 0:
			return fmt.Errorf("remove snapshots: %d are still in use", len(keys))
		}
	}
}

func removeContent(ctx context.Context, c *containerd.Client) error {
	lease, err := c.LeasesService().Create(ctx, leases.WithRandomID(), leases.WithExpiration(time.Minute))
	if err != nil {
		return fmt.Errorf("collect content: %w", err)
	}
	// Deleting a lease synchronously runs containerd's own collection.
	if err := c.LeasesService().Delete(ctx, lease, leases.SynchronousDelete); err != nil {
		return fmt.Errorf("collect content: %w", err)
	}
	return nil
}
