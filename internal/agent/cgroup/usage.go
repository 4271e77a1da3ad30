package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Usage are the counters of a group and all below it.
type Usage struct {
	CPUTotal, CPUUser, CPUSystem time.Duration
	PerCPU                       []time.Duration // nil on v2, which does not count so
	Periods, ThrottledPeriods    uint64
	ThrottledTime                time.Duration

	// MemoryUsage holds the page cache; MemoryStats are the kernel's own names.
	// MemoryLimit is the machine's memory where the group has none.
	MemoryUsage, MemoryMax, MemoryLimit, MemoryCache, MemoryFailcnt uint64
	MemoryStats                                                     map[string]uint64

	Pids, PidsLimit uint64 // PidsLimit 0 = none

	ReadBytes, WriteBytes, ReadOps, WriteOps uint64
}

// ErrGone says that the group does not exist, or not any more.
var ErrGone = errors.New("no such cgroup")

// Usage reads the counters of the group at path. A counter that this kernel does
// not keep is zero; a missing group gives ErrGone.
func (f *FS) Usage(path string) (Usage, error) {
	var (
		u   Usage
		err error
	)
	if f.mode == V2 {
		err = f.usageV2(path, &u)
	} else {
		err = f.usageV1(path, &u)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENODEV):
		return u, fmt.Errorf("read usage of cgroup %s: %w", path, ErrGone)
	case err != nil:
		return u, fmt.Errorf("read usage of cgroup %s: %w", path, err)
	}
	if u.MemoryLimit == 0 || u.MemoryLimit > machineMemory() {
		u.MemoryLimit = machineMemory()
	}
	return u, nil
}

func (f *FS) usageV2(path string, u *Usage) error {
	r := reader{dir: filepath.Join(f.root, path)}
	cpu := r.table("cpu.stat")
	u.CPUTotal, u.CPUUser, u.CPUSystem = micros(cpu["usage_usec"]), micros(cpu["user_usec"]), micros(cpu["system_usec"])
	u.Periods, u.ThrottledPeriods, u.ThrottledTime = cpu["nr_periods"], cpu["nr_throttled"], micros(cpu["throttled_usec"])
	u.MemoryUsage, u.MemoryLimit = r.number("memory.current"), r.number("memory.max")
	u.MemoryStats = r.table("memory.stat")
	u.MemoryCache = u.MemoryStats["file"]
	u.MemoryMax = r.optional().number("memory.peak") // since Linux 5.19
	u.MemoryFailcnt = r.table("memory.events")["oom"]
	u.Pids, u.PidsLimit = r.number("pids.current"), r.number("pids.max")
	u.addDisks(r.optional().text("io.stat"))
	return r.err
}

func (f *FS) usageV1(path string, u *Usage) error {
	r := reader{dir: f.dir("cpuacct", path)}
	if f.has("cpuacct") {
		u.CPUTotal = time.Duration(r.number("cpuacct.usage"))
		stat := r.table("cpuacct.stat")
		u.CPUUser, u.CPUSystem = ticks(stat["user"]), ticks(stat["system"])
		u.PerCPU = durations(r.text("cpuacct.usage_percpu"))
	}
	r.dir = f.dir("cpu", path)
	cpu := r.table("cpu.stat")
	u.Periods, u.ThrottledPeriods, u.ThrottledTime = cpu["nr_periods"], cpu["nr_throttled"], time.Duration(cpu["throttled_time"])
	r.dir = f.dir("memory", path)
	u.MemoryUsage, u.MemoryMax = r.number("memory.usage_in_bytes"), r.number("memory.max_usage_in_bytes")
	u.MemoryLimit, u.MemoryFailcnt = r.number("memory.limit_in_bytes"), r.number("memory.failcnt")
	u.MemoryStats = r.table("memory.stat")
	u.MemoryCache = u.MemoryStats["cache"]
	r.dir = f.dir("pids", path)
	u.Pids, u.PidsLimit = r.number("pids.current"), r.number("pids.max")
	if f.has("blkio") {
		r.dir = f.dir("blkio", path)
		u.ReadBytes, u.WriteBytes = disks(&r, "io_service_bytes_recursive")
		u.ReadOps, u.WriteOps = disks(&r, "io_serviced_recursive")
	}
	return r.err
}

// disks sums a blkio file over the devices. Which of the two schedulers' files
// counts depends on the device: the other one stays empty.
func disks(r *reader, file string) (read, write uint64) {
	for _, kind := range []string{"blkio.throttle.", "blkio.bfq."} {
		for line := range strings.Lines(r.optional().text(kind + file)) {
			fields := strings.Fields(line)
			if len(fields) != 3 {
				continue
			}
			n, err := strconv.ParseUint(fields[2], 10, 64)
			if err != nil {
				continue
			}
			switch fields[1] {
			case "Read":
				read += n
			case "Write":
				write += n
			}
		}
		if read+write > 0 {
			break
		}
	}
	return read, write
}

// addDisks sums io.stat over the devices.
func (u *Usage) addDisks(text string) {
	sums := map[string]*uint64{"rbytes": &u.ReadBytes, "wbytes": &u.WriteBytes, "rios": &u.ReadOps, "wios": &u.WriteOps}
	for field := range strings.FieldsSeq(text) {
		key, value, _ := strings.Cut(field, "=")
		n, err := strconv.ParseUint(value, 10, 64)
		if sum := sums[key]; sum != nil && err == nil {
			*sum += n
		}
	}
}

func micros(n uint64) time.Duration { return time.Duration(n) * time.Microsecond }

// ticks are what the kernel shows user space, 100 to a second on every
// architecture of today.
func ticks(n uint64) time.Duration { return time.Duration(n) * (time.Second / 100) }

func durations(text string) []time.Duration {
	var out []time.Duration
	for s := range strings.FieldsSeq(text) {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil
		}
		out = append(out, time.Duration(n))
	}
	return out
}
