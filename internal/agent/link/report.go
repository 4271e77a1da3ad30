package link

import (
	"context"
	"fmt"

	"github.com/slipway/slipway/internal/agent/awscall"
	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/wire/shape"
)

// Submit sends one report (SubmitTaskStateChange). InvalidParameterException is
// the one answer that drops a report for good.
func (c *Client) Submit(ctx context.Context, r engine.Report) error {
	in := ecsshape.SubmitTaskStateChangeInput{
		Cluster: new(c.cfg.Cluster), Task: new(r.TaskARN), Status: new(r.Status), Reason: new(r.Reason),
		PullStartedAt: shape.At(r.PullStartedAt), PullStoppedAt: shape.At(r.PullStoppedAt),
		ExecutionStoppedAt: shape.At(r.ExecutionStoppedAt),
	}
	for _, change := range r.Containers {
		in.Containers = append(in.Containers, containerChange(change))
	}
	for _, change := range r.Agents {
		in.ManagedAgents = append(in.ManagedAgents, ecsshape.ManagedAgentStateChange{
			ContainerName: new(change.ContainerName), ManagedAgentName: new(change.Name), Status: new(change.Status), Reason: optional(change.Reason),
		})
	}
	var out ecsshape.SubmitTaskStateChangeOutput
	err := c.ecs(ctx, "SubmitTaskStateChange", in, &out)
	if awscall.Code(err) == "InvalidParameterException" {
		return fmt.Errorf("%w: %w", engine.ErrRefused, err)
	}
	return err
}

func containerChange(c engine.ContainerChange) ecsshape.ContainerStateChange {
	out := ecsshape.ContainerStateChange{
		ContainerName: new(c.Name), Status: new(c.Status),
		RuntimeId: optional(c.RuntimeID), ImageDigest: optional(c.ImageDigest), Reason: optional(c.Reason),
	}
	if c.ExitCode != nil {
		out.ExitCode = new(int32(*c.ExitCode))
	}
	for _, b := range c.Bindings {
		binding := ecsshape.NetworkBinding{
			BindIP: optional(b.BindIP), Protocol: new(b.Protocol),
			ContainerPortRange: optional(b.ContainerPortRange), HostPortRange: optional(b.HostPortRange),
		}
		if b.ContainerPortRange == "" {
			binding.ContainerPort, binding.HostPort = new(int32(b.ContainerPort)), new(int32(b.HostPort))
		}
		out.NetworkBindings = append(out.NetworkBindings, binding)
	}
	return out
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
