package engine

import (
	"cmp"
	"slices"

	"github.com/slipway/slipway/internal/agent/lifecycle"
	"github.com/slipway/slipway/internal/agentproto"
)

// View is a task as it was a moment ago. It is nobody's to change.
type View struct {
	Task       agentproto.Task
	Desired    string // RUNNING or STOPPED
	Known      lifecycle.Status
	Containers []ContainerView // in the order of Task.Containers
}

// ContainerView is the part of a View about one container.
type ContainerView struct {
	ContainerRecord
	Name   string // Docker-like
	Mode   string // of the network
	Health lifecycle.Health
}

func (t *task) publish() {
	obs := t.observe()
	v := &View{Task: t.rec.Task, Desired: agentproto.DesiredRunning, Known: obs.Task()}
	if lifecycle.Stopping(t.spec, obs) {
		v.Desired = agentproto.DesiredStopped
	}
	for i, c := range t.rec.Containers {
		mode, _ := networkMode(t.rec.Task, i) // one that can't be read fails the container
		v.Containers = append(v.Containers, ContainerView{
			ContainerRecord: c, Name: dockerName(t.rec.Task, i), Mode: mode, Health: t.live[i].health,
		})
	}
	t.view.Store(v)
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
