package runtime

import (
	"context"

	"github.com/containerd/containerd/api/services/tasks/v1"
)

// kill signals the process of a container, and never while the process is being
// deleted: the shim ends then, and takes with it the low-level runtime that is
// about to signal. A crun that is killed in its first moments leaves a mount of
// itself in /tmp.
func (r *Containerd) kill(ctx context.Context, req *tasks.KillRequest) error {
	unlock, err := r.signals.lock(ctx, req.ContainerID)
	if err != nil {
		return err
	}
	defer unlock()
	_, err = r.tasks.Kill(ctx, req)
	return native(err)
}
