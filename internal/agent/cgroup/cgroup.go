// Package cgroup makes, limits, fills and removes control groups on cgroup v1,
// hybrid and v2 hosts.
//
// It owns the groups of an instance and of its tasks: the ones above the
// containers, which the container runtime makes itself. Paths are absolute from
// the hierarchy's mount point ("/slipway/i-0abc") and mean the same on every
// version. It promises that Create and Delete may be repeated, and that
// processes sit only in leaves, as v2 demands and v1 allows. It refuses a host
// without the cpu, memory and pids controllers.
package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Mode is the layout of the host's control groups.
type Mode int

// The three layouts. A hybrid host has v1 controllers and a v2 hierarchy that
// holds no controller; for limits it behaves as v1.
const (
	V1 Mode = iota + 1
	Hybrid
	V2
)

// String is the name used in logs.
func (m Mode) String() string {
	switch m {
	case V1:
		return "v1"
	case Hybrid:
		return "hybrid"
	case V2:
		return "v2"
	}
	return "unknown"
}

// needed are the controllers without which limits cannot be kept.
var needed = []string{"cpu", "memory", "pids"}

// FS is the control group file system of this host. Its methods are safe for
// concurrent use.
type FS struct {
	root string
	mode Mode
	// controllers that are mounted: on v1 the directories below root, each
	// once even where two names share a mount.
	controllers []string
	// further v1 hierarchies, without controllers, in which container runtimes
	// make groups too: "systemd", "unified".
	further []string
}

// Mode is the layout that was found.
func (f *FS) Mode() Mode { return f.mode }

// Detect looks at /sys/fs/cgroup.
func Detect() (*FS, error) { return detect("/sys/fs/cgroup") }

func detect(root string) (*FS, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(root, &st); err != nil {
		return nil, fmt.Errorf("look at %s: %w", root, err)
	}
	if st.Type == unix.CGROUP2_SUPER_MAGIC {
		return openV2(root)
	}
	return openV1(root)
}

func openV2(root string) (*FS, error) {
	data, err := os.ReadFile(filepath.Join(root, "cgroup.controllers"))
	if err != nil {
		return nil, fmt.Errorf("read cgroup controllers: %w", err)
	}
	f := &FS{root: root, mode: V2, controllers: strings.Fields(string(data))}
	return f, f.complete()
}

func openV1(root string) (*FS, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("list cgroup hierarchies: %w", err)
	}
	f := &FS{root: root, mode: V1}
	for _, e := range entries {
		// Links such as cpu -> cpu,cpuacct name a hierarchy a second time.
		if !e.IsDir() {
			continue
		}
		switch _, err := os.Stat(filepath.Join(root, e.Name(), "cgroup.procs")); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, fmt.Errorf("look at cgroup hierarchy %s: %w", e.Name(), err)
		case e.Name() == "unified":
			f.mode = Hybrid
			f.further = append(f.further, e.Name())
		case e.Name() == "systemd":
			f.further = append(f.further, e.Name())
		default:
			f.controllers = append(f.controllers, e.Name())
		}
	}
	return f, f.complete()
}

func (f *FS) complete() error {
	for _, c := range needed {
		if !f.has(c) {
			return fmt.Errorf("cgroup controller %q is missing on this %s host", c, f.mode)
		}
	}
	return nil
}

// Occupied gives the processes in the root that keep v2 from passing a needed
// controller on to groups, as in a container whose processes have not made way.
// The root of the whole machine may hold processes.
func (f *FS) Occupied() ([]int, error) {
	if f.mode != V2 {
		return nil, nil
	}
	if _, err := os.Stat(filepath.Join(f.root, "cgroup.type")); errors.Is(err, fs.ErrNotExist) {
		return nil, nil // only the machine's own root has no type
	}
	on, err := os.ReadFile(filepath.Join(f.root, "cgroup.subtree_control"))
	if err != nil {
		return nil, fmt.Errorf("read cgroup controllers: %w", err)
	}
	for _, c := range needed {
		if !slices.Contains(strings.Fields(string(on)), c) {
			return pids(f.root)
		}
	}
	return nil, nil
}

func (f *FS) has(controller string) bool { return f.hierarchy(controller) != "" }

// hierarchy is the mounted name that serves a controller, e.g. "cpu,cpuacct"
// for "cpu".
func (f *FS) hierarchy(controller string) string {
	for _, c := range f.controllers {
		if slices.Contains(strings.Split(c, ","), controller) {
			return c
		}
	}
	return ""
}

// dirs are the directories that make up the group at path.
func (f *FS) dirs(path string) []string {
	if f.mode == V2 {
		return []string{filepath.Join(f.root, path)}
	}
	out := make([]string, 0, len(f.controllers))
	for _, c := range f.controllers {
		out = append(out, filepath.Join(f.root, c, path))
	}
	return out
}

// allDirs are those and the ones that others may have made for the group.
func (f *FS) allDirs(path string) []string {
	out := f.dirs(path)
	for _, h := range f.further {
		out = append(out, filepath.Join(f.root, h, path))
	}
	return out
}

// dir is the directory of path in which a controller's files are.
func (f *FS) dir(controller, path string) string {
	if f.mode == V2 {
		return filepath.Join(f.root, path)
	}
	return filepath.Join(f.root, f.hierarchy(controller), path)
}

func valid(path string) error {
	if clean := filepath.Clean(path); !filepath.IsAbs(path) || clean != path || clean == "/" {
		return fmt.Errorf("cgroup path %q is not a clean absolute path below the root", path)
	}
	return nil
}
