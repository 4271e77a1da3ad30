package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/events"
)

// A stage is a point on the way from the call to the payload's first
// instruction.
type stage int

// The stages, in the order in which they are reached.
const (
	answered stage = iota // the API has answered (not for ctr)
	accepted              // the agent has begun (not for ctr)
	recorded              // containerd has the container's record
	created               // the process is made and waits
	started               // containerd said that it runs
	running               // its first instruction
	stages
)

var stageNames = [stages]string{"API answered", "agent has the task", "record made", "process made", "start done", "first instruction"}

// topics of containerd's events that mark a stage.
var topics = map[string]stage{"/containers/create": recorded, "/tasks/create": created, "/tasks/start": started}

// trace holds when each stage was reached, as time since the call.
type trace [stages]time.Duration

// tracer hears containerd's events, which carry the time at which it sent them.
type tracer struct {
	client *client.Client
	end    context.CancelFunc
	done   chan struct{}

	mu sync.Mutex
	at [stages]time.Time // of the last event of each kind
}

func newTracer(ctx context.Context, socket string) (*tracer, error) {
	c, err := client.New(socket)
	if err != nil {
		return nil, fmt.Errorf("connect to containerd: %w", err)
	}
	ctx, end := context.WithCancel(ctx)
	t := &tracer{client: c, end: end, done: make(chan struct{})}
	heard, errs := c.Subscribe(ctx, `topic=="/containers/create"`, `topic=="/tasks/create"`, `topic=="/tasks/start"`)
	go t.follow(heard, errs)
	return t, nil
}

func (t *tracer) follow(heard <-chan *events.Envelope, errs <-chan error) {
	defer close(t.done)
	for {
		select {
		case e := <-heard:
			t.mu.Lock()
			t.at[topics[e.Topic]] = e.Timestamp
			t.mu.Unlock()
		case <-errs: //nolint:errcheck // it has ended, for whatever reason: later rounds go without
			return
		}
	}
}

// since is when the stages that containerd knows of were last reached.
func (t *tracer) since(begin time.Time) trace {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out trace
	for _, s := range topics {
		if t.at[s].After(begin) {
			out[s] = t.at[s].Sub(begin)
		}
	}
	return out
}

func (t *tracer) close() {
	t.end()
	<-t.done
	_ = t.client.Close()
}

// timeline is the stages of many rounds.
type timeline struct {
	name   string
	stages [stages]series
}

func (l *timeline) add(t trace) {
	for s, d := range t {
		if d > 0 {
			l.stages[s].add(d)
		}
	}
}

// show prints the median time at which every stage was reached.
func show(lines ...*timeline) {
	fmt.Printf("\n%-34s", "reached after, p50 ms")
	for _, n := range stageNames {
		fmt.Printf(" %18s", n)
	}
	fmt.Println()
	for _, l := range lines {
		fmt.Printf("%-34s", l.name)
		for s := range l.stages {
			if len(l.stages[s].took) == 0 {
				fmt.Printf(" %18s", "-")
				continue
			}
			fmt.Printf(" %18.1f", ms(l.stages[s].at(.5)))
		}
		fmt.Println()
	}
}
