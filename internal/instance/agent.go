package instance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/slipway/slipway/internal/netns"
)

const (
	// exitTerminal is the agent's way to say that starting it again is useless
	// (agent exit codes: 5 is terminal).
	exitTerminal = 5
	// agentGrace is how long an agent may take to save its state on SIGTERM.
	agentGrace = 8 * time.Second
	// restartDelay keeps an agent that dies at once from spinning.
	restartDelay = time.Second
)

// agentProcess is the supervisor of one instance's agent.
type agentProcess struct {
	quit chan struct{}
	once sync.Once
	done chan struct{}
}

// end asks the agent to leave, kills it when it does not, and waits.
func (p *agentProcess) end() {
	p.once.Do(func() { close(p.quit) })
	<-p.done
}

// supervise keeps the agent of an instance running until it is ended.
func (h *Host) supervise(s Spec) *agentProcess {
	p := &agentProcess{quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(p.done)
		for {
			code, err := h.runAgent(s, p.quit)
			select {
			case <-p.quit:
				return
			default:
			}
			if code == exitTerminal {
				h.cfg.Log.Error("agent gave up; the instance is left without one", "instance", s.ID, "log", h.logFile(s.ID))
				return
			}
			h.cfg.Log.Warn("agent ended and is started again", "instance", s.ID, "code", code, "err", err)
			select {
			case <-p.quit:
				return
			case <-time.After(restartDelay):
			}
		}
	}()
	return p
}

func (h *Host) logFile(id string) string { return filepath.Join(h.Dir(id), "agent.log") }

// runAgent starts the agent inside the instance's namespace and control group
// and returns its exit code once it ended.
func (h *Host) runAgent(s Spec, quit <-chan struct{}) (int, error) {
	log, err := os.OpenFile(h.logFile(s.ID), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return -1, fmt.Errorf("open agent log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(h.cfg.Command, s.Args...)
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.Dir = s.Env, log, log, h.Dir(s.ID)
	// A session of its own: a Ctrl-C on the terminal is Slipway's to handle.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := netns.Do(h.netNS(s.ID), cmd.Start); err != nil {
		return -1, fmt.Errorf("start agent: %w", err)
	}
	if err := h.cfg.Cgroups.Move(h.agentCgroup(s.ID), cmd.Process.Pid); err != nil {
		h.cfg.Log.Warn("agent runs outside its control group", "instance", s.ID, "err", err)
	}
	ended := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { endOnQuit(cmd.Process, quit, ended) })
	err = cmd.Wait()
	close(ended)
	wg.Wait()
	return cmd.ProcessState.ExitCode(), err
}

func endOnQuit(p *os.Process, quit, ended <-chan struct{}) {
	select {
	case <-ended:
		return
	case <-quit:
	}
	_ = p.Signal(syscall.SIGTERM) // an error means that it has ended
	select {
	case <-ended:
	case <-time.After(agentGrace):
		_ = p.Kill()
	}
}

// endStrayAgent ends an agent that a killed Slipway left running. Two agents on
// one instance would fight over its containers.
func (h *Host) endStrayAgent(ctx context.Context, id string) error {
	pids, err := h.cfg.Cgroups.Processes(h.agentCgroup(id))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("look for a stray agent: %w", err)
	}
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGTERM)
	}
	deadline := time.NewTimer(agentGrace)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for len(pids) > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline.C:
			return h.cfg.Cgroups.Kill(ctx, h.agentCgroup(id))
		case <-tick.C:
			if pids, err = h.cfg.Cgroups.Processes(h.agentCgroup(id)); err != nil {
				return fmt.Errorf("wait for a stray agent: %w", err)
			}
		}
	}
	return nil
}
