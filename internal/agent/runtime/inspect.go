package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/containerd/containerd/api/services/tasks/v1"
	tasktypes "github.com/containerd/containerd/api/types/task"
	"github.com/containerd/containerd/v2/core/containers"
)

// Inspect tells the state of one container.
func (r *Containerd) Inspect(ctx context.Context, id string) (State, error) {
	ctx = r.context(ctx)
	c, err := r.client.ContainerService().Get(ctx, id)
	if err != nil {
		return State{}, fmt.Errorf("inspect container %s: %w", id, native(err))
	}
	if e, ok := recorded(c); ok {
		return r.state(c, nil, &e), nil
	}
	p, err := r.task(ctx, id)
	if err != nil && !isNotFound(err) {
		return State{}, fmt.Errorf("inspect container %s: %w", id, err)
	}
	return r.state(c, p, nil), nil
}

// List gives this agent's containers that carry all of the labels.
func (r *Containerd) List(ctx context.Context, labels map[string]string) ([]State, error) {
	ctx = r.context(ctx)
	filter := fmt.Sprintf("labels.%q==%q", LabelInstance, r.cfg.Instance)
	for k, v := range labels {
		filter += fmt.Sprintf(",labels.%q==%q", k, v)
	}
	list, err := r.client.ContainerService().List(ctx, filter)
	if err != nil || len(list) == 0 {
		return nil, wrap("list containers", native(err))
	}
	resp, err := r.tasks.List(ctx, &tasks.ListTasksRequest{})
	if err != nil {
		return nil, wrap("list processes", native(err))
	}
	processes := map[string]*tasktypes.Process{}
	for _, p := range resp.Tasks {
		processes[p.ID] = p
	}
	out := make([]State, 0, len(list))
	for _, c := range list {
		if e, ok := recorded(c); ok {
			out = append(out, r.state(c, nil, &e))
			continue
		}
		out = append(out, r.state(c, processes[c.ID], nil))
	}
	return out, nil
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// state puts together what the record, the process and the written exit say.
func (r *Containerd) state(c containers.Container, p *tasktypes.Process, e *ending) State {
	s := State{ID: c.ID, Labels: c.Labels, Image: c.Image, ImageDigest: c.Labels[labelDigest], Status: None}
	switch {
	case e != nil:
		s.Status, s.ExitCode, s.OOM = Stopped, e.Code, e.OOM
		s.StartedAt, s.ExitedAt = e.StartedAt, e.At
		return s
	case p == nil:
		if e, ok := earlier(c); ok {
			return r.state(c, nil, &e)
		}
		return s
	}
	switch p.Status {
	case tasktypes.Status_CREATED:
		s.Status, s.Pid = Created, p.Pid
	case tasktypes.Status_RUNNING, tasktypes.Status_PAUSED, tasktypes.Status_PAUSING:
		s.Status, s.Pid = Running, p.Pid
		s.StartedAt = r.startedAt(c.ID, p.Pid)
	case tasktypes.Status_STOPPED:
		kills, err := r.cgroups.OOMKills(c.Labels[labelCgroup])
		s.Status, s.ExitCode, s.ExitedAt = Stopped, int(p.ExitStatus), p.ExitedAt.AsTime()
		s.OOM = err == nil && kills > 0
		s.StartedAt = r.startedAt(c.ID, p.Pid)
	}
	return s
}

// startedAt is when this agent started the container, or when its process was
// made if an earlier agent did.
func (r *Containerd) startedAt(id string, pid uint32) time.Time {
	r.mu.Lock()
	w := r.watches[id]
	var t time.Time
	if w != nil {
		t = w.started
	}
	r.mu.Unlock()
	if t.IsZero() {
		t = processStart(pid)
	}
	return t
}
