package servicetasks

import (
	"context"
	"fmt"
	"reflect"

	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/store"
)

// follow names the services that a change concerns: at first all that are not
// INACTIVE.
func (c *Controller) follow(ctx context.Context, add func(key string)) error {
	w := c.st.Watch(ecs.Services, ecs.Deployments, ecs.Tasks, ecs.Instances)
	defer w.Close()
	for _, status := range []string{ecs.StatusActive, ecs.StatusDraining} {
		for s := range ecs.Services.By(w.Snapshot(), ecs.IndexServiceStatus, status) {
			add(s.Key())
		}
	}
	for {
		batch, err := w.Next(ctx)
		if err != nil {
			return fmt.Errorf("watch services: %w", err)
		}
		f := follower{c: c, snap: batch.Snapshot, add: add, freed: map[string]bool{}}
		for i := range batch.Changes {
			f.change(&batch.Changes[i])
		}
		for cluster := range f.freed {
			for _, key := range c.waiting.in(cluster) {
				add(key)
			}
		}
	}
}

// follower turns one batch of changes into keys.
type follower struct {
	c     *Controller
	snap  *store.Snapshot
	add   func(key string)
	freed map[string]bool // keys of clusters whose capacity has changed
}

func (f *follower) change(ch *store.Change) {
	switch ch.Table {
	case ecs.Services.Name():
		f.add(ch.Key)
	case ecs.Deployments.Name():
		if d, ok := ch.After.(*ecs.Deployment); ok {
			f.add(d.Scope.Key(d.Cluster, d.Service))
		}
	case ecs.Tasks.Name():
		before, _ := ch.Before.(*ecs.Task)
		after, _ := ch.After.(*ecs.Task)
		f.task(before, after)
	case ecs.Instances.Name():
		before, _ := ch.Before.(*ecs.ContainerInstance)
		after, _ := ch.After.(*ecs.ContainerInstance)
		f.instance(before, after)
	}
}

func (f *follower) task(before, after *ecs.Task) {
	t := after
	if t == nil {
		t = before
	}
	if t.Service != "" && matters(before, after) {
		f.add(t.Scope.Key(t.Cluster, t.Service))
	}
	if !ended(after) || ended(before) {
		return
	}
	f.freed[t.Scope.Key(t.Cluster)] = true
	if inst, ok := ecs.Instances.Get(f.snap, t.Scope.Key(t.Cluster, t.Instance)); ok && inst.Status == ecs.StatusDraining {
		f.servicesOn(inst) // daemons leave a draining instance last
	}
}

// ended tells whether a task holds nothing: it is STOPPED, or not there.
func ended(t *ecs.Task) bool { return t == nil || t.Ended() }

// matters tells whether anything has changed that a decision looks at.
func matters(before, after *ecs.Task) bool {
	if before == nil || after == nil {
		return !ended(before) || !ended(after)
	}
	return before.LastStatus != after.LastStatus || before.DesiredStatus != after.DesiredStatus ||
		before.HealthStatus != after.HealthStatus || before.Noted != after.Noted ||
		!reflect.DeepEqual(before.Protection, after.Protection)
}

func (f *follower) instance(before, after *ecs.ContainerInstance) {
	inst := after
	if inst == nil {
		inst = before
	}
	if before != nil && after != nil && before.Status == after.Status &&
		before.AgentConnected == after.AgentConnected && reflect.DeepEqual(before.Attributes, after.Attributes) {
		return
	}
	cluster := inst.Scope.Key(inst.Cluster)
	f.freed[cluster] = true
	for s := range ecs.Services.By(f.snap, ecs.IndexDaemonServices, cluster) {
		f.add(s.Key())
	}
	f.servicesOn(inst)
}

// servicesOn names the services with tasks on an instance.
func (f *follower) servicesOn(inst *ecs.ContainerInstance) {
	for t := range ecs.Tasks.By(f.snap, ecs.IndexInstance, inst.Key()) {
		if t.Service != "" {
			f.add(t.Scope.Key(t.Cluster, t.Service))
		}
	}
}
