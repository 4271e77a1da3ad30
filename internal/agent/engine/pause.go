package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway/slipway/internal/agentproto"
)

// PauseContainer is the name of the container that holds the namespaces which
// the containers of a task share; the ECS agent calls its own so.
const PauseContainer = "~internal~ecs~pause"

// sharesNamespaces tells whether the task needs a pause container: its
// containers are to see each other's processes, or to use each other's memory
// segments and semaphores.
func sharesNamespaces(task agentproto.Task) bool {
	return task.PIDMode == "task" || task.IPCMode == "task"
}

// pause is the pause container of one task. It is made before the first
// container that joins it and removed when all of them have stopped, so none of
// them is tied to the life of another.
type pause struct {
	turn  chan struct{} // of one place
	ready bool          // whoever has the turn
}

// ensure makes and starts the pause container, once. Its id follows from the
// task's, so nothing need be remembered of it.
func (p *pause) ensure(ctx context.Context, e *Engine, rec Record) error {
	if !sharesNamespaces(rec.Task) {
		return nil
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if p.ready {
		return nil
	}
	spec := pauseSpec(rec, e.cfg)
	err := persist(ctx, func(ctx context.Context) error {
		switch seen, err := e.fx.Runtime.Inspect(ctx, spec.ID); {
		case err == nil && seen.State == Alive:
			return nil
		case err != nil && !errors.Is(err, ErrNotFound):
			return err
		}
		// What an earlier attempt left is not known to be whole.
		if err := e.fx.Runtime.Remove(ctx, spec.ID); err != nil {
			return err
		}
		if err := e.fx.Runtime.Create(ctx, spec); err != nil {
			return err
		}
		return e.fx.Runtime.Start(ctx, spec.ID)
	})
	if err != nil {
		return fmt.Errorf("ResourceInitializationError: make the container that holds the task's namespaces: %w", err)
	}
	p.ready = true
	return nil
}

func pauseID(task agentproto.Task) string { return containerID(task.ARN, PauseContainer) }

func pauseSpec(rec Record, cfg Config) ContainerSpec {
	host := agentproto.HostConfig{NetworkMode: "none", CPUShares: minCPUShares, LogConfig: agentproto.LogConfig{Type: "none"}}
	if rec.Task.IPCMode == "task" {
		host.IpcMode = "shareable"
	}
	return ContainerSpec{
		ID: pauseID(rec.Task), TaskARN: rec.Task.ARN, ContainerName: PauseContainer, Pause: true,
		Name:   fmt.Sprintf("ecs-%s-%s-internalecspause-%s", rec.Task.Family, rec.Task.Version, pauseID(rec.Task)[:20]),
		Labels: ecsLabels(rec.Task, PauseContainer, cfg.Cluster),
		Host:   host, CgroupParent: rec.Cgroup,
	}
}

// shareNamespaces has a container join what its task shares. What its own
// configuration says wins.
func shareNamespaces(task agentproto.Task, host *agentproto.HostConfig) {
	mode := func(word string) string {
		if word == "task" {
			return "container:" + pauseID(task)
		}
		return word
	}
	if host.PidMode == "" {
		host.PidMode = mode(task.PIDMode)
	}
	if host.IpcMode == "" {
		host.IpcMode = mode(task.IPCMode)
	}
}
