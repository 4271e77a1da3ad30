package link

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agentproto"
)

// Tasks is what the control plane's messages act on; *engine.Engine is one.
type Tasks interface {
	Apply(ctx context.Context, tasks []agentproto.Task) (engine.Receipt, error)
	Stop(arn string)
	SetCredentials(taskARN, role string, c agentproto.RoleCredentials) bool
	Tasks() []engine.View
}

// Marks remembers the number of the last task manifest over restarts.
type Marks interface {
	Mark() int64
	SetMark(n int64)
}

// SessionConfig is what a session works with.
type SessionConfig struct {
	ContainerInstanceARN string
	Tasks                Tasks
	Marks                Marks
	// Runtime tells whether containers can be run now; nil error is OK.
	Runtime func(ctx context.Context) error
	// Metrics is what tasks used since the last call; nil: nothing is measured.
	Metrics func() []agentproto.TaskMetric
	Log     *slog.Logger
}

// Session is the connection of a registered instance: two sockets.
type Session struct {
	client    *Client
	cfg       SessionConfig
	log       *slog.Logger
	discovery *discovery
	acs       acs
	rounds    *rounds // of telemetry
}

// NewSession makes a session that is not connected yet.
func NewSession(client *Client, cfg SessionConfig) *Session {
	return &Session{
		client: client, cfg: cfg, log: cfg.Log,
		discovery: &discovery{client: client, instance: cfg.ContainerInstanceARN},
		acs:       acs{fresh: true, mark: cfg.Marks.Mark()},
		rounds:    newRounds(),
	}
}

// RunACS keeps the poll socket open until ctx ends. Call it once.
func (s *Session) RunACS(ctx context.Context) error {
	b := backoff{first: 250 * time.Millisecond, longest: longestACSPause, growth: 1.5, settled: time.Minute}
	return keep(ctx, s.log.With("socket", "ACS"), b, s.serveACS)
}

// longestACSPause is shorter than the ECS agent's two minutes: whoever restarts
// a control plane of their own waits for it.
const longestACSPause = 15 * time.Second

// RunTCS keeps the telemetry socket open until ctx ends, and measures meanwhile.
// Call it once.
func (s *Session) RunTCS(ctx context.Context) error {
	var collector sync.WaitGroup
	defer collector.Wait()
	s.rounds.put(s.round(time.Now()))
	collector.Go(func() { s.collect(ctx) })
	b := backoff{first: time.Second, longest: time.Minute, growth: 2, settled: time.Minute}
	return keep(ctx, s.log.With("socket", "TCS"), b, s.serveTCS)
}
