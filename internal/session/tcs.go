package session

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/service/ecs"
)

// tcs is one open telemetry socket.
type tcs struct {
	srv  *Server
	of   Instance
	conn *websocket.Conn
	next map[string]sample // what the round under way has brought so far
}

func (s *Server) serveTCS(w http.ResponseWriter, r *http.Request) {
	of, ok := s.admit(w, r, "ecs:StartTelemetrySession", "cluster", "containerInstance")
	if !ok {
		return
	}
	conn, err := accept(w, r)
	if err != nil {
		s.log.Debug("upgrade failed", "instance", of.ARN(), "error", err)
		return
	}
	c := &tcs{srv: s, of: of, conn: conn, next: map[string]sample{}}
	s.log.Debug("telemetry opened", "instance", of.ARN())
	cause := c.run(s.ctx)
	s.telemetry.drop(c)
	s.log.Debug("telemetry closed", "instance", of.ARN(), "cause", cause)
}

// run reads on the request's goroutine; a second one sends heartbeats, for
// agents that publish nothing.
func (c *tcs) run(ctx context.Context) error {
	return serve(ctx, c.conn, c.read, c.beat)
}

func (c *tcs) beat(ctx context.Context) error {
	beat := time.NewTicker(c.srv.cfg.Heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-beat.C:
			if err := send(ctx, c.conn, agentproto.TypeHeartbeat, agentproto.Heartbeat{Healthy: true}); err != nil {
				return err
			}
		case <-ctx.Done():
			if c.srv.ctx.Err() != nil {
				c.conn.Close(websocket.StatusGoingAway, "server is closing")
				return errServerClosing
			}
			return context.Cause(ctx)
		}
	}
}

func (c *tcs) read(ctx context.Context) error {
	for {
		_, frame, err := c.conn.Read(ctx)
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		e, err := agentproto.Decode(body(frame))
		if err != nil {
			c.srv.ignored(c.of, err)
			continue
		}
		if err := c.receive(ctx, e); err != nil {
			return fmt.Errorf("receive: %w", err)
		}
	}
}

// receive handles one publication and acknowledges it: without any answer for a
// minute or two agents reconnect.
func (c *tcs) receive(ctx context.Context, e agentproto.Envelope) error {
	ack := ""
	switch e.Type {
	case agentproto.TypePublishMetrics:
		ack = agentproto.TypeAckMetric
		if m, ok := message[agentproto.PublishMetrics](c.srv, c.of, e); ok {
			c.metrics(&m)
		}
	case agentproto.TypePublishHealth:
		ack = agentproto.TypeAckHealth
		if m, ok := message[agentproto.PublishHealth](c.srv, c.of, e); ok {
			c.health(ctx, &m)
		}
	case agentproto.TypePublishInstanceStatus:
		ack = agentproto.TypeAckInstanceStatus
		if m, ok := message[agentproto.PublishInstanceStatus](c.srv, c.of, e); ok {
			c.srv.telemetry.status(c, boundedStatuses(m.Statuses))
		}
	default:
		return nil
	}
	return send(ctx, c.conn, ack, agentproto.TelemetryAck{Message: "OK"})
}

func (c *tcs) metrics(m *agentproto.PublishMetrics) {
	m.TaskMetrics = c.of.ownMetrics(c.srv.cfg.Room.Store().Snapshot(), m.TaskMetrics)
	at := time.Now()
	for i := range m.TaskMetrics {
		c.next[m.TaskMetrics[i].TaskARN] = sample{m.TaskMetrics[i], at}
	}
	if m.Metadata.Fin || m.Metadata.Idle {
		c.srv.telemetry.replace(c, c.next)
		c.next = map[string]sample{}
	}
	if c.srv.cfg.Metrics != nil {
		c.srv.cfg.Metrics(c.of, m)
	}
}

func (c *tcs) health(ctx context.Context, m *agentproto.PublishHealth) {
	reports := make([]ecs.TaskHealth, len(m.Tasks))
	for i := range m.Tasks {
		reports[i] = ecs.TaskHealth{Task: m.Tasks[i].TaskARN, Containers: map[string]string{}}
		for _, container := range m.Tasks[i].Containers {
			reports[i].Containers[container.ContainerName] = container.HealthStatus
		}
	}
	err := c.srv.cfg.Room.RecordHealth(ctx, c.of.Scope, c.of.Cluster, c.of.ID, reports)
	if err != nil {
		// The agent says it again in 20 s; no reason to lose the socket.
		c.srv.log.Error("health not recorded", "instance", c.of.ARN(), "error", err)
	}
}
