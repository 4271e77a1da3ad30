package network

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// worker is the one goroutine that touches kernel state. It owns an OS thread
// that lives in the instance's namespace and visits new ones; the thread is
// never given back, so no other goroutine ever runs in a wrong namespace.
type worker struct {
	cfg  Config
	jobs chan job
	quit chan struct{}
	done sync.WaitGroup
}

type job struct {
	work  func(*bridge) error
	reply chan error
}

func newWorker(cfg Config) *worker {
	return &worker{cfg: cfg, jobs: make(chan job), quit: make(chan struct{})}
}

var errClosed = errors.New("network is closed")

func (w *worker) start(ctx context.Context) error {
	ready := make(chan error, 1)
	w.done.Go(func() { w.run(ready) })
	select {
	case err := <-ready:
		return err
	case <-ctx.Done():
		// Opening takes milliseconds: let it end, then undo it.
		err := <-ready
		w.stop()
		return errors.Join(ctx.Err(), err)
	}
}

func (w *worker) run(ready chan<- error) {
	runtime.LockOSThread() // and never unlock: the thread ends with the goroutine
	if unix.Gettid() == unix.Getpid() {
		// The process's namespace is its first thread's: that one must stay
		// where it is. While we hold it, another goroutine gets another thread.
		var other sync.WaitGroup
		other.Go(func() { w.run(ready) })
		other.Wait()
		runtime.UnlockOSThread()
		return
	}
	b, err := w.open()
	ready <- err
	if err != nil {
		return
	}
	defer b.close()
	for {
		select {
		case <-w.quit:
			return
		case j := <-w.jobs:
			j.reply <- j.work(b)
			continue
		default:
		}
		// Idle: make one spare namespace at a time, between jobs.
		if !b.spare() {
			select {
			case <-w.quit:
				return
			case j := <-w.jobs:
				j.reply <- j.work(b)
			}
		}
	}
}

func (w *worker) open() (*bridge, error) {
	if w.cfg.NetNS != "" {
		if err := enter(w.cfg.NetNS); err != nil {
			return nil, err
		}
	}
	// An earlier agent's mount may be of an instance that is gone.
	if !sameFile(w.hostPath(), threadNS) {
		if err := unbindNS(w.hostPath()); err != nil {
			return nil, err
		}
		if err := bindNS(w.hostPath()); err != nil {
			return nil, err
		}
	}
	return openBridge(w.cfg, w.hostPath())
}

func (w *worker) hostPath() string { return filepath.Join(w.cfg.RunDir, "host") }

// do runs work on the worker's thread. If ctx ends first, the work may still
// happen: its caller repeats it.
func (w *worker) do(ctx context.Context, work func(*bridge) error) error {
	j := job{work: work, reply: make(chan error, 1)}
	select {
	case w.jobs <- j:
	case <-w.quit:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	// Waiting for the reply whatever ctx says keeps work's results unshared;
	// one job takes milliseconds.
	return <-j.reply
}

func (w *worker) stop() {
	close(w.quit)
	w.done.Wait()
}

// enter moves this thread to a namespace.
func enter(path string) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open network namespace %s: %w", path, err)
	}
	defer unix.Close(fd)
	if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter network namespace %s: %w", path, err)
	}
	return nil
}

const threadNS = "/proc/thread-self/ns/net"

// bindNS gives this thread's namespace a name in the file system, which keeps
// it alive and lets the container runtime join it.
func bindNS(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return fmt.Errorf("create namespace file: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("create namespace file: %w", err)
	}
	if err := unix.Mount(threadNS, path, "none", unix.MS_BIND, ""); err != nil {
		return errors.Join(fmt.Errorf("mount namespace %s: %w", path, err), os.Remove(path))
	}
	return nil
}

// unbindNS takes the name away again.
func unbindNS(path string) error {
	err := unix.Unmount(path, unix.MNT_DETACH)
	if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("unmount namespace %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove namespace file: %w", err)
	}
	return nil
}

// isNS says whether a namespace is mounted at path; after a reboot only the
// empty file is left.
func isNS(path string) bool {
	var st unix.Statfs_t
	return unix.Statfs(path, &st) == nil && st.Type == unix.NSFS_MAGIC
}

func sameFile(a, b string) bool {
	sa, aerr := os.Stat(a)
	sb, berr := os.Stat(b)
	return aerr == nil && berr == nil && os.SameFile(sa, sb)
}
