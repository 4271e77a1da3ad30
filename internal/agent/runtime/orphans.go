package runtime

import (
	"context"
	"strings"

	"github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/api/types/runc/options"
	"github.com/containerd/typeurl/v2"
)

// endExecs kills the further processes that an earlier agent started in a
// container: those who asked for them are gone with it.
func (r *Containerd) endExecs(ctx context.Context, s State) {
	if !r.hasMore(s) {
		return
	}
	ctx = r.context(ctx)
	resp, err := r.tasks.ListPids(ctx, &tasks.ListPidsRequest{ContainerID: s.ID})
	if err != nil {
		r.cfg.Log.Warn("processes not listed", "container", s.ID, "error", err)
		return
	}
	for _, p := range resp.Processes {
		if p.Info == nil {
			continue
		}
		v, err := typeurl.UnmarshalAny(p.Info)
		details, ok := v.(*options.ProcessDetails)
		if err != nil || !ok || !strings.HasPrefix(details.ExecID, execPrefix) {
			continue
		}
		// Process.follow waits for its end and deletes it.
		orphan := &Process{
			r: r, container: s.ID, cgroup: s.Labels[labelCgroup], id: details.ExecID, pid: p.Pid,
			io: idleIO(), done: make(chan struct{}),
		}
		if err := r.adopt(ctx, orphan); err != nil {
			return
		}
		if err := orphan.Kill(ctx); err != nil {
			r.cfg.Log.Warn("process of an earlier agent goes on", "container", s.ID, "error", err)
		}
	}
}

// hasMore says whether the container's shim has a second child in its cgroup,
// which spares the others a run of the low-level runtime.
func (r *Containerd) hasMore(s State) bool {
	shim := parentOf(int(s.Pid))
	all, err := r.cgroups.Processes(s.Labels[labelCgroup])
	if err != nil {
		return true
	}
	for _, pid := range all {
		if pid != int(s.Pid) && parentOf(pid) == shim {
			return true
		}
	}
	return false
}

// idleIO belongs to a process whose pipes are gone.
func idleIO() *execIO {
	e := &execIO{copied: make(chan struct{})}
	close(e.copied)
	return e
}
