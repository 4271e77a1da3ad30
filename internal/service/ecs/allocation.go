package ecs

import (
	"maps"
	"slices"

	"github.com/slipway/slipway/internal/store"
)

// take books a task on its instance, or says that it does not fit. Booking and
// task are one transaction, and the instance and its allocation are guarded, so
// that of two servers that place at once the second sees the first.
func take(tx *store.Tx, t *Task, distinct bool) bool {
	inst, ok := Instances.Get(tx, t.Scope.Key(t.Cluster, t.Instance))
	if !ok || inst.Status != StatusActive {
		return false
	}
	a, ok := Allocations.Get(tx, inst.Key())
	if !ok {
		a = &Allocation{Scope: t.Scope, Cluster: t.Cluster, Instance: t.Instance}
	}
	if distinct && a.Groups[t.Group] > 0 || !a.fits(inst, t.Need) {
		return false
	}
	Allocations.Put(tx, a.with(t))
	Tasks.Put(tx, t)
	return true
}

// takeAll books tasks on their instances, or tells that one does not fit.
func takeAll(tx *store.Tx, tasks []*Task, distinct bool) error {
	for _, t := range tasks {
		if !take(tx, t, distinct) {
			return errLostPlacement
		}
	}
	return nil
}

// release gives back what an ending task holds and stores the task.
func release(tx *store.Tx, t *Task) {
	Tasks.Put(tx, t)
	if t.Instance == "" {
		return
	}
	if a, ok := Allocations.Get(tx, t.Scope.Key(t.Cluster, t.Instance)); ok {
		Allocations.Put(tx, a.without(t))
	}
}

// fits is what schedule also tests; it holds the line when another server has
// placed since the snapshot. A need of zero always fits.
func (a *Allocation) fits(inst *ContainerInstance, need Resources) bool {
	free := inst.Registered.minus(a.Used)
	taken := func(port int32) bool {
		return slices.Contains(inst.Registered.TCP, port) || slices.Contains(a.Used.TCP, port)
	}
	takenUDP := func(port int32) bool {
		return slices.Contains(inst.Registered.UDP, port) || slices.Contains(a.Used.UDP, port)
	}
	return (need.CPU == 0 || need.CPU <= free.CPU) &&
		(need.Memory == 0 || need.Memory <= free.Memory) &&
		(need.GPU == 0 || need.GPU <= free.GPU) &&
		!slices.ContainsFunc(need.TCP, taken) && !slices.ContainsFunc(need.UDP, takenUDP)
}

func (a *Allocation) with(t *Task) *Allocation {
	next := *a
	next.Used = a.Used.plus(t.Need)
	next.Tasks++
	next.Groups = a.groups(t.Group, 1)
	return &next
}

func (a *Allocation) without(t *Task) *Allocation {
	next := *a
	next.Used = a.Used.minus(t.Need)
	next.Tasks--
	next.Groups = a.groups(t.Group, -1)
	return &next
}

func (a *Allocation) groups(group string, delta int) map[string]int {
	groups := maps.Clone(a.Groups)
	if groups == nil {
		groups = map[string]int{}
	}
	if groups[group] += delta; groups[group] <= 0 {
		delete(groups, group)
	}
	return groups
}
