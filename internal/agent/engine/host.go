package engine

import (
	"encoding/json"
	"slices"
	"sync"

	"github.com/slipway/slipway/internal/agentproto"
)

// need is what a task takes of the instance while it is not stopped.
type need struct {
	cpu    int64 // 1024 per vCPU
	memory int64 // MiB
	ports  []port
}

type port struct {
	number   int32
	protocol string
}

// needOf counts as the ECS agent does: the task's own figures, else the sum over
// its containers, where a memory reservation counts before the limit.
func needOf(task agentproto.Task) need {
	n := need{cpu: int64(task.CPU * 1024), memory: task.Memory}
	for _, c := range task.Containers {
		if task.CPU == 0 {
			n.cpu += c.CPU
		}
		if task.Memory == 0 {
			n.memory += reserved(c)
		}
		for _, p := range c.PortMappings {
			if p.HostPort != 0 {
				n.ports = append(n.ports, port{p.HostPort, p.Protocol})
			}
		}
	}
	return n
}

func reserved(c agentproto.Container) int64 {
	var host agentproto.HostConfig
	// What cannot be decoded fails the container when it is created.
	if json.Unmarshal([]byte(c.DockerConfig.HostConfig), &host) == nil && host.MemoryReservation > 0 {
		return host.MemoryReservation >> 20
	}
	return c.Memory
}

// host is the account of the instance's resources. Tasks that do not fit wait in
// the order in which they came, and the first one holds up the others: the ECS
// agent was seen to do so.
type host struct {
	mu      sync.Mutex
	cpu     int64 // free
	memory  int64
	ports   map[port]int // users of each port; one reserved for the instance counts
	waiting []claim
}

type claim struct {
	arn   string
	need  need
	admit func()
}

func newHost(cpu, memory int64, tcp, udp []int32) *host {
	h := &host{cpu: cpu, memory: memory, ports: map[port]int{}}
	for _, p := range tcp {
		h.ports[port{p, "tcp"}]++
	}
	for _, p := range udp {
		h.ports[port{p, "udp"}]++
	}
	return h
}

// claim calls admit, now or later, when the task's need is set aside. admit must
// not block.
func (h *host) claim(arn string, n need, admit func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting = append(h.waiting, claim{arn, n, admit})
	h.serve()
}

// restore takes what a task from before a restart had, whether it fits or not.
func (h *host) restore(n need) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.take(n)
}

// release gives back what an admitted task had.
func (h *host) release(n need) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cpu += n.cpu
	h.memory += n.memory
	for _, p := range n.ports {
		if h.ports[p]--; h.ports[p] == 0 {
			delete(h.ports, p)
		}
	}
	h.serve()
}

// withdraw takes a waiting task out of the queue; false if it was admitted.
func (h *host) withdraw(arn string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.IndexFunc(h.waiting, func(c claim) bool { return c.arn == arn })
	if i < 0 {
		return false
	}
	h.waiting = slices.Delete(h.waiting, i, i+1)
	h.serve()
	return true
}

func (h *host) serve() {
	for len(h.waiting) > 0 && h.fits(h.waiting[0].need) {
		first := h.waiting[0]
		h.waiting = h.waiting[1:]
		h.take(first.need)
		first.admit()
	}
}

func (h *host) fits(n need) bool {
	return n.cpu <= h.cpu && n.memory <= h.memory &&
		!slices.ContainsFunc(n.ports, func(p port) bool { return h.ports[p] > 0 })
}

func (h *host) take(n need) {
	h.cpu -= n.cpu
	h.memory -= n.memory
	for _, p := range n.ports {
		h.ports[p]++
	}
}
