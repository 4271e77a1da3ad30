package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slipway/slipway/internal/agent/lifecycle"
)

// makeContainer makes container i of the record, when its turn has come, and
// returns its volumes. A stale one is cleared away first.
func (t *task) makeContainer(ctx, turn context.Context, rec Record, i int, stale bool) ([]Mount, error) {
	e := t.engine
	if err := e.gate.enter(turn, rec.Seq); err != nil {
		return nil, err
	}
	defer e.gate.leave()
	mounts, err := e.mounts(ctx, rec, i)
	if err != nil {
		return nil, fmt.Errorf("CannotCreateVolumeError: %w", err)
	}
	spec, err := containerSpec(rec, i, mounts, e.cfg, t.settings)
	if err != nil {
		return nil, err
	}
	mounts = spec.Mounts
	if err := t.addFirelens(ctx, &spec, rec, i); err != nil {
		return nil, err
	}
	if err := t.addMetadata(&spec, rec, i); err != nil {
		return nil, err
	}
	return mounts, within(ctx, e.cfg.CreateTimeout, "created", func(ctx context.Context) error {
		if err := t.pause.ensure(ctx, e, rec); err != nil {
			return err
		}
		return persist(ctx, func(ctx context.Context) error {
			if stale {
				if err := e.fx.Runtime.Remove(ctx, spec.ID); err != nil {
					return err
				}
			}
			stale = true
			return e.fx.Runtime.Create(ctx, spec)
		})
	})
}

// startContainer starts the process, when its turn has come. Where the answer
// was lost, a process that runs or ran was started.
func (e *Engine) startContainer(ctx, turn context.Context, id string, seq uint64) error {
	if err := e.gate.enter(turn, seq); err != nil {
		return err
	}
	defer e.gate.leave()
	err := within(ctx, e.cfg.StartTimeout, "started", func(ctx context.Context) error {
		unsure := false
		return persist(ctx, func(ctx context.Context) error {
			if unsure {
				p, err := e.fx.Runtime.Inspect(ctx, id)
				if err != nil || p.State >= Alive {
					return err
				}
			}
			unsure = true
			return e.fx.Runtime.Start(ctx, id)
		})
	})
	if err == nil {
		e.gate.widen()
	}
	return err
}

// restartContainer starts the process anew, when its turn has come. Where the
// answer was lost, one that runs, or has ended another time, was restarted.
func (e *Engine) restartContainer(ctx, turn context.Context, last ContainerRecord, seq uint64) error {
	if err := e.gate.enter(turn, seq); err != nil {
		return err
	}
	defer e.gate.leave()
	return within(ctx, e.cfg.StartTimeout, "started", func(ctx context.Context) error {
		unsure := false
		return persist(ctx, func(ctx context.Context) error {
			if unsure {
				p, err := e.fx.Runtime.Inspect(ctx, last.ID)
				if err != nil || p.State == Alive || p.State == Exited && p.Exit.At.After(last.ExitedAt) {
					return err
				}
			}
			unsure = true
			return e.fx.Runtime.Restart(ctx, last.ID)
		})
	})
}

// detach gives the network back. Ports must be free before STOPPED is told, so
// it is tried for a while; what remains is taken at the next start.
func (e *Engine) detach(ctx context.Context, id string) error {
	var err error
	for range 5 {
		if err = e.fx.Network.Detach(ctx, id); err == nil || !sleep(ctx, time.Second) {
			return err
		}
	}
	return err
}

// watch sees to it that somebody waits for the exit of every running container.
func (t *task) watch(ctx context.Context) {
	for i, c := range t.rec.Containers {
		if c.Status != lifecycle.Running || c.Down || t.live[i].watched || t.live[i].doing == lifecycle.Restart {
			continue
		}
		t.live[i].watched = true
		t.actions.Go(func() {
			exit, seen := t.engine.awaitExit(ctx, c.ID)
			if ctx.Err() != nil {
				return
			}
			t.box.post(func() {
				t.live[i].watched = false
				t.exited(i, exit, seen)
			})
		})
	}
}

// awaitExit returns how the process ended; false if nobody saw it.
func (e *Engine) awaitExit(ctx context.Context, id string) (Exit, bool) {
	for pause := firstPause; ctx.Err() == nil; pause = min(2*pause, longestPause) {
		if exits, err := e.fx.Runtime.Wait(ctx, id); err == nil {
			select {
			case exit, ok := <-exits:
				if ok {
					return exit, true
				}
			case <-ctx.Done():
				return Exit{}, false
			}
		}
		switch p, err := e.fx.Runtime.Inspect(ctx, id); {
		case errors.Is(err, ErrNotFound), err == nil && p.State == Absent:
			return Exit{At: time.Now()}, false
		case err == nil && p.State == Exited:
			return p.Exit, true
		}
		sleep(ctx, pause)
	}
	return Exit{}, false
}

// vanished is the ECS agent's reason for a container that is no longer there.
const vanished = "ContainerVanishedError: No container matching saved ID found"

// exited records that the process of container i is gone.
func (t *task) exited(i int, exit Exit, seen bool) {
	c := &t.rec.Containers[i]
	if c.Status != lifecycle.Running || c.Down {
		return
	}
	c.Down, c.ExitedAt, t.dirty = true, exit.At, true
	switch {
	case !seen:
		c.Reason = vanished
	case exit.OOM:
		c.Reason = "OutOfMemoryError: Container killed due to memory usage"
		fallthrough
	default:
		c.ExitCode = new(exit.Code)
	}
}
