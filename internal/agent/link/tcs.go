package link

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/slipway/slipway/internal/agentproto"
)

// publishEvery is the ECS agent's interval.
const publishEvery = 20 * time.Second

// serveTCS opens the telemetry socket and publishes until it ends.
func (s *Session) serveTCS(ctx context.Context) error {
	at, err := s.discovery.get(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c, err := s.client.dial(ctx, at.tcs, s.tcsQuery(), cancel)
	if err != nil {
		return err
	}
	defer c.end()
	life := time.AfterFunc(between(minLife, maxLife), c.expire)
	defer life.Stop()
	published := make(chan error, 1)
	go func() {
		defer cancel() // so that the reader ends too
		published <- s.publish(ctx, c)
	}()
	err = s.listen(ctx, c)
	cancel()
	if perr := <-published; perr != nil && !errors.Is(perr, context.Canceled) {
		return perr
	}
	return err
}

func (s *Session) tcsQuery() url.Values {
	v := s.client.cfg.Version
	return url.Values{
		"agentHash": {v.Hash}, "agentVersion": {v.Agent}, "dockerVersion": {v.Runtime},
		"cluster": {s.client.cfg.Cluster}, "containerInstance": {s.cfg.ContainerInstanceARN},
	}
}

// listen reads the server's answers, each of which is a sign of life.
func (s *Session) listen(ctx context.Context, c *conn) error {
	for {
		e, err := c.read(ctx)
		if err != nil {
			return err
		}
		switch e.Type {
		case agentproto.TypeAckMetric, agentproto.TypeAckHealth, agentproto.TypeAckInstanceStatus, agentproto.TypeHeartbeat:
			c.alive()
		case agentproto.TypeStopTelemetry:
			return fmt.Errorf("telemetry was stopped by the control plane: %s", e.Message)
		default:
			s.log.Warn("telemetry message of the control plane", "type", e.Type, "message", string(e.Message))
		}
	}
}

// publish says every 20 s that the instance is there and how its container
// runtime does.
func (s *Session) publish(ctx context.Context, c *conn) error {
	status := agentproto.InstanceStatus{Type: "ContainerRuntime", Status: "INITIALIZING"}
	ticker := time.NewTicker(publishEvery)
	defer ticker.Stop()
	for {
		s.judge(ctx, &status)
		if err := s.publishOnce(ctx, c, status); err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// judge brings the container runtime's status up to date.
func (s *Session) judge(ctx context.Context, status *agentproto.InstanceStatus) {
	was := status.Status
	status.Status, status.StatusReason = "OK", ""
	bounded, cancel := context.WithTimeout(ctx, publishEvery/2)
	defer cancel()
	if err := s.cfg.Runtime(bounded); err != nil {
		status.Status, status.StatusReason = "IMPAIRED", err.Error()
	}
	status.LastUpdated = epoch(time.Now())
	if status.Status != was {
		status.LastStatusChange = status.LastUpdated
	}
}

func (s *Session) publishOnce(ctx context.Context, c *conn, status agentproto.InstanceStatus) error {
	metadata := agentproto.MetricsMetadata{Cluster: s.client.cfg.Cluster, ContainerInstance: s.cfg.ContainerInstanceARN}
	metrics := metadata
	metrics.MessageID, metrics.Idle, metrics.Fin = uuid.NewString(), true, true
	err := s.telemetry(ctx, c, agentproto.TypePublishMetrics, agentproto.PublishMetrics{
		Metadata: metrics, TaskMetrics: []agentproto.TaskMetric{}, Timestamp: epoch(time.Now()),
	})
	if err != nil {
		return err
	}
	metadata.RequestID = uuid.NewString()
	return s.telemetry(ctx, c, agentproto.TypePublishInstanceStatus, agentproto.PublishInstanceStatus{
		Metadata: metadata, Statuses: []agentproto.InstanceStatus{status}, Timestamp: epoch(time.Now()),
	})
}

// telemetry sends a message in the framing of the telemetry socket: a block of
// headers that sign it, an empty line, then the envelope.
func (s *Session) telemetry(ctx context.Context, c *conn, kind string, message any) error {
	body, err := agentproto.Encode(kind, message)
	if err != nil {
		return err
	}
	header := s.client.signature(c.url, body)
	header.Set("Host", c.url.Host)
	var frame bytes.Buffer
	if err := header.Write(&frame); err != nil {
		return fmt.Errorf("frame %s: %w", kind, err)
	}
	frame.WriteString("\r\n")
	frame.Write(body)
	return c.write(ctx, frame.Bytes())
}

func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
