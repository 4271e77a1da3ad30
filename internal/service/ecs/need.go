package ecs

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/slipway/slipway/internal/schedule"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

// taskNeed is what a task of the definition holds on its instance: CPU units and
// MiB of the task, else the sums over its containers, where a memory reservation
// counts in place of the limit (task_definition_parameters), and the host ports
// that it names. Dynamic ports are the agent's affair.
func taskNeed(d *ecsshape.TaskDefinition, o *ecsshape.TaskOverride) Resources {
	need := containerNeed(d, o)
	cpu, memory := taskLevel(d, o)
	if cpu > 0 {
		need.CPU = cpu
	}
	if memory > 0 {
		need.Memory = memory
	}
	return need
}

// taskLevel are the task-level CPU units and MiB; zero where there is none.
func taskLevel(d *ecsshape.TaskDefinition, o *ecsshape.TaskOverride) (cpu, memory int64) {
	c, m := d.Cpu, d.Memory
	if o != nil {
		c, m = cmp.Or(o.Cpu, c), cmp.Or(o.Memory, m)
	}
	// Both were normalised to integers when they were registered or checked.
	cpu, _ = strconv.ParseInt(given(c), 10, 64)
	memory, _ = strconv.ParseInt(given(m), 10, 64)
	return cpu, memory
}

func containerNeed(d *ecsshape.TaskDefinition, o *ecsshape.TaskOverride) Resources {
	var need Resources
	host := networkMode(d) == "host"
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		over := containerOverride(o, given(c.Name))
		need.CPU += int64(given(cmp.Or(over.Cpu, c.Cpu)))
		memory := cmp.Or(cmp.Or(over.MemoryReservation, c.MemoryReservation), cmp.Or(over.Memory, c.Memory))
		need.Memory += int64(given(memory))
		need.GPU += gpusOf(firstOf(over.ResourceRequirements, c.ResourceRequirements))
		for j := range c.PortMappings {
			need.addPort(&c.PortMappings[j], host)
		}
	}
	slices.Sort(need.TCP)
	slices.Sort(need.UDP)
	need.TCP, need.UDP = slices.Compact(need.TCP), slices.Compact(need.UDP)
	return need
}

func firstOf[T any](a, b []T) []T {
	if a != nil {
		return a
	}
	return b
}

func (r *Resources) addPort(m *ecsshape.PortMapping, host bool) {
	port := given(m.HostPort)
	if host {
		port = given(m.ContainerPort)
	}
	switch {
	case port == 0:
	case given(m.Protocol) == "udp":
		r.UDP = append(r.UDP, port)
	default:
		r.TCP = append(r.TCP, port)
	}
}

func gpusOf(requirements []ecsshape.ResourceRequirement) int64 {
	var n int64
	for i := range requirements {
		if given(requirements[i].Type) == "GPU" {
			v, _ := strconv.ParseInt(given(requirements[i].Value), 10, 64)
			n += v
		}
	}
	return n
}

// plus and minus book what a task takes and gives back.
func (r Resources) plus(o Resources) Resources {
	return Resources{
		CPU: r.CPU + o.CPU, Memory: r.Memory + o.Memory, GPU: r.GPU + o.GPU,
		TCP: unionPorts(r.TCP, o.TCP), UDP: unionPorts(r.UDP, o.UDP),
	}
}

func (r Resources) minus(o Resources) Resources {
	without := func(ports, gone []int32) []int32 {
		return slices.DeleteFunc(slices.Clone(ports), func(p int32) bool { return slices.Contains(gone, p) })
	}
	return Resources{
		CPU: r.CPU - o.CPU, Memory: r.Memory - o.Memory, GPU: r.GPU - o.GPU,
		TCP: without(r.TCP, o.TCP), UDP: without(r.UDP, o.UDP),
	}
}

func unionPorts(a, b []int32) []int32 {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// scheduling is the same as schedule counts it.
func (r Resources) scheduling() schedule.Resources {
	return schedule.Resources{
		CPU: r.CPU, Memory: r.Memory, GPU: r.GPU,
		TCP: schedulingPorts(r.TCP), UDP: schedulingPorts(r.UDP),
	}
}

func schedulingPorts(ports []int32) schedule.Ports {
	out := make([]uint16, len(ports))
	for i, p := range ports {
		out[i] = uint16(p)
	}
	return schedule.PortsOf(out...)
}
