package schedule

// Resources are amounts of what an instance offers.
//
// In [Instance.Registered] and [Instance.Remaining] the port sets mean the ports IN USE, as in the PORTS and PORTS_UDP
// resources of DescribeContainerInstances: those reserved at registration (22, 2375, 2376, 51678 …), and in Remaining
// also those that tasks hold. A task fits when none of its ports is in Remaining's sets; placing it adds them.
type Resources struct {
	CPU      int64 // CPU units, 1024 to a vCPU
	Memory   int64 // MiB
	TCP, UDP Ports
	GPU      int64 // devices
	ENI      int64 // network interfaces for awsvpc tasks
}

// Need is what one task takes: CPU units, MiB of memory, its static host ports, GPUs, and interfaces (1 for an awsvpc
// task where they are counted). Zero amounts always fit.
type Need Resources

// take reserves n.
func (r *Resources) take(n *Need) {
	r.CPU -= n.CPU
	r.Memory -= n.Memory
	r.GPU -= n.GPU
	r.ENI -= n.ENI
	r.TCP = r.TCP.Union(n.TCP)
	r.UDP = r.UDP.Union(n.UDP)
}

// give takes back what take reserved.
func (r *Resources) give(n *Need) {
	r.CPU += n.CPU
	r.Memory += n.Memory
	r.GPU += n.GPU
	r.ENI += n.ENI
	r.TCP = r.TCP.Minus(n.TCP)
	r.UDP = r.UDP.Minus(n.UDP)
}
