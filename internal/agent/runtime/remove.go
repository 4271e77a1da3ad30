package runtime

import (
	"context"
	"errors"
	"fmt"
	"path"
	"syscall"

	"github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/errdefs"
	"golang.org/x/sync/errgroup"
)

// Remove ends the container, by SIGKILL if need be, and deletes all of it but
// its log.
func (r *Containerd) Remove(ctx context.Context, id string) error {
	ctx = r.context(ctx)
	unlock, err := r.ids.lock(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	c, err := r.client.ContainerService().Get(ctx, id)
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look up container %s: %w", id, native(err))
	}
	if _, ended := c.Labels[labelExit]; !ended {
		if _, err := r.settled(ctx, id); err != nil {
			return fmt.Errorf("end container %s: %w", id, err)
		}
	}
	if err := r.end(ctx, id); err != nil {
		return fmt.Errorf("end container %s: %w", id, err)
	}
	if err := r.discard(ctx, id); err != nil {
		return err
	}
	r.mu.Lock()
	delete(r.watches, id)
	delete(r.consoles, id)
	delete(r.meters, id)
	r.mu.Unlock()
	return r.deleteCgroup(ctx, c.Labels[labelCgroup])
}

// end leaves the container without a process.
func (r *Containerd) end(ctx context.Context, id string) error {
	_, err := r.tasks.Kill(ctx, &tasks.KillRequest{ContainerID: id, Signal: uint32(syscall.SIGKILL), All: true})
	switch err = native(err); {
	case isNotFound(err), isShimGone(err), err != nil && errdefs.IsFailedPrecondition(err):
	case err != nil:
		return err
	}
	w := r.watch(ctx, id)
	select {
	case <-w.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	return r.deleteTask(ctx, id)
}

// deleteCgroup removes what the low-level runtime may have left of the
// container's group (processes too, if its shim died), and the task's if that
// was its last container.
func (r *Containerd) deleteCgroup(ctx context.Context, group string) error {
	if group == "" {
		return nil
	}
	if err := r.cgroups.Kill(ctx, group); err != nil {
		return err
	}
	if err := r.cgroups.Delete(group); err != nil {
		return err
	}
	parent := path.Dir(group)
	if parent == path.Join("/", r.cfg.Cgroup) {
		return nil
	}
	return r.parents.deleteEmpty(r.cgroups, parent)
}

// Purge removes all containers of this agent.
func (r *Containerd) Purge(ctx context.Context) error {
	list, err := r.client.ContainerService().List(r.context(ctx), fmt.Sprintf("labels.%q==%q", LabelInstance, r.cfg.Instance))
	if err != nil {
		return fmt.Errorf("list containers: %w", native(err))
	}
	var g errgroup.Group
	g.SetLimit(r.cfg.Parallel)
	errs := make([]error, len(list))
	for i, c := range list {
		g.Go(func() error {
			errs[i] = r.Remove(ctx, c.ID)
			return nil
		})
	}
	_ = g.Wait() // the functions keep their errors in errs
	return errors.Join(errs...)
}
