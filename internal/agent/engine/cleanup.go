package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/slipway/slipway/internal/agent/lifecycle"
)

// settleStopped does what is due once all containers are down: at once the
// instance's resources, after the wait the files.
func (t *task) settleStopped(ctx context.Context) {
	if t.rec.Sent != lifecycle.Stopped {
		return
	}
	if t.rec.StoppedAt.IsZero() {
		t.rec.StoppedAt, t.dirty = time.Now(), true
		t.log.Info("task stopped")
		t.release(ctx)
	}
	if at := t.cleanupAt(); !at.IsZero() && !t.cleaning && !time.Now().Before(at) {
		t.clean(ctx)
	}
}

// release gives back the instance's resources.
func (t *task) release(ctx context.Context) {
	// One that is neither admitted nor waiting was admitted this moment.
	if t.rec.Admitted || !t.engine.host.withdraw(t.rec.Task.ARN) {
		t.engine.host.release(t.need)
	}
	t.actions.Go(func() {
		if sharesNamespaces(t.rec.Task) {
			if err := t.engine.fx.Runtime.Remove(ctx, pauseID(t.rec.Task)); err != nil {
				t.log.Warn("pause container of a stopped task stays until its clean-up", "error", err)
			}
		}
		if err := t.engine.fx.Cgroups.Delete(ctx, taskID(t.rec.Task.ARN)); err != nil {
			t.log.Warn("control group of a stopped task stays until its clean-up", "error", err)
		}
	})
}

// cleanupAt is when the files may go: after the wait, and only once STOPPED was
// accepted. Zero: not yet known.
func (t *task) cleanupAt() time.Time {
	switch {
	case t.rec.StoppedAt.IsZero() || len(t.rec.Outbox) > 0:
		return time.Time{}
	case len(t.rec.Containers) == 0:
		return t.rec.StoppedAt
	}
	return t.rec.StoppedAt.Add(t.wait)
}

// cleanupWait is how long the files of one task stay: not all that stop together
// are to be cleaned up together.
func (c Config) cleanupWait() time.Duration {
	if c.CleanupJitter <= 0 {
		return c.CleanupWait
	}
	return c.CleanupWait + rand.N(c.CleanupJitter)
}

// clean removes all that is left of the task, and then the task.
func (t *task) clean(ctx context.Context) {
	t.cleaning = true
	t.actions.Go(func() {
		for pause := firstPause; ; pause = min(2*pause, time.Minute) {
			err := t.remove(ctx)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return
			}
			t.log.Warn("clean-up of a stopped task, trying again", "error", err, "pause", pause)
			if !sleep(ctx, pause) {
				return
			}
		}
		t.box.post(func() {
			t.engine.fx.Journal.Delete(group, t.rec.Task.ARN)
			t.gone = true
		})
	})
}

func (t *task) remove(ctx context.Context) error {
	// The clean-up reads members that nothing changes any more.
	for _, c := range t.rec.Containers {
		if err := t.engine.fx.Runtime.Remove(ctx, c.ID); err != nil {
			return fmt.Errorf("remove container %s: %w", c.ID, err)
		}
		if err := t.engine.fx.Network.Detach(ctx, c.ID); err != nil {
			return fmt.Errorf("release network of %s: %w", c.ID, err)
		}
	}
	if sharesNamespaces(t.rec.Task) {
		if err := t.engine.fx.Runtime.Remove(ctx, pauseID(t.rec.Task)); err != nil {
			return fmt.Errorf("remove pause container: %w", err)
		}
	}
	id := taskID(t.rec.Task.ARN)
	if routers := t.engine.fx.Routers; routers != nil && routerOf(t.rec.Task) >= 0 {
		if err := routers.Remove(id); err != nil {
			return fmt.Errorf("remove files of the log router: %w", err)
		}
	}
	if files := t.engine.fx.Metadata; files != nil {
		if err := files.Remove(t.rec.Task.ARN); err != nil {
			return fmt.Errorf("remove metadata files: %w", err)
		}
	}
	if err := t.engine.fx.Volumes.Release(ctx, id); err != nil {
		return fmt.Errorf("release volumes: %w", err)
	}
	if err := t.engine.fx.Cgroups.Delete(ctx, id); err != nil {
		return fmt.Errorf("delete control group: %w", err)
	}
	return nil
}
