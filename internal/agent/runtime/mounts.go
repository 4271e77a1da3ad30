package runtime

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// shmSize is Docker's default for /dev/shm.
const shmSize = 64 << 20

// mounts are Docker's own, with shared for /dev/shm if given, then tmpfs and binds with outer paths first.
func mounts(spec Spec, shared string) ([]specs.Mount, error) {
	ro := "ro"
	if spec.Privileged {
		ro = "rw"
	}
	shm := spec.ShmSize
	if shm == 0 {
		shm = shmSize
	}
	out := []specs.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
		{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", ro}},
		{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup", Options: []string{ro, "nosuid", "noexec", "nodev"}},
		{Destination: "/dev/mqueue", Type: "mqueue", Source: "mqueue", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777", fmt.Sprintf("size=%d", shm)}},
	}
	switch {
	case spec.IPCMode == ipcNone:
		out = out[:len(out)-1]
	case shared != "":
		out[len(out)-1] = specs.Mount{Destination: "/dev/shm", Type: "bind", Source: shared, Options: []string{"rbind", "rprivate", "nosuid", "noexec", "nodev"}}
	}
	own, err := ownMounts(spec)
	if err != nil {
		return nil, err
	}
	// A mount of the container replaces one of ours at the same place.
	out = slices.DeleteFunc(out, func(m specs.Mount) bool {
		return slices.ContainsFunc(own, func(o specs.Mount) bool { return o.Destination == m.Destination })
	})
	return append(out, own...), nil
}

func ownMounts(spec Spec) ([]specs.Mount, error) {
	var own []specs.Mount
	for _, dest := range slices.Sorted(maps.Keys(spec.Tmpfs)) {
		options, err := tmpfsOptions(spec.Tmpfs[dest])
		if err != nil {
			return nil, err
		}
		own = append(own, specs.Mount{Destination: path.Clean(dest), Type: "tmpfs", Source: "tmpfs", Options: options})
	}
	for _, m := range spec.Mounts {
		mode := "rw"
		if m.ReadOnly {
			mode = "ro"
		}
		own = append(own, specs.Mount{Destination: path.Clean(m.Destination), Type: "bind", Source: m.Source, Options: []string{"rbind", "rprivate", mode}})
	}
	seen := map[string]bool{}
	for _, m := range own {
		if !path.IsAbs(m.Destination) {
			return nil, fmt.Errorf("invalid mount config: invalid mount path: '%s' mount path must be absolute", m.Destination)
		}
		if m.Destination == "/" {
			return nil, fmt.Errorf("invalid volume specification: destination can't be '/'")
		}
		if seen[m.Destination] {
			return nil, fmt.Errorf("Duplicate mount point: %s", m.Destination) //nolint:staticcheck // Docker's words, which users see
		}
		seen[m.Destination] = true
	}
	slices.SortStableFunc(own, func(a, b specs.Mount) int { return depth(a.Destination) - depth(b.Destination) })
	return own, nil
}

func depth(p string) int { return strings.Count(p, "/") }
