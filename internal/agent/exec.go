package agent

import (
	"context"
	"sync"

	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agent/execute"
	"github.com/slipway/slipway/internal/agent/runtime"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

// execs puts ECS Exec behind engine.Exec: the containers that the engine opened
// are those that a session may enter.
type execs struct {
	rt *runtime.Containerd

	mu     sync.Mutex
	agent  *execute.Agent // nil until the instance is registered
	served bool           // the control channel was open once
	open   map[string]func()
}

// Attach implements engine.Exec.
func (e *execs) Attach(c engine.ExecTarget, served func()) (bool, func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.open[c.ContainerID] = served
	e.changed()
	return e.served, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.open, c.ContainerID)
		e.changed()
	}
}

func (e *execs) changed() {
	if e.agent != nil {
		e.agent.Changed()
	}
}

// connected hears of the control channel.
func (e *execs) connected(open bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !open || e.served {
		return
	}
	e.served = true
	for _, served := range e.open {
		served()
	}
}

func (e *execs) containers() []execute.Container {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make([]execute.Container, 0, len(e.open))
	for id := range e.open {
		out = append(out, execute.Container{RuntimeID: id, ID: id})
	}
	return out
}

// run serves sessions until ctx ends.
func (e *execs) run(ctx context.Context, cfg Config, arn string) error {
	x := execute.New(execute.Config{
		Backend: cfg.Backend, Region: cfg.Region, ContainerInstanceARN: arn,
		Credentials: func() sigv4.Credentials { return cfg.Credentials }, HTTP: cfg.HTTP, Log: cfg.Log,
		Start: e.start, Containers: e.containers, Connected: e.connected,
	})
	e.mu.Lock()
	e.agent = x
	e.mu.Unlock()
	return x.Run(ctx)
}

// start begins a command in a container.
func (e *execs) start(ctx context.Context, id string, c execute.Command) (execute.Process, error) {
	p, err := e.rt.Exec(ctx, id, runtime.ExecSpec{
		Args: c.Args, Env: c.Env, User: c.User, TTY: c.TTY, Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr,
	})
	if err != nil {
		return nil, err
	}
	return command{p}, nil
}

// command is a process in a container.
type command struct{ *runtime.Process }

// Wait implements execute.Process.
func (c command) Wait(ctx context.Context) (int, error) {
	exit, err := c.Process.Wait(ctx)
	return exit.Code, err
}
