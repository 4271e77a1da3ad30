package stats

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agent/lifecycle"
	"github.com/slipway/slipway/internal/agent/runtime"
	"github.com/slipway/slipway/internal/agentproto"
)

const (
	// every is Docker's pace.
	every = time.Second
	// share bounds what sampling costs: a pass that took long is followed by a
	// pause this many times as long.
	share = 100
	// patience bounds a pass. Only containers that are new to the runtime can
	// wait for anything.
	patience = 2 * time.Second
)

// Usage reads the counters of a running container;
// (*runtime.Containerd).Usage is one.
type Usage func(ctx context.Context, containerID string) (runtime.Usage, error)

// Sampler measures the containers of an instance. Run it; the other methods may
// be called meanwhile.
type Sampler struct {
	usage Usage
	tasks func() []engine.View
	log   *slog.Logger

	mu     sync.Mutex
	series map[string]*series // by container id; guarded with all that is in it
}

// New makes a sampler of the running containers of tasks.
func New(usage Usage, tasks func() []engine.View, log *slog.Logger) *Sampler {
	return &Sampler{usage: usage, tasks: tasks, log: log, series: map[string]*series{}}
}

// Run samples until ctx ends.
func (s *Sampler) Run(ctx context.Context) {
	timer := time.NewTimer(every)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		began := time.Now()
		s.pass(ctx)
		took := time.Since(began)
		timer.Reset(max(every-took, share*took))
	}
}

// pass takes one sample of each running container and forgets the others.
func (s *Sampler) pass(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	running := map[string]bool{}
	for _, v := range s.tasks() {
		for _, c := range v.Containers {
			if c.Status != lifecycle.Running {
				continue
			}
			running[c.ID] = true
			if c.Down { // between two processes of a restart
				continue
			}
			u, err := s.usage(ctx, c.ID)
			if err != nil { // it may have ended a moment ago
				s.log.Debug("container not measured", "container", c.ID, "error", err)
				continue
			}
			s.take(c, u)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.series, func(id string, _ *series) bool { return !running[id] })
}

func (s *Sampler) take(c engine.ContainerView, u runtime.Usage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.series[c.ID]
	if of == nil {
		of = &series{name: c.Name}
		s.series[c.ID] = of
	}
	of.add(u, c.Restarts)
}

// Latest is the last sample of a container; false while there is none. Its maps
// are nobody's to change.
func (s *Sampler) Latest(containerID string) (*Docker, bool) {
	s.mu.Lock()
	of := s.series[containerID]
	if of == nil {
		s.mu.Unlock()
		return nil, false
	}
	name, last, previous, rate := of.name, of.last, of.previous, of.rate
	s.mu.Unlock()
	d := docker(containerID, name, last, previous)
	d.NetworkRate = rate
	return d, true
}

// Collect ends a round: it returns what every task used since the last call, and
// begins the next. Containers with fewer than two samples are left to it.
func (s *Sampler) Collect() []agentproto.TaskMetric {
	views := s.tasks()
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []agentproto.TaskMetric
	for _, v := range views {
		if m := s.collect(v); len(m) > 0 {
			out = append(out, agentproto.TaskMetric{
				TaskARN: v.Task.ARN, ClusterARN: v.Task.TaskClusterARN,
				TaskDefinitionFamily: v.Task.Family, TaskDefinitionVersion: v.Task.Version, ContainerMetrics: m,
			})
		}
	}
	return out
}

func (s *Sampler) collect(v engine.View) []agentproto.ContainerMetric {
	var out []agentproto.ContainerMetric
	for i, c := range v.Containers {
		of := s.series[c.ID]
		if of == nil {
			continue
		}
		spec := v.Task.Containers[i]
		restartable := spec.RestartPolicy != nil && spec.RestartPolicy.Enabled
		if m := of.metric(spec.Name, spec.ContainerARN, restartable); m != nil {
			out = append(out, *m)
			of.next()
		}
	}
	return out
}
