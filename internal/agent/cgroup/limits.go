package cgroup

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// defaultPeriod is the CFS period; AWS's agent uses the same
// (ECS_CGROUP_CPU_PERIOD).
const defaultPeriod = 100 * time.Millisecond

// Limits is the size of a group. A zero member sets no limit.
type Limits struct {
	CPUMillis   int64         // thousandths of one CPU, a hard ceiling
	CPUPeriod   time.Duration // in which that is measured; 0 is 100 ms
	MemoryBytes int64         // hard limit, swap included where the host accounts for it
	Pids        int64         // processes and threads
	// CPUShares is the weight against its neighbours, 1024 to a thread that wants
	// a core; 0 leaves it as it is.
	CPUShares int64
}

// Create makes the group at path with its parents and sets its limits; an
// existing group gets the new limits.
func (f *FS) Create(path string, l Limits) error {
	if err := valid(path); err != nil {
		return err
	}
	if err := f.make(path); err != nil {
		return fmt.Errorf("create cgroup %s: %w", path, err)
	}
	for _, set := range f.settings(l) {
		file := filepath.Join(f.dir(set.controller, path), set.file)
		err := write(file, set.value)
		if errors.Is(err, fs.ErrNotExist) && set.optional {
			continue
		}
		if err != nil {
			return fmt.Errorf("limit cgroup %s: %w", path, err)
		}
	}
	return nil
}

func (f *FS) make(path string) error {
	if f.mode == V2 {
		return f.makeV2(path)
	}
	for _, d := range f.dirs(path) {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	// A cpuset group without CPUs takes no process: inherit the parent's.
	if f.has("cpuset") {
		return inheritCPUSet(f.dir("cpuset", "/"), path)
	}
	return nil
}

// makeV2 makes each directory on the way and passes the controllers on to its
// children, the last one included: containers are made below it.
func (f *FS) makeV2(path string) error {
	dir := f.root
	for _, name := range append([]string{""}, strings.Split(path[1:], "/")...) {
		dir = filepath.Join(dir, name)
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := enable(dir); err != nil {
			return err
		}
	}
	return nil
}

func enable(dir string) error {
	have, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return err
	}
	on, err := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control"))
	if err != nil {
		return err
	}
	for _, c := range []string{"cpu", "memory", "pids", "io", "cpuset"} {
		if !slices.Contains(strings.Fields(string(have)), c) || slices.Contains(strings.Fields(string(on)), c) {
			continue
		}
		err := write(filepath.Join(dir, "cgroup.subtree_control"), "+"+c)
		if err != nil && slices.Contains(needed, c) {
			return fmt.Errorf("enable controller %s below %s (processes may sit in it): %w", c, dir, err)
		}
	}
	return nil
}

func inheritCPUSet(root, path string) error {
	parent := root
	for _, name := range strings.Split(path[1:], "/") {
		dir := filepath.Join(parent, name)
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			own, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				return err
			}
			if strings.TrimSpace(string(own)) != "" {
				continue
			}
			inherited, err := os.ReadFile(filepath.Join(parent, file))
			if err != nil {
				return err
			}
			if err := write(filepath.Join(dir, file), strings.TrimSpace(string(inherited))); err != nil {
				return err
			}
		}
		parent = dir
	}
	return nil
}

type setting struct {
	controller, file, value string
	optional                bool // not every kernel has the file
}

func (f *FS) settings(l Limits) []setting {
	var out []setting
	period := cmp.Or(l.CPUPeriod, defaultPeriod).Microseconds()
	if f.mode == V2 {
		if l.CPUShares > 0 {
			out = append(out, setting{controller: "cpu", file: "cpu.weight", value: weight(l.CPUShares)})
		}
		return append(out, []setting{
			{controller: "cpu", file: "cpu.max", value: quota(l.CPUMillis, period, "max") + " " + strconv.FormatInt(period, 10)},
			{controller: "memory", file: "memory.max", value: number(l.MemoryBytes, "max")},
			{controller: "memory", file: "memory.swap.max", value: swapV2(l.MemoryBytes), optional: true},
			{controller: "pids", file: "pids.max", value: number(l.Pids, "max")},
		}...)
	}
	if l.CPUShares > 0 {
		out = append(out, setting{controller: "cpu", file: "cpu.shares", value: strconv.FormatInt(l.CPUShares, 10)})
	}
	return append(out, []setting{
		{controller: "cpu", file: "cpu.cfs_period_us", value: strconv.FormatInt(period, 10)},
		{controller: "cpu", file: "cpu.cfs_quota_us", value: quota(l.CPUMillis, period, "-1")},
		// Memory and memory+swap must never cross: lift the outer one first.
		{controller: "memory", file: "memory.memsw.limit_in_bytes", value: "-1", optional: true},
		{controller: "memory", file: "memory.limit_in_bytes", value: number(l.MemoryBytes, "-1")},
		{controller: "memory", file: "memory.memsw.limit_in_bytes", value: number(l.MemoryBytes, "-1"), optional: true},
		{controller: "pids", file: "pids.max", value: number(l.Pids, "max")},
	}...)
}

// weight is shares on the scale of cgroup v2, where the default of 1024 is 100.
// The low-level runtimes' own conversion makes 39 of it, which is less than a
// thread beside the group counts.
func weight(shares int64) string {
	return strconv.FormatInt(min(max(shares*100/1024, 1), 10000), 10)
}

func quota(millis, period int64, none string) string {
	if millis <= 0 {
		return none
	}
	return strconv.FormatInt(max(millis*period/1000, 1000), 10) // the kernel's floor is 1 ms
}

func swapV2(memory int64) string {
	if memory <= 0 {
		return "max"
	}
	return "0"
}

func number(n int64, none string) string {
	if n <= 0 {
		return none
	}
	return strconv.FormatInt(n, 10)
}

// write sends the value in one write(2), as the kernel wants it.
func write(file, value string) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}
