// Package netns makes, enters and removes network namespaces that are kept
// alive by a file: an nsfs bind mount at a path of the caller's choice.
//
// It promises that Create and Do leave the calling goroutine in the namespace in
// which it began: they work on a thread of their own, which ends with the call.
// Create and Delete may be repeated. Bind and Enter are the steps for those who
// own a thread already, as the agent's network does.
package netns

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// Create makes a new network namespace, with its loopback still down, and mounts
// it at path. A namespace that is mounted there already is kept.
func Create(path string) error {
	if Mounted(path) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("create netns %s: %w", path, err)
	}
	return onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("create netns %s: unshare: %w", path, err)
		}
		return Bind(path)
	})
}

// Bind mounts the calling thread's namespace at path, which keeps it alive and
// lets others join it.
func Bind(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o444)
	if err != nil {
		return fmt.Errorf("bind netns %s: %w", path, err)
	}
	f.Close()
	if err := unix.Mount("/proc/thread-self/ns/net", path, "", unix.MS_BIND, ""); err != nil {
		return errors.Join(fmt.Errorf("bind netns %s: %w", path, err), os.Remove(path))
	}
	return nil
}

// Do runs fn with the calling thread inside the namespace at path. Processes that
// fn starts, and sockets that it opens, belong to that namespace for good.
func Do(path string, fn func() error) error {
	return onThread(func() error {
		if err := Enter(path); err != nil {
			return err
		}
		return fn()
	})
}

// Enter moves the calling thread into the namespace at path. It is for threads
// that stay there: the caller has locked its goroutine to the thread for good.
func Enter(path string) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open netns %s: %w", path, err)
	}
	defer unix.Close(fd)
	if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter netns %s: %w", path, err)
	}
	return nil
}

// Delete unmounts the namespace and removes its file. The kernel ends the
// namespace, and the interfaces in it, once no process is left inside.
func Delete(path string) error {
	for Mounted(path) {
		if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("delete netns %s: %w", path, err)
		}
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("delete netns %s: %w", path, err)
	}
	return nil
}

// Mounted tells whether a namespace is mounted at path; after a reboot only the
// empty file is left.
func Mounted(path string) bool {
	var st unix.Statfs_t
	return unix.Statfs(path, &st) == nil && st.Type == unix.NSFS_MAGIC
}

// onThread runs fn on a thread that is thrown away afterwards, so that whatever
// namespace fn left it in can leak nowhere.
func onThread(fn func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread dies with the goroutine
		done <- fn()
	}()
	return <-done
}
