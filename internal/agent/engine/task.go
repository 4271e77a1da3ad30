package engine

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slipway/slipway/internal/agent/journal"
	"github.com/slipway/slipway/internal/agent/lifecycle"
)

// group is the journal's group of task records.
const group = "task"

// task is one task and its owner. Everything but box, view and need belongs to
// the owner goroutine once run has begun.
type task struct {
	engine   *Engine
	log      *slog.Logger
	spec     lifecycle.TaskSpec
	said     []said // by container
	settings *settings
	pause    pause
	need     need
	wait     time.Duration // from the task's end to its clean-up
	box      *mailbox
	view     atomic.Pointer[View]

	rec    Record
	live   []live
	dirty  bool         // rec differs from what the journal was given
	commit journal.Wait // of the last version of rec

	sending  bool // the first report of rec.Outbox is under way
	cleaning bool // the clean-up is under way
	gone     bool // nothing is left to do
	actions  sync.WaitGroup
}

// live is what need not be remembered of a container.
type live struct {
	doing     lifecycle.Kind
	cancel    context.CancelFunc // ends the turn of the action under way
	cancelled bool
	unwatch   func() // ends the health check; nil: none is under way
	detach    func() // closes the container to ECS Exec; nil: it is not open
	watched   bool   // somebody waits for the exit
	stale     bool   // the runtime may have a container of an earlier attempt
}

func (e *Engine) newTask(rec Record, spec lifecycle.TaskSpec) *task {
	t := &task{
		engine:   e,
		log:      e.log.With("task", rec.Task.ARN),
		spec:     spec,
		settings: &settings{turn: make(chan struct{}, 1)},
		pause:    pause{turn: make(chan struct{}, 1)},
		need:     needOf(rec.Task),
		wait:     e.cfg.cleanupWait(),
		box:      newMailbox(),
		rec:      rec,
		live:     make([]live, len(rec.Containers)),
		dirty:    true,
	}
	for i := range rec.Containers {
		t.said = append(t.said, e.read(rec, i))
	}
	t.save()
	t.publish()
	return t
}

// run is the owner. It returns when the task is forgotten or ctx ends, and
// leaves no goroutine behind.
func (t *task) run(ctx context.Context) {
	defer t.actions.Wait()
	defer t.endChecks()
	defer t.endAgents()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			t.settle(ctx)
		case <-t.box.wake:
			for _, f := range t.box.take() {
				f()
				t.settle(ctx)
			}
		}
		if t.gone && t.box.close() {
			t.engine.forget(t)
			return
		}
		t.arm(timer)
	}
}

// settle does all that can be done now.
func (t *task) settle(ctx context.Context) {
	for t.act(ctx) {
	}
	t.watch(ctx)
	t.checkHealth()
	t.serveAgents()
	t.report()
	t.settleStopped(ctx)
	t.send(ctx)
	t.save()
	t.publish()
}

// act starts the actions that lifecycle asks for; false if there were none.
func (t *task) act(ctx context.Context) bool {
	started := false
	for _, a := range lifecycle.Next(t.spec, t.observe()) {
		if a.Kind == lifecycle.Cancel {
			t.cancel(a.Container)
			continue
		}
		t.launch(ctx, a)
		started = true
	}
	return started
}

func (t *task) observe() lifecycle.Observed {
	obs := lifecycle.Observed{
		Now:        time.Now(),
		Admitted:   t.rec.Admitted,
		StopWanted: t.rec.StopWanted,
		Containers: make([]lifecycle.Container, len(t.rec.Containers)),
	}
	for i, c := range t.rec.Containers {
		obs.Containers[i] = lifecycle.Container{
			Status: c.Status, Doing: t.live[i].doing, Failed: c.Failed, Down: c.Down, ExitCode: c.ExitCode,
			StartedAt: c.StartedAt, ExitedAt: c.ExitedAt, Health: c.Health.Verdict,
			StopAttempts: c.StopAttempts, StopSentAt: c.StopSentAt,
		}
	}
	return obs
}

// save gives the record to the journal, without waiting for the disk.
func (t *task) save() {
	if !t.dirty || t.gone {
		return
	}
	value, err := json.Marshal(t.rec)
	if err != nil {
		panic("a record is always JSON: " + err.Error())
	}
	t.dirty = false
	t.commit = t.engine.fx.Journal.Put(group, t.rec.Task.ARN, value)
}

// arm sets the timer to when something is due without anything happening.
func (t *task) arm(timer *time.Timer) {
	due, ok := lifecycle.Deadline(t.spec, t.observe())
	earlier := func(at time.Time) {
		if !ok || at.Before(due) {
			due, ok = at, true
		}
	}
	if t.hasNews() {
		earlier(t.rec.EventsDue)
	}
	if at := t.cleanupAt(); !at.IsZero() && !t.cleaning {
		earlier(at)
	}
	timer.Stop()
	if ok {
		timer.Reset(max(0, time.Until(due)))
	}
}

// stop is the control plane's wish. The commit is of the record that knows.
func (t *task) stop() (journal.Wait, bool) {
	got := make(chan journal.Wait, 1)
	ok := t.box.post(func() {
		if !t.rec.StopWanted {
			t.log.Info("task is to stop")
			t.rec.StopWanted, t.dirty = true, true
		}
		t.save()
		got <- t.commit
	})
	if !ok {
		return nil, false
	}
	select {
	case c := <-got:
		return c, true
	case <-t.engine.done:
		return nil, true
	}
}
