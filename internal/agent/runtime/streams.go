package runtime

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// streams are the paths that a container's shim is given, and what the agent
// holds open until the shim has opened them.
type streams struct {
	stdin, stdout, stderr string
	console               *os.File
	held                  []*os.File
	temporary             string
}

// openStreams prepares the log and the input of a container.
func (r *Containerd) openStreams(id string, s setup) (_ *streams, err error) {
	out := &streams{}
	defer func() {
		if err != nil {
			out.release()
		}
	}()
	if s.Stdin && !s.TTY {
		if err := out.openInput(r.pipeDir()); err != nil {
			return nil, err
		}
	}
	if s.TTY && !isPipe(s.Log) {
		if s.Log != "" {
			if err := createLog(s.Log); err != nil {
				return nil, err
			}
		}
		out.console, err = r.openConsole(id)
		out.stdout = r.consolePath(id)
		return out, err
	}
	if out.stdout = s.Log; s.Log == "" {
		return out, nil
	}
	logs := []string{s.Log}
	if out.stderr = s.ErrLog; s.ErrLog != "" {
		logs = append(logs, s.ErrLog)
	}
	for _, log := range logs {
		if err := out.hold(log); err != nil {
			return nil, err
		}
	}
	switch {
	case s.TTY:
		out.stderr = ""
	case out.stderr == "":
		// The shim must not see that both are one: it would share one descriptor
		// and close it when the first stream ends, which loses the rest of the
		// other.
		dir, name := filepath.Split(s.Log)
		out.stderr = dir + "./" + name
	}
	return out, nil
}

// openInput makes a pipe that nobody ever writes to. The shim keeps it open, and
// takes it by its name only once.
func (s *streams) openInput(dir string) error {
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return fmt.Errorf("create pipe directory: %w", err)
	}
	var err error
	if s.temporary, err = os.MkdirTemp(dir, "stdin"); err != nil {
		return fmt.Errorf("create pipe directory: %w", err)
	}
	s.stdin = filepath.Join(s.temporary, "stdin")
	if err := unix.Mkfifo(s.stdin, 0o600); err != nil {
		return fmt.Errorf("create pipe: %w", err)
	}
	return s.hold(s.stdin)
}

// hold makes sure that the shim can open path without waiting: a plain file must
// exist for it to append, a pipe needs someone at its other end.
func (s *streams) hold(path string) error {
	if !isPipe(path) {
		return createLog(path)
	}
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("open pipe: %w", err)
	}
	s.held = append(s.held, f)
	return nil
}

func createLog(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return fmt.Errorf("create log: %w", err)
	}
	return nil
}

// release lets go of all but the console.
func (s *streams) release() {
	for _, f := range s.held {
		_ = f.Close() // nothing was written
	}
	if s.temporary != "" {
		_ = os.RemoveAll(s.temporary) // the next agent sweeps what is left
	}
}

// drop lets go of the console too, after a creation that failed.
func (s *streams) drop() error {
	if s.console == nil {
		return nil
	}
	if err := s.console.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("close console: %w", err)
	}
	return nil
}
