package runtime

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// console brings a terminal's output to a log file. The shim writes terminals to
// named pipes only. It holds both ends of the pipe itself: while no agent runs
// the output waits there.
type console struct {
	pipe *os.File
	done chan struct{} // closed when all is in the log, or when stopped
}

// consolePath is the pipe, which lives as long as the container.
func (r *Containerd) consolePath(id string) string { return filepath.Join(r.runDir(id), "console") }

// openConsole makes the pipe, if need be, and opens the agent's end.
func (r *Containerd) openConsole(id string) (*os.File, error) {
	path := r.consolePath(id)
	if err := os.MkdirAll(filepath.Dir(path), 0o711); err != nil {
		return nil, fmt.Errorf("make console: %w", err)
	}
	if err := unix.Mkfifo(path, 0o600); err != nil && !errors.Is(err, unix.EEXIST) {
		return nil, fmt.Errorf("make console: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open console: %w", err)
	}
	return f, nil
}

// copyConsole copies until the shim closes its ends. It is called when the shim
// has opened them.
func (r *Containerd) copyConsole(id string, pipe *os.File, logPath string) error {
	var log io.WriteCloser = nopCloser{io.Discard}
	if logPath != "" {
		f, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return errors.Join(fmt.Errorf("open log: %w", err), pipe.Close())
		}
		log = f
	}
	c := &console{pipe: pipe, done: make(chan struct{})}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		close(c.done)
		return errors.Join(log.Close(), pipe.Close())
	}
	r.consoles[id] = c
	r.watching.Go(func() {
		defer close(c.done)
		defer c.stop()
		defer log.Close()
		if _, err := io.Copy(log, pipe); err != nil && !errors.Is(err, os.ErrClosed) {
			r.cfg.Log.Warn("terminal's output is lost", "container", id, "error", err)
			_, _ = io.Copy(io.Discard, pipe) // the container must not hang on a full disk
		}
	})
	return nil
}

type nopCloser struct{ io.Writer }

// Close does nothing.
func (nopCloser) Close() error { return nil }

func (c *console) stop() { _ = c.pipe.Close() } // only read from

// consoleDone is closed when the container's terminal is in the log.
func (r *Containerd) consoleDone(id string) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c, ok := r.consoles[id]; ok {
		return c.done
	}
	done := make(chan struct{})
	close(done)
	return done
}

// resumeConsole goes on copying what an earlier agent copied.
func (r *Containerd) resumeConsole(state State) error {
	s, err := setupOf(state.Labels)
	if err != nil || !s.TTY || isPipe(s.Log) {
		return nil //nolint:nilerr // a container without the label has no terminal
	}
	pipe, err := r.openConsole(state.ID)
	if err != nil {
		return err
	}
	return r.copyConsole(state.ID, pipe, s.Log)
}

func isPipe(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode()&os.ModeNamedPipe != 0
}
