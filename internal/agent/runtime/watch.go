package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/v2/core/containers"
)

// watch follows one container to its end. There is one per container at most,
// and it alone writes the exit down.
type watch struct {
	cancel  context.CancelFunc
	done    chan struct{} // closed with exit set, or without when given up
	exit    *Exit
	started time.Time // zero if an earlier agent started it
}

func (r *Containerd) watch(ctx context.Context, id string) *watch {
	return r.watchFrom(ctx, id, time.Time{})
}

func (r *Containerd) watchFrom(ctx context.Context, id string, started time.Time) *watch {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w, ok := r.watches[id]; ok {
		if w.started.IsZero() {
			w.started = started
		}
		return w
	}
	// The watch outlives the call that begins it; Close ends it.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w := &watch{cancel: cancel, done: make(chan struct{}), started: started}
	if r.closed {
		cancel()
		close(w.done)
		return w
	}
	r.watches[id] = w
	r.watching.Go(func() {
		defer cancel()
		defer close(w.done)
		r.follow(r.context(ctx), id, w)
	})
	return w
}

// follow waits for the end, notes it on the container, frees the shim and then
// tells everyone, so that whoever hears of an exit finds the output complete.
func (r *Containerd) follow(ctx context.Context, id string, w *watch) {
	exit := retry(ctx, func() (Exit, error) { return r.await(ctx, id) })
	r.forgetMeter(id)
	if ctx.Err() != nil {
		return
	}
	retry(ctx, func() (struct{}, error) { return struct{}{}, r.settle(ctx, id, w, exit) })
	if ctx.Err() != nil {
		return
	}
	select {
	case <-r.consoleDone(id):
	case <-ctx.Done():
		return
	}
	r.mu.Lock()
	w.exit = &exit
	for h := range r.hearers {
		h.add(Exited{ID: id, Exit: exit})
	}
	r.mu.Unlock()
}

// retry repeats what fails only while containerd is away.
func retry[T any](ctx context.Context, f func() (T, error)) T {
	wait := 20 * time.Millisecond
	for {
		v, err := f()
		if err == nil || ctx.Err() != nil {
			return v
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		wait = min(2*wait, time.Second)
	}
}

func (r *Containerd) await(ctx context.Context, id string) (Exit, error) {
	resp, err := r.tasks.Wait(ctx, &tasks.WaitRequest{ContainerID: id})
	if err = native(err); isNotFound(err) {
		return r.traceless(ctx, id)
	}
	if err != nil {
		return Exit{}, err
	}
	c, err := r.client.ContainerService().Get(ctx, id)
	if err != nil && !isNotFound(err) {
		return Exit{}, err
	}
	// Asked before the shim goes, which deletes the container's cgroup.
	kills, err := r.cgroups.OOMKills(c.Labels[labelCgroup])
	if err != nil {
		r.cfg.Log.Warn("out-of-memory count unknown", "container", id, "error", err)
	}
	return Exit{Code: int(resp.ExitStatus), At: resp.ExitedAt.AsTime(), OOM: kills > 0}, nil
}

// killed is the exit code of what was lost.
const killed = 137

func lost() Exit { return Exit{Code: killed, At: time.Now(), Vanished: true} }

// traceless is the exit of a container without a process: written down
// earlier, or unknown because its shim died.
func (r *Containerd) traceless(ctx context.Context, id string) (Exit, error) {
	gone := lost()
	c, err := r.client.ContainerService().Get(ctx, id)
	if isNotFound(err) {
		return gone, nil
	}
	if err != nil {
		return Exit{}, err
	}
	for _, e := range []func(containers.Container) (ending, bool){recorded, earlier} {
		if e, ok := e(c); ok {
			return e.Exit, nil
		}
	}
	return gone, nil
}

// ending is the exit as it is kept with the container.
type ending struct {
	Exit
	StartedAt time.Time `json:",omitzero"`
}

func recorded(c containers.Container) (ending, bool) { return endingIn(c, labelExit) }

// earlier is the exit before a restart that is under way, or was cut off.
func earlier(c containers.Container) (ending, bool) { return endingIn(c, labelEarlier) }

func endingIn(c containers.Container, label string) (ending, bool) {
	var e ending
	err := json.Unmarshal([]byte(c.Labels[label]), &e)
	return e, err == nil
}

// settle keeps the exit with the container, then deletes the process.
func (r *Containerd) settle(ctx context.Context, id string, w *watch, exit Exit) error {
	cs := r.client.ContainerService()
	c, err := cs.Get(ctx, id)
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, ok := recorded(c); !ok {
		r.mu.Lock()
		e := ending{Exit: exit, StartedAt: w.started}
		r.mu.Unlock()
		text, err := json.Marshal(e)
		if err != nil {
			return err
		}
		_, err = cs.Update(ctx, containers.Container{ID: id, Labels: map[string]string{labelExit: string(text)}}, "labels."+labelExit)
		if err != nil && !isNotFound(err) {
			return err
		}
	}
	return r.deleteTask(ctx, id)
}

func (r *Containerd) deleteTask(ctx context.Context, id string) error {
	for {
		_, err := r.tasks.Delete(ctx, &tasks.DeleteTaskRequest{ContainerID: id})
		switch err = native(err); {
		case err == nil, isNotFound(err):
			return nil
		case !isShimGone(err):
			return fmt.Errorf("delete process of container %s: %w", id, err)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Wait gives the exit, at once for a stopped container.
func (r *Containerd) Wait(ctx context.Context, id string) (<-chan Exit, error) {
	if _, err := r.client.ContainerService().Get(r.context(ctx), id); err != nil {
		return nil, fmt.Errorf("wait for container %s: %w", id, native(err))
	}
	w := r.watch(ctx, id)
	out := make(chan Exit, 1)
	go func() {
		defer close(out)
		select {
		case <-ctx.Done():
		case <-w.done:
			if w.exit != nil {
				out <- *w.exit
			}
		}
	}()
	return out, nil
}
