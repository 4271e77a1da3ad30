package engine

import (
	"cmp"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/agent/lifecycle"
	"github.com/slipway/slipway/internal/agentproto"
)

// View is a task as it was a moment ago. It is nobody's to change.
type View struct {
	Task       agentproto.Task
	Desired    string // RUNNING or STOPPED
	Known      lifecycle.Status
	Containers []ContainerView // in the order of Task.Containers

	PullStartedAt, PullStoppedAt, ExecutionStoppedAt time.Time // zero: still to come
	// The ids of the credentials that the task was given; empty for none.
	TaskCredentialsID, ExecutionCredentialsID string
}

// ContainerView is the part of a View about one container.
type ContainerView struct {
	ContainerRecord
	Name    string // Docker-like
	Mode    string // of the network
	Checked bool   // it has a health check
	Labels  map[string]string
	// LogDriver and LogOptions are the definition's; secret options are not
	// among them.
	LogDriver  string
	LogOptions map[string]string
	CPU        int64 // shares
	Memory     int64 // MiB; 0: no limit
}

func (t *task) publish() {
	obs := t.observe()
	v := t.describe(t.rec)
	v.Known = obs.Task()
	if lifecycle.Stopping(t.spec, obs) {
		v.Desired = agentproto.DesiredStopped
	}
	t.view.Store(&v)
}

// describe is a record as a View of a task that is to run.
func (t *task) describe(rec Record) View {
	v := View{
		Task: rec.Task, Desired: agentproto.DesiredRunning,
		PullStartedAt: rec.PullStartedAt, PullStoppedAt: rec.PullStoppedAt, ExecutionStoppedAt: rec.ExecutionStoppedAt,
		TaskCredentialsID: rec.TaskCredentialsID, ExecutionCredentialsID: rec.ExecutionCredentialsID,
	}
	for i, c := range rec.Containers {
		said := t.said[i]
		v.Containers = append(v.Containers, ContainerView{
			ContainerRecord: c, Name: dockerName(rec.Task, i), Mode: said.mode,
			Checked: said.check != nil, Labels: said.config.Labels,
			LogDriver: said.host.LogConfig.Type, LogOptions: said.host.LogConfig.Config,
			CPU: said.host.CPUShares, Memory: said.host.Memory >> 20,
		})
	}
	return v
}

// snapshot is a copy of the record for actions, which run beside its owner.
func (t *task) snapshot() Record {
	rec := t.rec
	rec.Containers = slices.Clone(t.rec.Containers)
	return rec
}

// Tasks are all tasks that the agent remembers, in the order in which they were
// accepted.
func (e *Engine) Tasks() []View {
	e.mu.Lock()
	tasks := make([]*task, 0, len(e.tasks))
	for _, t := range e.tasks {
		tasks = append(tasks, t)
	}
	e.mu.Unlock()
	slices.SortFunc(tasks, func(a, b *task) int { return cmp.Compare(a.rec.Seq, b.rec.Seq) })
	views := make([]View, len(tasks))
	for i, t := range tasks {
		views[i] = *t.view.Load()
	}
	return views
}

// Task is one of them; false if it is not remembered.
func (e *Engine) Task(arn string) (View, bool) {
	e.mu.Lock()
	t := e.tasks[arn]
	e.mu.Unlock()
	if t == nil {
		return View{}, false
	}
	return *t.view.Load(), true
}
