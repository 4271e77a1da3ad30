package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"os"

	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/continuity/fs"
)

// copyUp fills the empty volumes that ask for it from the image.
func copyUp(ctx context.Context, rootfs []mount.Mount, mounts []Mount) error {
	var todo []Mount
	for _, m := range mounts {
		if !m.CopyUp {
			continue
		}
		empty, err := isEmptyDir(m.Source)
		if err != nil {
			return fmt.Errorf("look at volume %s: %w", m.Source, err)
		}
		if empty {
			todo = append(todo, m)
		}
	}
	if len(todo) == 0 {
		return nil
	}
	return mount.WithTempMount(ctx, rootfs, func(root string) error {
		for _, m := range todo {
			if err := fill(root, m); err != nil {
				return fmt.Errorf("copy %s of the image to its volume: %w", m.Destination, err)
			}
		}
		return nil
	})
}

func fill(root string, m Mount) error {
	// RootPath follows links, but never out of the image.
	from, err := fs.RootPath(root, m.Destination)
	if err != nil {
		return err
	}
	st, err := os.Stat(from)
	if errors.Is(err, iofs.ErrNotExist) || err == nil && !st.IsDir() {
		return nil
	}
	if err != nil {
		return err
	}
	return fs.CopyDir(m.Source, from)
}

func isEmptyDir(dir string) (bool, error) {
	f, err := os.Open(dir)
	if err != nil {
		return false, err
	}
	defer f.Close()
	_, err = f.Readdirnames(1)
	if errors.Is(err, io.EOF) {
		return true, nil
	}
	return false, err
}
