package cgroup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Move puts a process with all its threads into the leaf at path and makes the
// leaf if it is missing.
func (f *FS) Move(path string, pid int) error {
	if err := valid(path); err != nil {
		return err
	}
	if err := f.makeLeaf(path); err != nil {
		return fmt.Errorf("create cgroup %s: %w", path, err)
	}
	for _, d := range f.dirs(path) {
		if err := write(filepath.Join(d, "cgroup.procs"), strconv.Itoa(pid)); err != nil {
			return fmt.Errorf("move process %d to cgroup %s: %w", pid, path, err)
		}
	}
	return nil
}

// makeLeaf enables no controller for children: on v2 that would bar processes.
func (f *FS) makeLeaf(path string) error {
	if f.mode != V2 {
		return f.make(path)
	}
	if parent := filepath.Dir(path); parent != "/" {
		if err := f.make(parent); err != nil {
			return err
		}
	}
	err := os.Mkdir(filepath.Join(f.root, path), 0o755)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// Processes lists the processes in the group and in all groups below it. A
// missing group has none. Threaded groups of v2, which a privileged container
// can make, refuse to list theirs; the group that they are threads of does.
func (f *FS) Processes(path string) ([]int, error) {
	var all []int
	for _, d := range f.dirs(path) {
		err := filepath.WalkDir(d, func(p string, e fs.DirEntry, err error) error {
			if err != nil || !e.IsDir() {
				return ignoreGone(err)
			}
			found, err := pids(p)
			all = append(all, found...)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list processes of cgroup %s: %w", path, err)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// pids lists the processes in one directory. Those of other pid namespaces, which
// are shown as 0, are left out.
func pids(dir string) ([]int, error) {
	data, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
		return nil, ignoreGone(err)
	}
	var out []int
	for s := range strings.FieldsSeq(string(data)) {
		if pid, err := strconv.Atoi(s); err == nil && pid > 0 {
			out = append(out, pid)
		}
	}
	return out, nil
}

// Kill sends SIGKILL to every process at and below path, again and again until
// none is left or ctx ends.
func (f *FS) Kill(ctx context.Context, path string) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		pids, err := f.Processes(path)
		if err != nil || len(pids) == 0 {
			return err
		}
		for _, pid := range pids {
			if err := unix.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("kill process %d of cgroup %s: %w", pid, path, err)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("kill cgroup %s, %d processes left: %w", path, len(pids), ctx.Err())
		case <-tick.C:
		}
	}
}

// Delete removes the group and the empty groups below it. A missing group is no
// error; one that holds processes is.
func (f *FS) Delete(path string) error {
	if err := valid(path); err != nil {
		return err
	}
	for _, d := range f.allDirs(path) {
		if err := removeTree(d); err != nil {
			return fmt.Errorf("delete cgroup %s: %w", path, err)
		}
	}
	return nil
}

// DeleteEmpty removes the group itself if it holds neither processes nor
// groups, and leaves it alone otherwise.
func (f *FS) DeleteEmpty(path string) error {
	if err := valid(path); err != nil {
		return err
	}
	for _, d := range f.allDirs(path) {
		err := unix.Rmdir(d)
		if err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EBUSY) && !errors.Is(err, unix.ENOTEMPTY) {
			return fmt.Errorf("delete cgroup %s: %w", path, err)
		}
	}
	return nil
}

// removeTree removes directories only: the files in them are the kernel's.
func removeTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ignoreGone(err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if err := removeTree(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return ignoreGone(rmdirBusy(dir))
}

// rmdirBusy tries for a moment more: a group stays busy until the kernel has
// reaped the last process that died in it.
func rmdirBusy(dir string) error {
	deadline := time.Now().Add(2 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := unix.Rmdir(dir)
		if !errors.Is(err, unix.EBUSY) || time.Now().After(deadline) {
			return err
		}
		<-tick.C
	}
}

func ignoreGone(err error) error {
	// Reading a group that has just been removed gives ENODEV.
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) {
		return nil
	}
	return err
}
