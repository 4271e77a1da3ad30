package engine

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/agentproto"
)

// mounts are container i's own and those that it takes from others.
func (e *Engine) mounts(ctx context.Context, rec Record, i int) ([]Mount, error) {
	return e.mountsOf(ctx, rec, i, len(rec.Task.Containers))
}

// mountsOf follows volumesFrom; depth ends circles. As with Docker, a container's
// own mount point hides what it takes from others at the same path, and of these
// the one that it names last counts.
func (e *Engine) mountsOf(ctx context.Context, rec Record, i, depth int) ([]Mount, error) {
	own, err := e.ownMounts(ctx, rec.Task, i)
	if err != nil || depth == 0 {
		return own, err
	}
	for _, from := range slices.Backward(rec.Task.Containers[i].VolumesFrom) {
		j := slices.IndexFunc(rec.Task.Containers, func(c agentproto.Container) bool { return c.Name == from.SourceContainer })
		if j < 0 {
			continue // refused when the task was loaded
		}
		taken, err := e.mountsOf(ctx, rec, j, depth-1)
		if err != nil {
			return nil, err
		}
		var declared []Mount
		err = persist(ctx, func(ctx context.Context) error {
			declared, err = e.fx.Runtime.Volumes(ctx, rec.Containers[j].ID)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("volumes from container %s: %w", from.SourceContainer, err)
		}
		for _, m := range append(taken, declared...) {
			m.ReadOnly = m.ReadOnly || from.ReadOnly
			if !slices.ContainsFunc(own, func(o Mount) bool { return path.Clean(o.Target) == path.Clean(m.Target) }) {
				own = append(own, m)
			}
		}
	}
	return own, nil
}

// ownMounts are the mount points of container i.
func (e *Engine) ownMounts(ctx context.Context, task agentproto.Task, i int) ([]Mount, error) {
	var out []Mount
	for _, m := range task.Containers[i].MountPoints {
		v := slices.IndexFunc(task.Volumes, func(v agentproto.Volume) bool { return v.Name == m.SourceVolume })
		if v < 0 {
			return nil, fmt.Errorf("volume %q does not exist", m.SourceVolume)
		}
		if m.ContainerPath == "" {
			return nil, errors.New("a mount point has no container path")
		}
		dir, copyUp, err := e.fx.Volumes.Prepare(ctx, taskID(task.ARN), task.Volumes[v])
		if err != nil {
			return nil, fmt.Errorf("volume %q: %w", m.SourceVolume, err)
		}
		out = append(out, Mount{Source: dir, Target: m.ContainerPath, ReadOnly: m.ReadOnly, CopyUp: copyUp})
	}
	return out, nil
}

// binds reads Docker's source:target[:mode].
func binds(list []string) ([]Mount, error) {
	mounts := make([]Mount, 0, len(list))
	for _, b := range list {
		parts := strings.Split(b, ":")
		if len(parts) < 2 || len(parts) > 3 || !strings.HasPrefix(parts[0], "/") {
			return nil, fmt.Errorf("HostConfigError: invalid bind %q", b)
		}
		readOnly := len(parts) == 3 && slices.Contains(strings.Split(parts[2], ","), "ro")
		mounts = append(mounts, Mount{Source: parts[0], Target: parts[1], ReadOnly: readOnly})
	}
	return mounts, nil
}
