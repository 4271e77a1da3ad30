package runtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/agent/cgroup"
)

// Usage are the raw counters of a container now.
type Usage struct {
	At                           time.Time
	CPUTotal, CPUUser, CPUSystem time.Duration
	PerCPU                       []time.Duration // nil on cgroup v2
	// SystemCPU is the time that all CPUs of the machine have run, idle time
	// included, as Docker counts it.
	SystemCPU                 time.Duration
	OnlineCPUs                int
	Periods, ThrottledPeriods uint64
	ThrottledTime             time.Duration

	// MemoryUsage holds the page cache. MemoryMax is the highest it was, 0 where
	// the kernel does not say. MemoryLimit is the machine's memory where the
	// container has none. MemoryStats are the kernel's, by its names.
	MemoryUsage, MemoryMax, MemoryLimit, MemoryCache uint64
	MemoryStats                                      map[string]uint64
	MemoryFailcnt                                    uint64

	Pids, PidsLimit uint64 // PidsLimit 0 = none

	ReadBytes, WriteBytes, ReadOps, WriteOps uint64

	// Networks are by interface name, loopback left out; empty with host
	// networking.
	Networks map[string]InterfaceUsage
}

// InterfaceUsage are the counters of one network interface.
type InterfaceUsage struct {
	RxBytes, RxPackets, RxErrors, RxDropped uint64
	TxBytes, TxPackets, TxErrors, TxDropped uint64
}

// meter is where the counters of a running container are.
type meter struct {
	pid    uint32
	cgroup string
	ownNet bool // it has a network of its own
}

// Usage reads the counters of a running container from the kernel. It asks
// containerd the first time only. One without a process gives ErrNotRunning.
func (r *Containerd) Usage(ctx context.Context, id string) (Usage, error) {
	m, err := r.meter(ctx, id)
	if err != nil {
		return Usage{}, err
	}
	u := Usage{At: time.Now()}
	group, err := r.cgroups.Usage(m.cgroup)
	if err == nil && m.ownNet {
		u.Networks, err = interfaces(m.pid)
	}
	if errors.Is(err, cgroup.ErrGone) || errors.Is(err, os.ErrNotExist) {
		r.forgetMeter(id)
		return Usage{}, fmt.Errorf("usage of container %s: %w", id, ErrNotRunning)
	}
	if err == nil {
		u.SystemCPU, u.OnlineCPUs, err = systemCPU()
	}
	if err != nil {
		return Usage{}, fmt.Errorf("usage of container %s: %w", id, err)
	}
	u.setGroup(group)
	return u, nil
}

func (u *Usage) setGroup(g cgroup.Usage) {
	u.CPUTotal, u.CPUUser, u.CPUSystem, u.PerCPU = g.CPUTotal, g.CPUUser, g.CPUSystem, g.PerCPU
	u.Periods, u.ThrottledPeriods, u.ThrottledTime = g.Periods, g.ThrottledPeriods, g.ThrottledTime
	u.MemoryUsage, u.MemoryMax, u.MemoryLimit, u.MemoryCache = g.MemoryUsage, g.MemoryMax, g.MemoryLimit, g.MemoryCache
	u.MemoryStats, u.MemoryFailcnt = g.MemoryStats, g.MemoryFailcnt
	u.Pids, u.PidsLimit = g.Pids, g.PidsLimit
	u.ReadBytes, u.WriteBytes, u.ReadOps, u.WriteOps = g.ReadBytes, g.WriteBytes, g.ReadOps, g.WriteOps
}

// meter finds out once where a container's counters are.
func (r *Containerd) meter(ctx context.Context, id string) (meter, error) {
	r.mu.Lock()
	m, ok := r.meters[id]
	r.mu.Unlock()
	if ok {
		return m, nil
	}
	s, err := r.Inspect(ctx, id)
	if err != nil {
		return meter{}, err
	}
	if s.Status != Running {
		return meter{}, fmt.Errorf("usage of container %s: %w", id, ErrNotRunning)
	}
	m = meter{pid: s.Pid, cgroup: s.Labels[labelCgroup], ownNet: !sameNet(s.Pid)}
	// Its end must be seen, so that the number never stands for another process.
	w := r.watch(ctx, id)
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-w.done:
	default:
		r.meters[id] = m
	}
	return m, nil
}

func (r *Containerd) forgetMeter(id string) {
	r.mu.Lock()
	delete(r.meters, id)
	r.mu.Unlock()
}

func sameNet(pid uint32) bool {
	own, err := os.Readlink(hostNetNS())
	if err != nil {
		return false
	}
	its, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid))
	return err == nil && its == own
}

// interfaces reads a process's view of its network.
func interfaces(pid uint32) (map[string]InterfaceUsage, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/dev", pid))
	if err != nil {
		return nil, fmt.Errorf("read network counters: %w", err)
	}
	return parseInterfaces(data), nil
}

func parseInterfaces(data []byte) map[string]InterfaceUsage {
	out := map[string]InterfaceUsage{}
	for line := range bytes.Lines(data) {
		name, rest, ok := bytes.Cut(line, []byte{':'})
		if name = bytes.TrimSpace(name); !ok || string(name) == "lo" {
			continue
		}
		var n [16]uint64 // eight received, eight sent
		i := 0
		for f := range bytes.FieldsSeq(rest) {
			if i < len(n) {
				n[i], _ = strconv.ParseUint(string(f), 10, 64) // the kernel prints numbers only
			}
			i++
		}
		out[string(name)] = InterfaceUsage{
			RxBytes: n[0], RxPackets: n[1], RxErrors: n[2], RxDropped: n[3],
			TxBytes: n[8], TxPackets: n[9], TxErrors: n[10], TxDropped: n[11],
		}
	}
	return out
}

// statBuffers spare the collector: usage is read every second for every container.
var statBuffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// systemCPU reads the machine's time.
func systemCPU() (time.Duration, int, error) {
	f, err := os.Open("/proc/stat")
	if err != nil {
		return 0, 0, fmt.Errorf("read machine's CPU time: %w", err)
	}
	defer f.Close()
	// The CPUs' lines come first; the long ones of interrupts need no copying.
	buf := statBuffers.Get().(*[32 << 10]byte)
	defer statBuffers.Put(buf)
	n, err := f.Read(buf[:])
	if err != nil {
		return 0, 0, fmt.Errorf("read machine's CPU time: %w", err)
	}
	total, cpus := parseStat(buf[:n])
	return total, cpus, nil
}

// parseStat sums user, nice, system, idle, iowait, irq, softirq and steal, as
// Docker does, and counts the CPUs.
func parseStat(data []byte) (total time.Duration, cpus int) {
	for line := range bytes.Lines(data) {
		if !bytes.HasPrefix(line, []byte("cpu")) {
			break
		}
		fields := bytes.Fields(line)
		if len(fields[0]) > len("cpu") {
			cpus++
			continue
		}
		for _, f := range fields[1:min(9, len(fields))] {
			n, _ := strconv.ParseInt(string(f), 10, 64) // the kernel prints numbers only
			total += time.Duration(n) * time.Second / ticks
		}
	}
	return total, cpus
}
