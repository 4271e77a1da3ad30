package health

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agent/lifecycle"
	"github.com/slipway/slipway/internal/agentproto"
)

const (
	// parallel is how many checks run at once on the instance.
	parallel = 32
	// killPatience is how long a check that was told to end keeps its place among
	// them. One that cannot be killed (its process waits for a disk) must not
	// take the place of those that can.
	killPatience = 2 * time.Second
	// noExit is the exit code of a check that has none: it could not be started,
	// or was killed (Docker's).
	noExit = -1
)

// Exec runs a command in a container, with both outputs to out, and returns its
// exit code. When ctx ends it kills the command; it returns when the command is
// gone. An error says that the command could not be run.
type Exec func(ctx context.Context, containerID string, args []string, out io.Writer) (code int, err error)

// Prober runs the checks of an instance. Close it in the end.
type Prober struct {
	exec  Exec
	slots chan struct{}

	ctx    context.Context // ends every watch; not one call's, so it may be kept
	cancel context.CancelFunc
	watch  sync.WaitGroup
}

var _ engine.Health = (*Prober)(nil)

// NewProber makes a prober that watches nothing yet.
func NewProber(exec Exec) *Prober {
	ctx, cancel := context.WithCancel(context.Background())
	return &Prober{exec: exec, slots: make(chan struct{}, parallel), ctx: ctx, cancel: cancel}
}

// Close ends all watches and returns when their commands are gone.
func (p *Prober) Close() {
	p.cancel()
	p.watch.Wait()
}

// Watch checks a container that has just started, until stop is called; changed
// is told of each new verdict, from another goroutine, and never after Close.
// The first check begins one interval after the call, each further one that long
// after the last one's end, as Docker does. A check that says NONE is none.
func (p *Prober) Watch(containerID string, check agentproto.Healthcheck, changed func(engine.HealthStatus)) (stop func()) {
	plan, ok := planOf(check)
	if !ok {
		return func() {}
	}
	ctx, cancel := context.WithCancel(p.ctx)
	p.watch.Go(func() {
		defer cancel()
		p.run(ctx, containerID, plan, changed)
	})
	return cancel
}

func (p *Prober) run(ctx context.Context, containerID string, plan plan, changed func(engine.HealthStatus)) {
	started := time.Now()
	var state State
	for sleep(ctx, plan.interval) && p.take(ctx) {
		began := time.Now()
		r := p.probe(ctx, containerID, plan)
		if ctx.Err() != nil {
			r.wait()
			return
		}
		next := plan.rules.Next(state, began.Sub(started), r.code == 0)
		if next.Verdict != state.Verdict {
			changed(status(next.Verdict, r))
		}
		state = next
		r.wait()
	}
}

// status says what a new verdict rests on; only a bad one has an exit code (the
// ECS agent's rule).
func status(v lifecycle.Health, r result) engine.HealthStatus {
	s := engine.HealthStatus{Verdict: v, Since: time.Now(), Output: r.output}
	if v == lifecycle.Unhealthy {
		s.ExitCode = r.code
	}
	return s
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// take gets one of the places; probe gives it back.
func (p *Prober) take(ctx context.Context) bool {
	select {
	case p.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// result is how a check went. It may still be ending: wait for it.
type result struct {
	code   int
	output string
	ended  <-chan exit
}

type exit struct {
	code int
	err  error
}

// wait returns when nothing of the check is left.
func (r result) wait() {
	for range r.ended {
	}
}

// probe runs the command once, in the place that was taken.
func (p *Prober) probe(ctx context.Context, containerID string, plan plan) result {
	defer func() { <-p.slots }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var out output
	ended := make(chan exit, 1)
	p.watch.Go(func() {
		defer close(ended)
		code, err := p.exec(ctx, containerID, plan.args, &out)
		ended <- exit{code, err}
	})
	timeout := time.NewTimer(plan.timeout)
	defer timeout.Stop()
	select {
	case e := <-ended:
		return outcome(e, out.String(), ended)
	case <-timeout.C:
	case <-ctx.Done():
	}
	cancel()
	grace := time.NewTimer(killPatience)
	defer grace.Stop()
	select {
	case <-ended:
	case <-grace.C:
	}
	return result{code: noExit, output: overdue(plan.timeout, out.String()), ended: ended}
}

func outcome(e exit, said string, ended <-chan exit) result {
	if e.err != nil {
		return result{code: noExit, output: e.err.Error(), ended: ended}
	}
	return result{code: e.code, output: said, ended: ended}
}

// overdue is Docker's text for a check that took too long.
func overdue(timeout time.Duration, said string) string {
	text := fmt.Sprintf("Health check exceeded timeout (%v)", timeout)
	if said != "" {
		text += ": " + said
	}
	return text
}
