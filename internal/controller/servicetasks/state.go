package servicetasks

import (
	"slices"

	"github.com/slipway/slipway/internal/controller/rollout"
	"github.com/slipway/slipway/internal/schedule"
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/store"
)

// maxDied bounds the deaths that one decision looks at, and so the size of its
// transaction; the rest is looked at when these are noted.
const maxDied = 1000

// state reads what a decision about a service looks at.
func (c *Controller) state(snap *store.Snapshot, svc *ecs.Service) rollout.State {
	s := rollout.State{
		Now:         now(),
		Settle:      c.cfg.Settle,
		Service:     svc,
		Deployments: ecs.LiveDeployments(snap, svc),
		Tasks:       slices.Collect(ecs.Tasks.By(snap, ecs.IndexService, svc.ServiceRef())),
		Blocked:     c.waiting.isBlocked(svc.Key()),
		Instance:    func(id string) *schedule.Instance { return instanceOf(snap, svc, id) },
		Events:      func() []*ecs.ServiceEvent { return ecs.RecentServiceEvents(snap, svc) },
		Previous: func(d *ecs.Deployment) (*ecs.Deployment, *ecs.Revision) {
			return previous(snap, svc, d)
		},
	}
	for t := range ecs.Tasks.By(snap, ecs.IndexUnnoted, svc.ServiceRef()) {
		if len(s.Died) == maxDied {
			break
		}
		s.Died = append(s.Died, t)
	}
	s.Draining = draining(snap, svc, s.Tasks)
	if svc.SchedulingStrategy == ecs.SchedulingDaemon {
		s.Eligible = ecs.DaemonInstances(snap, svc)
	}
	return s
}

func previous(snap *store.Snapshot, svc *ecs.Service, before *ecs.Deployment) (*ecs.Deployment, *ecs.Revision) {
	d, ok := ecs.LastCompleted(snap, svc, before)
	if !ok {
		return nil, nil
	}
	rev, ok := ecs.Revisions.Get(snap, svc.Scope.Key(svc.Cluster, svc.Name, d.Revision))
	if !ok {
		return nil, nil
	}
	return d, rev
}

// draining are the DRAINING instances with tasks of the service, and whether tasks
// of others but daemons are on them, which only a DAEMON service asks.
func draining(snap *store.Snapshot, svc *ecs.Service, tasks []*ecs.Task) map[string]bool {
	found := map[string]bool{}
	seen := map[string]bool{}
	for _, t := range tasks {
		if t.Instance == "" || seen[t.Instance] {
			continue
		}
		seen[t.Instance] = true
		key := svc.Scope.Key(svc.Cluster, t.Instance)
		if inst, ok := ecs.Instances.Get(snap, key); ok && inst.Status == ecs.StatusDraining {
			found[t.Instance] = svc.SchedulingStrategy == ecs.SchedulingDaemon && busy(snap, inst)
		}
	}
	return found
}

// busy tells whether an instance has tasks that are not a DAEMON service's.
func busy(snap *store.Snapshot, inst *ecs.ContainerInstance) bool {
	for t := range ecs.Tasks.By(snap, ecs.IndexInstance, inst.Key()) {
		svc, ok := ecs.Services.Get(snap, t.Scope.Key(t.Cluster, t.Service))
		if t.Service == "" || !ok || svc.SchedulingStrategy != ecs.SchedulingDaemon {
			return true
		}
	}
	return false
}

// instanceOf is a container instance as the choice of tasks to stop sees it.
func instanceOf(snap *store.Snapshot, svc *ecs.Service, id string) *schedule.Instance {
	key := svc.Scope.Key(svc.Cluster, id)
	inst, ok := ecs.Instances.Get(snap, key)
	if !ok {
		return nil
	}
	v := &schedule.Instance{ID: id, Status: inst.Status, Attributes: make(map[string]string, len(inst.Attributes))}
	for _, a := range inst.Attributes {
		v.Attributes[a.Name] = a.Value
	}
	v.Remaining.CPU, v.Remaining.Memory = inst.Registered.CPU, inst.Registered.Memory
	if a, ok := ecs.Allocations.Get(snap, key); ok {
		v.Remaining.CPU -= a.Used.CPU
		v.Remaining.Memory -= a.Used.Memory
	}
	return v
}
