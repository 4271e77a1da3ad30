package agent

import (
	"context"
	"errors"
	"time"

	"github.com/slipway/slipway/internal/agent/link"
)

// Pauses between attempts to register: the ECS agent's.
const (
	firstPause   = 250 * time.Millisecond
	longestPause = 15 * time.Second
)

// register registers until it is done or refused for good, and remembers it.
func (a *agent) register(ctx context.Context) (string, error) {
	document, err := identityDocument(a.cfg)
	if err != nil {
		return "", err
	}
	r := link.Registration{
		ContainerInstanceARN: a.was.ContainerInstanceARN, CPU: int32(a.cpu), Memory: int32(a.memory),
		ReservedPorts: a.cfg.ReservedPorts, ReservedUDPPorts: a.cfg.ReservedUDPPorts,
		Attributes: attributes(a.cfg, a.logs.Names()), Tags: a.instanceTags(ctx), IdentityDocument: document,
	}
	if r.ContainerInstanceARN == "" {
		r.Attributes = append(r.Attributes, customAttributes(a.cfg)...)
	}
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		arn, _, err := a.client.Register(ctx, r)
		if err == nil {
			return arn, a.remember(ctx, arn)
		}
		if errors.Is(err, link.ErrTerminal) || ctx.Err() != nil {
			return "", err
		}
		a.cfg.Log.Warn("not registered yet, trying again", "error", err, "pause", pause)
		select {
		case <-time.After(pause):
		case <-a.cfg.Terminate: // nothing can be drained
			return "", errLeft
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// remember keeps the ARN, so that the next agent is the same instance.
func (a *agent) remember(ctx context.Context, arn string) error {
	now := registered{ContainerInstanceARN: arn, Cluster: a.cfg.Cluster, InstanceID: a.cfg.InstanceID}
	if now == a.was {
		return nil
	}
	durable, err := saveRegistered(a.journal, now)
	if err != nil {
		return err
	}
	return durable(ctx)
}
