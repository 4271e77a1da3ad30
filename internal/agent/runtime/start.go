package runtime

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/containerd/containerd/api/services/tasks/v1"
	tasktypes "github.com/containerd/containerd/api/types/task"
	"github.com/moby/sys/signal"
)

// Start lets the process run; a running one is left alone.
func (r *Containerd) Start(ctx context.Context, id string) (uint32, error) {
	ctx = r.context(ctx)
	unlock, err := r.ids.lock(ctx, id)
	if err != nil {
		return 0, err
	}
	defer unlock()
	now := time.Now()
	resp, err := r.tasks.Start(ctx, &tasks.StartRequest{ContainerID: id})
	if err = native(err); err != nil {
		return r.started(ctx, id, err)
	}
	r.watchFrom(ctx, id, now)
	return resp.Pid, nil
}

// started finds out whether a refused start had happened before.
func (r *Containerd) started(ctx context.Context, id string, cause error) (uint32, error) {
	if isNotFound(cause) || passing(cause) {
		return 0, fmt.Errorf("start container %s: %w", id, cause)
	}
	p, err := r.task(ctx, id)
	if err == nil && (p.Status == tasktypes.Status_RUNNING || p.Status == tasktypes.Status_PAUSED) {
		r.watch(ctx, id)
		return p.Pid, nil
	}
	return 0, failedTask(cause)
}

func (r *Containerd) task(ctx context.Context, id string) (*tasktypes.Process, error) {
	resp, err := r.tasks.Get(ctx, &tasks.GetRequest{ContainerID: id})
	if err != nil {
		return nil, native(err)
	}
	return resp.Process, nil
}

// Signal sends to the container's first process. A stopped container is no
// error.
func (r *Containerd) Signal(ctx context.Context, id string, sig syscall.Signal) error {
	ctx = r.context(ctx)
	_, err := r.tasks.Kill(ctx, &tasks.KillRequest{ContainerID: id, Signal: uint32(sig)})
	if err = native(err); err == nil {
		return nil
	}
	state, serr := r.Inspect(ctx, id)
	switch {
	case errors.Is(serr, ErrNotFound):
		return fmt.Errorf("signal container %s: %w", id, serr)
	case serr == nil && (state.Status == Stopped || state.Status == None):
		return nil
	}
	return fmt.Errorf("signal container %s: %w", id, err)
}

// StopSignal is the signal that asks this container to end.
func (r *Containerd) StopSignal(ctx context.Context, id string) (syscall.Signal, error) {
	c, err := r.client.ContainerService().Get(r.context(ctx), id)
	if err != nil {
		return 0, fmt.Errorf("look up container %s: %w", id, native(err))
	}
	return signal.ParseSignal(c.Labels[labelStopSignal])
}
