package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// execIO are the named pipes between a further process's shim and the agent. The
// shim holds both ends of each, so that a process never meets a closed one.
type execIO struct {
	dir                               string
	stdinPath, stdoutPath, stderrPath string
	stdin                             *os.File
	outputs                           []output
	from                              io.Reader
	copying                           sync.WaitGroup
	copied                            chan struct{}
	closing                           sync.Once
}

type output struct {
	pipe *os.File
	to   io.Writer
}

// newExecIO makes the pipes in a new directory of root and opens the agent's
// ends, so that nothing written to them is lost from then on.
func newExecIO(root string, spec ExecSpec) (_ *execIO, err error) {
	if err := os.MkdirAll(root, 0o711); err != nil {
		return nil, fmt.Errorf("create pipe directory: %w", err)
	}
	dir, err := os.MkdirTemp(root, "exec")
	if err != nil {
		return nil, fmt.Errorf("create pipe directory: %w", err)
	}
	e := &execIO{dir: dir, from: spec.Stdin, copied: make(chan struct{})}
	defer func() {
		if err != nil {
			e.close()
		}
	}()
	if e.from != nil {
		// Open for both, because nobody reads yet; only the shim ever does.
		if e.stdinPath, e.stdin, err = e.pipe("stdin", os.O_RDWR); err != nil {
			return nil, err
		}
	}
	if e.stdoutPath, err = e.output("stdout", spec.Stdout); err != nil {
		return nil, err
	}
	if !spec.TTY {
		if e.stderrPath, err = e.output("stderr", spec.Stderr); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (e *execIO) output(name string, to io.Writer) (string, error) {
	if to == nil {
		to = io.Discard
	}
	path, f, err := e.pipe(name, os.O_RDONLY)
	if err != nil {
		return "", err
	}
	e.outputs = append(e.outputs, output{f, to})
	return path, nil
}

func (e *execIO) pipe(name string, flag int) (string, *os.File, error) {
	path := filepath.Join(e.dir, name)
	if err := unix.Mkfifo(path, 0o600); err != nil {
		return "", nil, fmt.Errorf("create pipe: %w", err)
	}
	f, err := os.OpenFile(path, flag|unix.O_NONBLOCK, 0)
	if err != nil {
		return "", nil, fmt.Errorf("open pipe: %w", err)
	}
	return path, f, nil
}

// begin copies. It is called when the shim has opened its ends, which therefore
// need their names no more.
func (e *execIO) begin(stdinEnded func()) {
	_ = os.RemoveAll(e.dir) // close tries again
	if e.from != nil {
		// Its reader may never return: this one goroutine is waited for by nobody.
		go func() {
			_, _ = io.Copy(e.stdin, e.from) // either side may end it
			_ = e.stdin.Close()
			stdinEnded()
		}()
	}
	for _, o := range e.outputs {
		e.copying.Go(func() {
			_, err := io.Copy(o.to, o.pipe)
			if err != nil && !errors.Is(err, os.ErrClosed) {
				_, _ = io.Copy(io.Discard, o.pipe) // a process must not hang on a reader that is gone
			}
		})
	}
	go func() {
		e.copying.Wait()
		close(e.copied)
	}()
}

// finish waits until all output is copied.
func (e *execIO) finish(ctx context.Context) {
	select {
	case <-e.copied:
	case <-ctx.Done():
	}
}

func (e *execIO) close() {
	e.closing.Do(func() {
		for _, o := range e.outputs {
			_ = o.pipe.Close() // only read from
		}
		if e.stdin != nil {
			_ = e.stdin.Close() // the other side is gone
		}
		_ = os.RemoveAll(e.dir) // the next agent sweeps what is left
	})
}
