package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/agentproto"
)

// mounts are container i's own and those that it takes from others.
func (e *Engine) mounts(ctx context.Context, task agentproto.Task, i int) ([]Mount, error) {
	var out []Mount
	for _, m := range mountPoints(task, i, len(task.Containers)) {
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

// mountPoints follows volumesFrom; depth ends circles.
func mountPoints(task agentproto.Task, i, depth int) []agentproto.MountPoint {
	out := slices.Clone(task.Containers[i].MountPoints)
	if depth == 0 {
		return out
	}
	for _, from := range task.Containers[i].VolumesFrom {
		j := slices.IndexFunc(task.Containers, func(c agentproto.Container) bool { return c.Name == from.SourceContainer })
		if j < 0 {
			continue // refused when the task was loaded
		}
		for _, m := range mountPoints(task, j, depth-1) {
			m.ReadOnly = m.ReadOnly || from.ReadOnly
			out = append(out, m)
		}
	}
	return out
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
