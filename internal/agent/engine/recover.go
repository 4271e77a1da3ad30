package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/slipway/slipway/internal/agent/journal"
	"github.com/slipway/slipway/internal/agent/lifecycle"
)

// Recover takes up the tasks of the journal where an earlier agent left them,
// and removes what nobody remembers. Call it before Run, and before any new task
// can come.
func (e *Engine) Recover(ctx context.Context) error {
	records, err := e.records()
	if err != nil {
		return err
	}
	var processes []Process
	err = persist(ctx, func(ctx context.Context) error {
		var err error
		processes, err = e.fx.Runtime.List(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("list containers: %w", err)
	}
	found := make(map[string]Process, len(processes))
	for _, p := range processes {
		found[p.ID] = p
	}
	attached := map[string]Attachment{}
	for _, rec := range records {
		t, err := e.resume(rec, found)
		if err != nil {
			return err
		}
		delete(found, pauseID(rec.Task))
		for _, c := range t.rec.Containers {
			delete(found, c.ID)
			if c.Network != nil && c.Status != lifecycle.Stopped {
				attached[c.ID] = *c.Network
			}
		}
	}
	if err := e.fx.Network.Recover(ctx, attached); err != nil {
		return fmt.Errorf("recover networks: %w", err)
	}
	known := map[string]bool{}
	for _, rec := range records {
		known[taskID(rec.Task.ARN)] = true
	}
	if err := e.fx.Volumes.Recover(ctx, func(id string) bool { return known[id] }); err != nil {
		return fmt.Errorf("recover volumes: %w", err)
	}
	return e.removeOrphans(ctx, found)
}

// Discard forgets all tasks of the journal: those of another instance.
func Discard(ctx context.Context, j Journal) error {
	var gone journal.Wait = func(context.Context) error { return nil }
	err := j.Each(group, func(key string, _ []byte) error {
		gone = j.Delete(group, key)
		return nil
	})
	if err != nil {
		return fmt.Errorf("discard tasks: %w", err)
	}
	return gone(ctx) // the last one is durable after all others
}

// records are those of the journal, in the order of acceptance.
func (e *Engine) records() ([]Record, error) {
	var records []Record
	err := e.fx.Journal.Each(group, func(key string, value []byte) error {
		var rec Record
		if err := json.Unmarshal(value, &rec); err != nil {
			return fmt.Errorf("read record of %s: %w", key, err)
		}
		records = append(records, rec)
		return nil
	})
	slices.SortFunc(records, func(a, b Record) int { return cmp.Compare(a.Seq, b.Seq) })
	return records, err
}

// resume makes the task of a record, corrected by what is really there.
func (e *Engine) resume(rec Record, found map[string]Process) (*task, error) {
	spec, err := lifecycleSpec(rec.Task, e.cfg)
	if err != nil {
		return nil, fmt.Errorf("load task %s: %w", rec.Task.ARN, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.newTask(rec, spec)
	e.tasks[rec.Task.ARN] = t
	e.recovered = append(e.recovered, t)
	e.seq = max(e.seq, rec.Seq)
	for i := range t.rec.Containers {
		if t.rec.Containers[i].EndpointID == "" { // of an agent that gave none
			t.rec.Containers[i].EndpointID, t.dirty = uuid.NewString(), true
		}
		p, ok := found[t.rec.Containers[i].ID]
		t.reconcile(i, p, ok)
	}
	if !slices.ContainsFunc(t.rec.Containers, func(c ContainerRecord) bool { return c.Status >= lifecycle.Created }) {
		t.rec.Cgroup = "" // made anew with the first container
	}
	switch {
	case !rec.StoppedAt.IsZero():
	case rec.Admitted:
		e.host.restore(t.need)
	default:
		e.host.claim(rec.Task.ARN, t.need, t.admit)
	}
	t.save()
	t.publish()
	return t, nil
}

// reconcile corrects what is remembered of container i. The journal knew of
// CREATED before any process was started, so what is less than that never ran
// and is made anew.
func (t *task) reconcile(i int, p Process, exists bool) {
	c := &t.rec.Containers[i]
	if c.Status == lifecycle.Stopped || c.Failed {
		return
	}
	t.dirty = true
	switch {
	case c.Status < lifecycle.Created:
		// Its network may be gone with a restart of the machine.
		c.Status, c.Network = lifecycle.None, nil
		t.live[i].stale = true
	case c.Status == lifecycle.Running && c.Down:
		// A restart under the restart policy may have been cut off after its
		// last step.
		if exists && (p.State == Alive || p.State == Exited && p.Exit.At.After(c.ExitedAt)) {
			c.Down, c.ExitCode, c.Reason, c.StartedAt, c.Health = false, nil, "", cmp.Or(p.StartedAt, time.Now()), HealthStatus{}
			c.Restarts++
			if p.State == Exited {
				t.exited(i, p.Exit, true)
			}
		}
	case (!exists || p.State == Absent) && c.Status == lifecycle.Created:
		t.fail(i, vanished)
	case !exists || p.State == Absent:
		t.exited(i, Exit{At: time.Now()}, false)
	case p.State == Alive:
		t.resumeRunning(i, p)
	case p.State == Exited:
		t.resumeRunning(i, p)
		t.exited(i, p.Exit, true)
	}
}

// resumeRunning notes that a container was started in the moment in which the
// agent was killed.
func (t *task) resumeRunning(i int, p Process) {
	c := &t.rec.Containers[i]
	if c.Status == lifecycle.Running {
		return
	}
	c.Status, c.StartedAt = lifecycle.Running, p.StartedAt
	if c.StartedAt.IsZero() {
		c.StartedAt = time.Now()
	}
	t.note(i)
}

// removeOrphans deletes containers that no record speaks of.
func (e *Engine) removeOrphans(ctx context.Context, orphans map[string]Process) error {
	var errs []error
	for id := range orphans {
		e.log.Warn("container of no known task is removed", "container", id)
		if err := e.fx.Runtime.Remove(ctx, id); err != nil {
			errs = append(errs, fmt.Errorf("remove container %s: %w", id, err))
			continue
		}
		if err := e.fx.Network.Detach(ctx, id); err != nil {
			errs = append(errs, fmt.Errorf("release network of %s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}
