package stats

import (
	"time"

	"github.com/slipway/slipway/internal/agent/runtime"
	"github.com/slipway/slipway/internal/agentproto"
)

// series is what is kept of one container: two samples, and the sums of a round.
type series struct {
	name     string // Docker-like
	raw      runtime.Usage
	base     runtime.Usage // what the processes before a restart had counted
	last     runtime.Usage // raw over base
	previous runtime.Usage
	rate     *NetworkRate

	cpu, memory            gauge
	read, written          counter
	rx, tx                 direction
	restarts, restartsSent int
	counted                bool // restartsSent is known
}

// direction is one way of the network.
type direction struct {
	bytes, packets, errors, dropped counter
	rate                            gauge
	seen                            bool
}

// traffic is one way of all of a container's interfaces.
type traffic struct{ bytes, packets, errors, dropped uint64 }

// add takes a sample.
func (s *series) add(u runtime.Usage, restarts int) {
	if !s.counted {
		s.restartsSent, s.counted = restarts, true
	}
	s.restarts = restarts
	if u.CPUTotal < s.raw.CPUTotal { // a new cgroup: the container was restarted in place
		s.base = s.last
	}
	s.raw = u
	s.previous, s.last = s.last, sum(u, s.base)
	s.memory.add(float64(inUse(u) >> 20)) // whole MiB (ECS agent, stats.Queue)
	if span := s.last.At.Sub(s.previous.At); !s.previous.At.IsZero() && span > 0 {
		s.move(span)
	}
}

// move takes what the last two samples tell, as the ECS agent does (its
// stats package): per cent of the whole machine, and the counters as they stand.
func (s *series) move(span time.Duration) {
	now, was := s.last, s.previous
	s.cpu.add(100 * float64(now.CPUTotal-was.CPUTotal) / float64(span) / float64(max(now.OnlineCPUs, 1)))
	s.read.add(now.ReadBytes)
	s.written.add(now.WriteBytes)
	if now.Networks == nil || was.Networks == nil {
		return
	}
	rx, tx := received(now), sent(now)
	rxWas, txWas := received(was), sent(was)
	s.rate = &NetworkRate{
		RxBytesPerSec: s.rx.move(rx, rxWas, span),
		TxBytesPerSec: s.tx.move(tx, txWas, span),
	}
}

func (d *direction) move(now, was traffic, span time.Duration) float64 {
	d.seen = true
	d.bytes.add(now.bytes)
	d.packets.add(now.packets)
	d.errors.add(now.errors)
	d.dropped.add(now.dropped)
	rate := float64(grown(now.bytes, was.bytes)) / span.Seconds()
	d.rate.add(rate)
	return rate
}

func received(u runtime.Usage) (t traffic) {
	for _, n := range u.Networks {
		t.bytes, t.packets, t.errors, t.dropped = t.bytes+n.RxBytes, t.packets+n.RxPackets, t.errors+n.RxErrors, t.dropped+n.RxDropped
	}
	return t
}

func sent(u runtime.Usage) (t traffic) {
	for _, n := range u.Networks {
		t.bytes, t.packets, t.errors, t.dropped = t.bytes+n.TxBytes, t.packets+n.TxPackets, t.errors+n.TxErrors, t.dropped+n.TxDropped
	}
	return t
}

// grown is how far a counter went; one that went back began again (an interface
// that was replaced).
func grown(now, was uint64) uint64 {
	if now < was {
		return now
	}
	return now - was
}

// inUse leaves out of the memory what the kernel can take back at once: inactive
// pages of files, or with cgroup v1 the page cache (ECS agent, as the docker
// command does).
func inUse(u runtime.Usage) uint64 {
	free := u.MemoryCache
	if !v1(u) {
		free = u.MemoryStats["inactive_file"]
	}
	if free < u.MemoryUsage {
		return u.MemoryUsage - free
	}
	return u.MemoryUsage
}

// sum adds what was counted before a restart, so that counters only grow.
func sum(u, base runtime.Usage) runtime.Usage {
	if base.At.IsZero() {
		return u
	}
	u.CPUTotal, u.CPUUser, u.CPUSystem = u.CPUTotal+base.CPUTotal, u.CPUUser+base.CPUUser, u.CPUSystem+base.CPUSystem
	u.ReadBytes, u.WriteBytes = u.ReadBytes+base.ReadBytes, u.WriteBytes+base.WriteBytes
	u.ReadOps, u.WriteOps = u.ReadOps+base.ReadOps, u.WriteOps+base.WriteOps
	return u
}

// metric is the round so far; nil before the second sample.
func (s *series) metric(name, arn string, restartable bool) *agentproto.ContainerMetric {
	cpu := s.cpu.stats()
	if cpu == nil {
		return nil
	}
	m := &agentproto.ContainerMetric{
		ContainerName: name, ContainerARN: arn, CPUStatsSet: cpu, MemoryStatsSet: s.memory.stats(),
		StorageStatsSet: &agentproto.StorageSet{ReadSizeBytes: s.read.stats(), WriteSizeBytes: s.written.stats()},
	}
	if s.rx.seen {
		m.NetworkStatsSet = &agentproto.NetworkSet{
			RxBytes: s.rx.bytes.stats(), RxPackets: s.rx.packets.stats(), RxErrors: s.rx.errors.stats(), RxDropped: s.rx.dropped.stats(),
			TxBytes: s.tx.bytes.stats(), TxPackets: s.tx.packets.stats(), TxErrors: s.tx.errors.stats(), TxDropped: s.tx.dropped.stats(),
			RxBytesPerSecond: s.rx.rate.stats(), TxBytesPerSecond: s.tx.rate.stats(),
		}
	}
	if restartable {
		m.RestartStatsSet = &agentproto.RestartSet{RestartCount: int64(s.restarts - s.restartsSent)}
	}
	return m
}

// next begins a round.
func (s *series) next() {
	s.cpu, s.memory = gauge{}, gauge{}
	s.read, s.written = counter{}, counter{}
	s.rx, s.tx = direction{}, direction{}
	s.restartsSent = s.restarts
}
