package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/typeurl/v2"
)

// Restart makes a new process for a container that has ended, on the same files,
// and lets it run; a running one is left alone. Its log goes on, and Wait tells
// of the new process's exit from then on.
//
// When the agent is killed on the way, the container shows the exit that it had
// before, until it is restarted again.
func (r *Containerd) Restart(ctx context.Context, id string) (uint32, error) {
	ctx = r.context(ctx)
	unlock, err := r.ids.lock(ctx, id)
	if err != nil {
		return 0, err
	}
	defer unlock()
	c, err := r.client.ContainerService().Get(ctx, id)
	if err != nil {
		return 0, fmt.Errorf("restart container %s: %w", id, native(err))
	}
	state, err := r.Inspect(ctx, id)
	if err != nil {
		return 0, err
	}
	if state.Status == Running {
		return state.Pid, nil
	}
	if state.Status != Created {
		if err := r.slots.Acquire(ctx, 1); err != nil {
			return 0, err
		}
		defer r.slots.Release(1)
		if err := r.renew(ctx, c); err != nil {
			return 0, restartError(id, err)
		}
	}
	return r.begin(ctx, id)
}

func restartError(id string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e // its text is AWS's
	}
	return fmt.Errorf("restart container %s: %w", id, native(err))
}

// renew leaves the container with a created process in the place of its dead one.
func (r *Containerd) renew(ctx context.Context, c containers.Container) error {
	// A creation that an earlier agent was killed in comes to its end first.
	if _, dead := recorded(c); !dead && c.Labels[labelEarlier] != "" {
		if there, err := r.settled(ctx, c.ID); there || err != nil {
			return err
		}
	} else if err := r.end(ctx, c.ID); err != nil {
		return err
	}
	group := c.Labels[labelCgroup]
	if err := r.cgroups.Kill(ctx, group); err != nil {
		return err
	}
	if err := r.cgroups.Delete(group); err != nil {
		return err
	}
	s, err := setupOf(c.Labels)
	if err != nil {
		return err
	}
	if err := r.reopen(ctx, c.ID, s); err != nil {
		return err
	}
	mounts, err := r.client.SnapshotService(r.cfg.Snapshotter).Mounts(ctx, c.ID)
	if err != nil {
		return fmt.Errorf("find root file system: %w", err)
	}
	r.mu.Lock()
	delete(r.watches, c.ID)
	delete(r.consoles, c.ID)
	r.mu.Unlock()
	return r.makeProcess(ctx, c.ID, group, s, mounts)
}

// reopen moves the exit aside and brings the specification up to date. Both are
// one write: a container is never without either its exit or the earlier one.
func (r *Containerd) reopen(ctx context.Context, id string, s setup) error {
	cs := r.client.ContainerService()
	c, err := cs.Get(ctx, id)
	if err != nil {
		return err
	}
	j, err := r.join(ctx, id, s)
	if err != nil {
		return err
	}
	if err := r.makeShm(id, s); err != nil {
		return err
	}
	oci, err := decode(c)
	if err != nil {
		return err
	}
	j.rejoin(oci, s)
	encoded, err := typeurl.MarshalAny(oci)
	if err != nil {
		return fmt.Errorf("encode container specification: %w", err)
	}
	change := containers.Container{ID: id, Spec: encoded, Labels: map[string]string{labelExit: ""}}
	fields := []string{"spec", "labels." + labelExit}
	if exit := c.Labels[labelExit]; exit != "" {
		change.Labels[labelEarlier] = exit
		fields = append(fields, "labels."+labelEarlier)
	}
	_, err = cs.Update(ctx, change, fields...)
	return err
}

// begin starts a created process and forgets the earlier exit.
func (r *Containerd) begin(ctx context.Context, id string) (uint32, error) {
	now := time.Now()
	resp, err := r.tasks.Start(ctx, &tasks.StartRequest{ContainerID: id})
	if err = native(err); err != nil {
		return r.started(ctx, id, err)
	}
	_, err = r.client.ContainerService().Update(ctx, containers.Container{ID: id, Labels: map[string]string{labelEarlier: ""}}, "labels."+labelEarlier)
	if err = native(err); err != nil && !isNotFound(err) {
		r.cfg.Log.Warn("earlier exit stays noted", "container", id, "error", err)
	}
	r.watchFrom(ctx, id, now)
	return resp.Pid, nil
}
