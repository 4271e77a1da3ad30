package ecs

import (
	"strconv"
	"strings"

	"github.com/slipway/slipway/internal/schedule"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
)

// clusterFleet keeps one cluster's fleet in step with the store, so that a
// placement looks at what has changed since the last one and at nothing else.
// External instances and the others are fleets of their own: the launch type
// decides which one a task goes to.
type clusterFleet struct {
	fleet    *schedule.Fleet
	external bool
	known    map[string]*fleetMember // by container instance id
	round    uint64
}

// fleetMember remembers which records the fleet has seen. Records never change,
// so another pointer is the sign of another version.
type fleetMember struct {
	inst       *ContainerInstance
	alloc      *Allocation
	attributes map[string]string
	running    int
	other      bool   // it is of the cluster's other fleet
	stale      bool   // the fleet's reservations are not what the store has
	round      uint64 // of the last sync that met the instance
}

// fleetOf returns the cluster's fleet for a launch type as the snapshot has it.
// The caller holds placing.
func (r *Room) fleetOf(snap *store.Snapshot, s Scope, cluster, launchType string, counts bool) *clusterFleet {
	external := launchType == ecsshape.LaunchTypeExternal
	key := s.Key(cluster, strconv.FormatBool(external))
	f := r.fleets[key]
	if f == nil {
		f = &clusterFleet{fleet: schedule.NewFleet(nil), external: external, known: map[string]*fleetMember{}}
		r.fleets[key] = f
	}
	f.sync(snap, s, cluster)
	if counts {
		f.countRunning(snap, s, cluster)
	}
	if len(f.known) == 0 {
		delete(r.fleets, key)
	}
	return f
}

func (f *clusterFleet) sync(snap *store.Snapshot, s Scope, cluster string) {
	f.round++
	prefix := s.Prefix(cluster)
	for inst := range Instances.List(snap, prefix) {
		m := f.known[inst.ID]
		if m == nil {
			m = &fleetMember{}
			f.known[inst.ID] = m
		}
		m.round = f.round
		if m.inst != inst {
			m.inst, m.attributes, m.stale = inst, inst.attributeMap(), true
			m.other = inst.External() != f.external
		}
	}
	for alloc := range Allocations.List(snap, prefix) {
		if m := f.known[alloc.Instance]; m != nil && m.alloc != alloc {
			m.alloc, m.stale = alloc, true
		}
	}
	for id, m := range f.known {
		switch {
		case m.round != f.round:
			delete(f.known, id)
			f.fleet.Remove(id)
		case m.stale && m.other:
			m.stale = false
			f.fleet.Remove(id)
		case m.stale:
			m.stale = false
			f.fleet.Upsert(m.scheduling())
		}
	}
}

// countRunning brings runningTasksCount up to date, which only expressions that
// name it look at.
func (f *clusterFleet) countRunning(snap *store.Snapshot, s Scope, cluster string) {
	for id, m := range f.known {
		if m.other {
			continue
		}
		if n := CountInstanceTasks(snap, s, cluster, id).Running; n != m.running {
			m.running = n
			f.fleet.Upsert(m.scheduling())
		}
	}
}

// distrust makes the next sync forget what was reserved on the instances of
// tasks that were not committed.
func (f *clusterFleet) distrust(tasks []*Task) {
	for _, t := range tasks {
		if m := f.known[t.Instance]; m != nil {
			m.stale = true
		}
	}
}

// scheduling is the member as schedule knows it.
func (m *fleetMember) scheduling() schedule.Instance {
	out := schedule.Instance{
		ID:            m.inst.ID,
		Status:        m.inst.Status,
		Connected:     m.inst.AgentConnected,
		EC2InstanceID: m.inst.EC2InstanceID,
		AgentVersion:  m.inst.AgentVersion,
		RegisteredAt:  m.inst.RegisteredAt,
		Attributes:    m.attributes,
		Registered:    m.inst.Registered.scheduling(),
		RunningTasks:  m.running,
	}
	remaining := m.inst.Registered
	if m.alloc != nil {
		out.Groups = m.alloc.Groups
		used := m.alloc.Used
		remaining = remaining.minus(Resources{CPU: used.CPU, Memory: used.Memory, GPU: used.GPU})
		remaining.TCP = unionPorts(remaining.TCP, used.TCP)
		remaining.UDP = unionPorts(remaining.UDP, used.UDP)
	}
	out.Remaining = remaining.scheduling()
	return out
}

func (i *ContainerInstance) attributeMap() map[string]string {
	m := make(map[string]string, len(i.Attributes))
	for _, a := range i.Attributes {
		m[a.Name] = a.Value
	}
	return m
}

// namesRunningCount tells whether a constraint looks at runningTasksCount.
func namesRunningCount(constraints []schedule.Constraint) bool {
	for _, c := range constraints {
		if strings.Contains(strings.ToLower(c.Expression), "runningtaskscount") {
			return true
		}
	}
	return false
}
