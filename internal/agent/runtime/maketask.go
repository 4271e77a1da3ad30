package runtime

import (
	"context"
	"strings"
	"time"

	"github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/errdefs"
)

// abandonedTime is how long a creation that nobody waits for any more may go on
// in containerd.
const abandonedTime = 30 * time.Second

// makeTask makes the process. When an agent is killed while containerd makes one
// for it, containerd goes on for a moment and refuses to make another: until it
// has undone that one, or made it, and then that one has to go because its files
// have gone (exists).
func (r *Containerd) makeTask(ctx context.Context, req *tasks.CreateTaskRequest) error {
	limit := time.Now().Add(abandonedTime)
	for {
		_, err := r.tasks.Create(ctx, req)
		if err = native(err); err == nil || !occupied(err) || time.Now().After(limit) {
			return err
		}
		if err := r.deleteTask(ctx, req.ContainerID); err != nil {
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// occupied tells whether a process of the same id is there or being made. One
// that is being made has its directory first, and for that containerd gives the
// plain error of mkdir.
func occupied(err error) bool {
	return errdefs.IsAlreadyExists(err) ||
		strings.Contains(err.Error(), "io.containerd.runtime.v2.task") && strings.HasSuffix(err.Error(), "file exists")
}
