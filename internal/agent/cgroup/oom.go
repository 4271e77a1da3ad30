package cgroup

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// OOMKills counts the processes at and below path that the kernel killed for
// want of memory since the group was made. A missing group has none.
func (f *FS) OOMKills(path string) (int, error) {
	file := "memory.oom_control"
	if f.mode == V2 {
		file = "memory.events"
	}
	data, err := os.ReadFile(filepath.Join(f.dir("memory", path), file))
	if err != nil {
		if ignoreGone(err) == nil {
			return 0, nil
		}
		return 0, fmt.Errorf("read memory events of cgroup %s: %w", path, err)
	}
	return field(string(data), "oom_kill"), nil
}

// HasSwapLimit says whether the host accounts for swap per group, so that a
// limit on memory plus swap can be set at all.
func (f *FS) HasSwapLimit() bool {
	if f.mode != V2 {
		_, err := os.Stat(filepath.Join(f.dir("memory", "/"), "memory.memsw.limit_in_bytes"))
		return err == nil
	}
	// The root group has no memory.swap.max: ask any child.
	found, err := filepath.Glob(filepath.Join(f.root, "*", "memory.swap.max"))
	return err == nil && len(found) > 0
}

// field finds "name value" in the kernel's flat keyed format.
func field(data, name string) int {
	for line := range strings.Lines(data) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), " "); ok && k == name {
			n, err := strconv.Atoi(v)
			if err == nil {
				return n
			}
		}
	}
	return 0
}
