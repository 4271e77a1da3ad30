package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway/slipway/internal/agent/journal"
	"github.com/slipway/slipway/internal/agent/lifecycle"
	"github.com/slipway/slipway/internal/agentproto"
)

// Receipt is the answer to Apply.
type Receipt struct {
	// Malformed: a task could not be loaded. It is reported STOPPED, and the
	// message that brought it must not be acknowledged.
	Malformed bool
	commits   []journal.Wait
}

// NewReceipt is a receipt for these writes.
func NewReceipt(writes ...journal.Wait) Receipt { return Receipt{commits: writes} }

// Wait returns when everything that was applied is durable.
func (r Receipt) Wait(ctx context.Context) error {
	for _, wait := range r.commits {
		if err := wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Apply takes desired state: new tasks begin at once, known ones are stopped if
// that is wanted, and nothing else of them is changed (upsert by ARN). Those to
// stop come first, so that what they hold is free for the others.
func (e *Engine) Apply(ctx context.Context, tasks []agentproto.Task) (Receipt, error) {
	var receipt Receipt
	for _, desired := range []string{agentproto.DesiredStopped, agentproto.DesiredRunning} {
		for _, task := range tasks {
			if (task.DesiredStatus == agentproto.DesiredStopped) != (desired == agentproto.DesiredStopped) {
				continue
			}
			if err := e.apply(ctx, task, &receipt); err != nil {
				return receipt, err
			}
		}
	}
	return receipt, nil
}

func (e *Engine) apply(ctx context.Context, task agentproto.Task, receipt *Receipt) error {
	e.roles.put(task.ARN, agentproto.RoleTask, task.RoleCredentials)
	e.roles.put(task.ARN, agentproto.RoleExecution, task.ExecutionRoleCredentials)
	stop := task.DesiredStatus == agentproto.DesiredStopped
	e.applying.Lock()
	defer e.applying.Unlock()
	e.mu.Lock()
	known := e.tasks[task.ARN]
	e.mu.Unlock()
	if known != nil {
		if !stop {
			return nil
		}
		commit, ok := known.stop()
		if ok {
			receipt.add(commit)
			return nil
		}
		// It was forgotten this moment, so it is unknown.
	}
	t := e.load(task, stop, receipt)
	select {
	case e.starts <- t:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-e.done:
		return errors.New("the engine has ended")
	}
}

func (r *Receipt) add(c journal.Wait) {
	if c != nil {
		r.commits = append(r.commits, c)
	}
}

// load makes a new task. One that can't run, or is only heard of to be stopped,
// is made without containers: it then reports STOPPED and ends.
func (e *Engine) load(task agentproto.Task, stop bool, receipt *Receipt) *task {
	reason := ""
	spec, err := lifecycleSpec(task, e.cfg)
	switch bad := check(task); {
	case stop:
		reason = "TaskStateError: Agent could not progress task's state to stopped"
	case bad != nil:
		reason = fmt.Sprintf("UnrecogniedTaskError: Error loading task - %s", bad)
		receipt.Malformed = true
	case err != nil:
		reason = "TaskDependencyError: Task dependencies cannot be resolved, taskArn: " + task.ARN
		e.log.Warn("task refused", "task", task.ARN, "error", err)
	}
	if reason != "" {
		task.Containers, task.CPU, task.Memory, spec = nil, 0, 0, lifecycle.TaskSpec{}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seq++
	rec := newRecord(task, e.seq)
	rec.Reason, rec.StopWanted = reason, reason != ""
	t := e.newTask(rec, spec)
	e.tasks[task.ARN] = t
	receipt.add(t.commit)
	e.log.Info("task accepted", "task", task.ARN, "reason", reason)
	e.host.claim(task.ARN, t.need, t.admit)
	return t
}

// admit says that the instance's resources are the task's now.
func (t *task) admit() {
	t.box.post(func() { t.rec.Admitted, t.dirty = true, true })
}

// Stop stops a task that the control plane no longer wants; an unknown one is
// ignored.
func (e *Engine) Stop(arn string) {
	e.mu.Lock()
	t := e.tasks[arn]
	e.mu.Unlock()
	if t != nil {
		t.stop()
	}
}
