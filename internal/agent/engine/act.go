package engine

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/agent/lifecycle"
)

// effect does one action and returns what its owner is to record. turn ends when
// the action is no longer wanted: a pull then stops, other actions do not begin.
type effect func(ctx, turn context.Context) (apply func())

// launch begins one action; its outcome comes back as work for the owner.
func (t *task) launch(ctx context.Context, a lifecycle.Action) {
	i := a.Container
	t.live[i].doing = a.Kind
	var do effect
	switch a.Kind {
	case lifecycle.Pull:
		do = t.pull(i)
	case lifecycle.Create:
		do = t.create(i)
	case lifecycle.Start:
		do = t.start(i)
	case lifecycle.Restart:
		do = t.restart(i)
	case lifecycle.Signal, lifecycle.Kill:
		do = t.signal(i, a.Kind)
	case lifecycle.Finish:
		do = t.finish(i, a)
	}
	turn, cancel := context.WithCancel(ctx)
	t.live[i].cancel, t.live[i].cancelled = cancel, false
	t.actions.Go(func() {
		defer cancel()
		apply := do(ctx, turn)
		if ctx.Err() != nil {
			return // the agent ends: what was cut short is no failure
		}
		t.box.post(func() {
			t.live[i].doing, t.dirty = lifecycle.Nothing, true
			apply()
		})
	})
}

// cancel gives up an action that nobody wants any more.
func (t *task) cancel(i int) {
	if !t.live[i].cancelled {
		t.live[i].cancelled = true
		t.live[i].cancel()
	}
}

// fail closes container i's way up.
func (t *task) fail(i int, reason string) {
	t.log.Warn("container failed", "container", t.rec.Task.Containers[i].Name, "reason", reason)
	c := &t.rec.Containers[i]
	c.Failed, c.Reason = true, reason
}

// failed closes container i's way up after an action's error. One that was
// cancelled needs no reason.
func (t *task) failed(i int, err error, name string) {
	if t.live[i].cancelled && errors.Is(err, context.Canceled) {
		t.rec.Containers[i].Failed = true
		return
	}
	text := reason(err, name)
	if strings.HasPrefix(text, "ResourceInitializationError: ") {
		t.abort(i, err)
		return
	}
	t.fail(i, text)
}

// abort stops the whole task, of which something is missing that container i was
// first to need. The reason is the task's.
func (t *task) abort(i int, err error) {
	t.rec.Containers[i].Failed = true
	if t.rec.StopWanted || t.live[i].cancelled && errors.Is(err, context.Canceled) {
		return
	}
	t.rec.StopWanted, t.rec.Reason = true, reason(err, "ResourceInitializationError")
	t.log.Warn("task cannot start", "reason", t.rec.Reason)
}

// errorName matches a reason that begins with one of the agent's error names.
var errorName = regexp.MustCompile(`^[A-Z][A-Za-z]+Error: `)

// reason words an error as the ECS agent does: its own name first.
func reason(err error, name string) string {
	text := err.Error()
	if errorName.MatchString(text) {
		return text
	}
	return name + ": " + text
}

// create makes the container.
func (t *task) create(i int) effect {
	rec, stale := t.snapshot(), t.live[i].stale
	return func(ctx, turn context.Context) func() {
		mounts, err := t.makeContainer(ctx, turn, rec, i, stale)
		return func() {
			t.live[i].stale = true
			if err != nil {
				t.failed(i, err, "CannotCreateContainerError")
				return
			}
			c := &t.rec.Containers[i]
			c.Status, c.CreatedAt, c.Mounts = lifecycle.Created, time.Now(), mounts
		}
	}
}

// start starts the process, once the journal knows of the container.
func (t *task) start(i int) effect {
	t.save()
	created, rec := t.commit, t.snapshot()
	return func(ctx, turn context.Context) func() {
		err := created(ctx)
		if err == nil {
			err = t.engine.startContainer(ctx, turn, rec.Containers[i].ID, rec.Seq)
		}
		at := time.Now()
		if err == nil {
			t.completeMetadata(rec, i, at)
		}
		return func() {
			if err != nil {
				t.failed(i, err, "CannotStartContainerError")
				return
			}
			t.began(i, at)
		}
	}
}

// began records that container i runs since at.
func (t *task) began(i int, at time.Time) {
	c := &t.rec.Containers[i]
	c.Status, c.StartedAt, c.Down, c.ExitCode = lifecycle.Running, at, false, nil
	t.note(i)
}

// restart runs the container anew under the restart policy, with the files that
// its last run left. It never leaves RUNNING, so nothing is reported.
func (t *task) restart(i int) effect {
	last, seq := t.rec.Containers[i], t.rec.Seq
	return func(ctx, turn context.Context) func() {
		err := t.engine.restartContainer(ctx, turn, last, seq)
		at := time.Now()
		return func() {
			if err != nil {
				t.failed(i, err, "CannotStartContainerError")
				return
			}
			c := &t.rec.Containers[i]
			c.StartedAt, c.Down, c.ExitCode, c.Reason = at, false, nil, ""
			c.Health = HealthStatus{}
			c.Restarts++
		}
	}
}

// signal sends the stop signal or SIGKILL, once the journal knows of the wish to
// stop. Whether it worked shows by the exit.
func (t *task) signal(i int, kind lifecycle.Kind) effect {
	t.save()
	known, id := t.commit, t.rec.Containers[i].ID
	send := t.engine.fx.Runtime.Stop
	if kind == lifecycle.Kill {
		send = t.engine.fx.Runtime.Kill
	}
	return func(ctx, _ context.Context) func() {
		// An agent that is killed now must know why the container ends, or its
		// restart policy would start it again. A journal that fails holds up no stop.
		_ = known(ctx)
		err := persist(ctx, func(ctx context.Context) error {
			bounded, cancel := context.WithTimeout(ctx, signalTimeout)
			defer cancel()
			err := send(bounded, id)
			if err != nil && bounded.Err() != nil {
				return ErrUnavailable
			}
			return err
		})
		return func() {
			c := &t.rec.Containers[i]
			c.StopAttempts++
			c.StopSentAt = time.Now()
			if err != nil && !errors.Is(err, ErrNotFound) {
				t.log.Warn("signal not delivered", "container", id, "signal", kind.String(), "error", err)
			}
		}
	}
}

// finish gives back what a container that runs no more has held.
func (t *task) finish(i int, a lifecycle.Action) effect {
	id, attached := t.rec.Containers[i].ID, t.rec.Containers[i].Network != nil
	return func(ctx, _ context.Context) func() {
		var err error
		if attached {
			err = t.engine.detach(ctx, id)
		}
		return func() {
			if err != nil {
				t.log.Error("network of a stopped container is not released", "container", id, "error", err)
			}
			t.finished(i, a)
		}
	}
}

func (t *task) finished(i int, a lifecycle.Action) {
	c := &t.rec.Containers[i]
	c.Status = lifecycle.Stopped
	if c.Reason == "" {
		c.Reason = a.Reason
	}
	if c.ExitCode == nil {
		c.ExitCode = a.ExitCode
	}
	if c.ExitedAt.IsZero() {
		c.ExitedAt = time.Now()
	}
	if t.spec.Containers[i].Essential && t.rec.ExecutionStoppedAt.IsZero() {
		t.rec.ExecutionStoppedAt = c.ExitedAt
	}
	t.log.Info("container stopped", "container", t.rec.Task.Containers[i].Name, "exit", codeOf(c.ExitCode), "reason", c.Reason)
	t.note(i)
}

func codeOf(code *int) any {
	if code == nil {
		return "none"
	}
	return *code
}
