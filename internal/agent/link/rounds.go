package link

import (
	"context"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agentproto"
)

// maxRounds is how many rounds wait for a connection: the ECS agent's five
// minutes. Older ones are dropped.
const maxRounds = 15

// The control plane's words for the states that matter here.
const (
	running = "RUNNING"
	stopped = "STOPPED"
)

// round is what is published every 20 s.
type round struct {
	at      float64
	idle    bool // there is nothing to measure
	metrics []agentproto.TaskMetric
	health  []agentproto.TaskHealth
}

// rounds are those not yet sent, oldest first.
type rounds struct {
	came chan struct{} // has an element after a put

	mu   sync.Mutex
	wait []round
}

func newRounds() *rounds { return &rounds{came: make(chan struct{}, 1)} }

func (q *rounds) put(r round) {
	q.mu.Lock()
	if len(q.wait) == maxRounds {
		q.wait = q.wait[1:]
	}
	q.wait = append(q.wait, r)
	q.mu.Unlock()
	select {
	case q.came <- struct{}{}:
	default:
	}
}

// take gives a round away: once it is being sent, it is not sent again.
func (q *rounds) take() (round, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.wait) == 0 {
		return round{}, false
	}
	r := q.wait[0]
	q.wait = q.wait[1:]
	return r, true
}

// collect makes a round every 20 s until ctx ends, connected or not.
func (s *Session) collect(ctx context.Context) {
	ticker := time.NewTicker(publishEvery)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			s.rounds.put(s.round(now))
		case <-ctx.Done():
			return
		}
	}
}

func (s *Session) round(now time.Time) round {
	r := round{at: epoch(now), metrics: []agentproto.TaskMetric{}}
	if s.cfg.Metrics != nil {
		r.metrics = append(r.metrics, s.cfg.Metrics()...)
	}
	views := s.cfg.Tasks.Tasks()
	r.idle = len(r.metrics) == 0
	for _, v := range views {
		r.idle = r.idle && (s.cfg.Metrics == nil || v.Known.Reported() == stopped)
		if h, ok := taskHealth(v, now); ok {
			r.health = append(r.health, h)
		}
	}
	return r
}

// taskHealth is what the checks of a task's running containers say; false if
// none has one.
func taskHealth(v engine.View, now time.Time) (agentproto.TaskHealth, bool) {
	h := agentproto.TaskHealth{
		TaskARN: v.Task.ARN, ClusterARN: v.Task.TaskClusterARN,
		TaskDefinitionFamily: v.Task.Family, TaskDefinitionVersion: v.Task.Version,
	}
	for i, c := range v.Containers {
		if !c.Checked || c.Status.Reported() != running {
			continue
		}
		since := c.Health.Since
		if since.IsZero() { // as the ECS agent says it before the first verdict
			since = now
		}
		h.Containers = append(h.Containers, agentproto.ContainerHealth{
			ContainerName: v.Task.Containers[i].Name, HealthStatus: c.Health.Verdict.String(), StatusSince: epoch(since),
		})
	}
	return h, len(h.Containers) > 0
}
