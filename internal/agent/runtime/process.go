package runtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"github.com/containerd/containerd/api/services/tasks/v1"
)

// Process is one that Exec started.
type Process struct {
	r             *Containerd
	container, id string
	cgroup        string // the container's
	pid           uint32
	io            *execIO

	done chan struct{} // closed with exit or err set
	exit Exit
	err  error
}

// errClosed answers those who wait for what a closed Containerd followed.
var errClosed = errors.New("runtime is closed")

// Pid is the process's number on the host.
func (p *Process) Pid() uint32 { return p.pid }

// Wait gives the exit when the process has ended: its output is complete by
// then, and containerd's record of it is deleted, whether anyone waits or not.
func (p *Process) Wait(ctx context.Context) (Exit, error) {
	select {
	case <-p.done:
		return p.exit, p.err
	case <-ctx.Done():
		return Exit{}, ctx.Err()
	}
}

// Resize sets the size of the process's terminal.
func (p *Process) Resize(ctx context.Context, rows, cols uint16) error {
	_, err := p.r.tasks.ResizePty(p.r.context(ctx), &tasks.ResizePtyRequest{ContainerID: p.container, ExecID: p.id, Height: uint32(rows), Width: uint32(cols)})
	if err = native(err); err != nil && !p.ended(err) {
		return fmt.Errorf("resize terminal in container %s: %w", p.container, err)
	}
	return nil
}

// Kill sends SIGKILL to the process and to all that it left in its session. One
// that has ended is no error.
func (p *Process) Kill(ctx context.Context) error {
	rest := p.session()
	_, err := p.r.tasks.Kill(p.r.context(ctx), &tasks.KillRequest{ContainerID: p.container, ExecID: p.id, Signal: uint32(syscall.SIGKILL)})
	for _, pid := range rest {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended with the first
	}
	if err = native(err); err != nil && !p.ended(err) {
		return fmt.Errorf("kill process in container %s: %w", p.container, err)
	}
	return nil
}

// ended says whether a refusal only means that the process is gone.
func (p *Process) ended(err error) bool {
	select {
	case <-p.done:
		return true
	default:
		return isNotFound(err) || isShimGone(err)
	}
}

// session lists the processes of the container whose session the process began:
// the low-level runtime makes each a leader of its own.
func (p *Process) session() []int {
	all, err := p.r.cgroups.Processes(p.cgroup)
	if err != nil {
		return nil
	}
	var out []int
	for _, pid := range all {
		if pid != int(p.pid) && sessionOf(pid) == int(p.pid) {
			out = append(out, pid)
		}
	}
	return out
}

// Fields of /proc/PID/stat, from the first one after the name.
const (
	statParent  = 4 - 3
	statSession = 6 - 3
)

func sessionOf(pid int) int { return statField(pid, statSession) }
func parentOf(pid int) int  { return statField(pid, statParent) }

// statField is 0 for a process that is gone.
func statField(pid, field int) int {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The name is in parentheses and may hold anything: count after its end.
	fields := bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
	if len(fields) <= field {
		return 0
	}
	n, err := strconv.Atoi(string(fields[field]))
	if err != nil {
		return 0
	}
	return n
}

// adopt follows the process to its end.
func (r *Containerd) adopt(ctx context.Context, p *Process) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		p.io.close()
		return errClosed
	}
	// The process outlives the call that starts it; Close gives it up.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r.execs[p] = cancel
	r.watching.Go(func() {
		defer cancel()
		p.follow(ctx)
		r.mu.Lock()
		delete(r.execs, p)
		r.mu.Unlock()
	})
	return nil
}

func (p *Process) follow(ctx context.Context) {
	defer close(p.done)
	defer p.io.close()
	exit := retry(ctx, func() (Exit, error) { return p.await(ctx) })
	if ctx.Err() != nil {
		p.err = errClosed
		return
	}
	// The shim deletes the process when its pipes have ended, or after ten
	// seconds if something else holds them.
	retry(ctx, func() (struct{}, error) {
		_, err := p.r.tasks.DeleteProcess(ctx, &tasks.DeleteProcessRequest{ContainerID: p.container, ExecID: p.id})
		if err = native(err); isNotFound(err) || isShimGone(err) {
			err = nil
		}
		return struct{}{}, err
	})
	p.io.finish(ctx)
	p.exit = exit
	if ctx.Err() != nil {
		p.err = errClosed
	}
}

func (p *Process) await(ctx context.Context) (Exit, error) {
	resp, err := p.r.tasks.Wait(ctx, &tasks.WaitRequest{ContainerID: p.container, ExecID: p.id})
	if err = native(err); isNotFound(err) || isShimGone(err) {
		return lost(), nil
	}
	if err != nil {
		return Exit{}, err
	}
	return Exit{Code: int(resp.ExitStatus), At: resp.ExitedAt.AsTime()}, nil
}
