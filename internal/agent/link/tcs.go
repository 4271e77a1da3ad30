package link

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

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

// publish sends each round as it comes, and with it how the container runtime
// does. Rounds that had to wait for the connection go first.
func (s *Session) publish(ctx context.Context, c *conn) error {
	status := agentproto.InstanceStatus{Type: "ContainerRuntime", Status: "INITIALIZING"}
	for {
		select {
		case <-s.rounds.came: // it is about to be taken
		default:
		}
		s.judge(ctx, &status)
		for r, ok := s.rounds.take(); ok; r, ok = s.rounds.take() {
			if err := s.publishRound(ctx, c, r); err != nil {
				return err
			}
		}
		if err := s.publishStatus(ctx, c, status); err != nil {
			return err
		}
		select {
		case <-s.rounds.came:
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
