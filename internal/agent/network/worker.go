package network

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/slipway/slipway/internal/netns"
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
		if err := netns.Enter(w.cfg.NetNS); err != nil {
			return nil, err
		}
	}
	// An earlier agent's mount may be of an instance that is gone.
	if !sameFile(w.hostPath(), "/proc/thread-self/ns/net") {
		if err := netns.Delete(w.hostPath()); err != nil {
			return nil, err
		}
		if err := netns.Bind(w.hostPath()); err != nil {
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

func sameFile(a, b string) bool {
	sa, aerr := os.Stat(a)
	sb, berr := os.Stat(b)
	return aerr == nil && berr == nil && os.SameFile(sa, sb)
}
