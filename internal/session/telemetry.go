package session

import (
	"sync"
	"time"

	"github.com/slipway/slipway/internal/agentproto"
)

// sample is the latest that an agent said of a task's utilisation.
type sample struct {
	metric agentproto.TaskMetric
	at     time.Time
}

// telemetry keeps the latest of what agents publish: one sample per task and
// one status per instance. It is lost with the process, and complete again after
// 20 s.
type telemetry struct {
	mu        sync.Mutex // guards the rest
	instances map[Instance]*reported
}

type reported struct {
	by       *tcs              // the socket that it came by
	tasks    map[string]sample // by task ARN
	statuses []agentproto.InstanceStatus
}

func newTelemetry() *telemetry { return &telemetry{instances: map[Instance]*reported{}} }

// of is what the socket's instance reported; the caller holds mu.
func (t *telemetry) of(c *tcs) *reported {
	r := t.instances[c.of]
	if r == nil {
		r = &reported{}
		t.instances[c.of] = r
	}
	r.by = c
	return r
}

// replace takes the place of an instance's round before.
func (t *telemetry) replace(c *tcs, tasks map[string]sample) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of(c).tasks = tasks
}

func (t *telemetry) status(c *tcs, statuses []agentproto.InstanceStatus) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of(c).statuses = statuses
}

// drop forgets an instance when its socket ends, unless a newer one has
// reported since.
func (t *telemetry) drop(c *tcs) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.instances[c.of]; r != nil && r.by == c {
		delete(t.instances, c.of)
	}
}

// Utilisation is the latest that the agent of the instance said of one of its
// tasks, and when; ok is false when this server's sockets brought nothing.
func (s *Server) Utilisation(of Instance, taskARN string) (m agentproto.TaskMetric, at time.Time, ok bool) {
	s.telemetry.mu.Lock()
	defer s.telemetry.mu.Unlock()
	r := s.telemetry.instances[of]
	if r == nil {
		return agentproto.TaskMetric{}, time.Time{}, false
	}
	latest, ok := r.tasks[taskARN]
	return latest.metric, latest.at, ok
}

// Status is what the agent of the instance last said of its container runtime.
func (s *Server) Status(of Instance) []agentproto.InstanceStatus {
	s.telemetry.mu.Lock()
	defer s.telemetry.mu.Unlock()
	if r := s.telemetry.instances[of]; r != nil {
		return r.statuses
	}
	return nil
}
