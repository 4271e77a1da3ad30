package ecsapi

import (
	"context"

	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/wire"
)

// acknowledgment is what agents are answered; they ignore the content.
const acknowledgment = "ACCEPT"

func (h taskHandlers) submitTask(ctx context.Context, call *wire.Call, in *ecsshape.SubmitTaskStateChangeInput) (*ecsshape.SubmitTaskStateChangeOutput, error) {
	rep := ecs.TaskReport{
		Status:             value(in.Status),
		Reason:             value(in.Reason),
		PullStartedAt:      in.PullStartedAt.Or(),
		PullStoppedAt:      in.PullStoppedAt.Or(),
		ExecutionStoppedAt: in.ExecutionStoppedAt.Or(),
	}
	for i := range in.Containers {
		c := &in.Containers[i]
		rep.Containers = append(rep.Containers, ecs.ContainerReport{
			Name:        value(c.ContainerName),
			Status:      value(c.Status),
			RuntimeID:   value(c.RuntimeId),
			ImageDigest: value(c.ImageDigest),
			ExitCode:    c.ExitCode,
			Reason:      value(c.Reason),
			Bindings:    bindingsOf(c.NetworkBindings),
		})
	}
	for i := range in.ManagedAgents {
		a := &in.ManagedAgents[i]
		rep.Agents = append(rep.Agents, ecs.ManagedAgentReport{
			Container: value(a.ContainerName), Name: value(a.ManagedAgentName), Status: value(a.Status), Reason: value(a.Reason),
		})
	}
	err := h.room.SubmitTaskState(ctx, scopeOf(call), callerOf(call), value(in.Cluster), value(in.Task), rep)
	if err != nil {
		return nil, err
	}
	return &ecsshape.SubmitTaskStateChangeOutput{Acknowledgment: new(acknowledgment)}, nil
}

func (h taskHandlers) submitContainer(ctx context.Context, call *wire.Call, in *ecsshape.SubmitContainerStateChangeInput) (*ecsshape.SubmitContainerStateChangeOutput, error) {
	rep := ecs.ContainerReport{
		Name:      value(in.ContainerName),
		Status:    value(in.Status),
		RuntimeID: value(in.RuntimeId),
		ExitCode:  in.ExitCode,
		Reason:    value(in.Reason),
		Bindings:  bindingsOf(in.NetworkBindings),
	}
	err := h.room.SubmitContainerState(ctx, scopeOf(call), callerOf(call), value(in.Cluster), value(in.Task), rep)
	if err != nil {
		return nil, err
	}
	return &ecsshape.SubmitContainerStateChangeOutput{Acknowledgment: new(acknowledgment)}, nil
}

func (h taskHandlers) submitAttachments(ctx context.Context, call *wire.Call, in *ecsshape.SubmitAttachmentStateChangesInput) (*ecsshape.SubmitAttachmentStateChangesOutput, error) {
	reports := make([]ecs.AttachmentReport, len(in.Attachments))
	for i := range in.Attachments {
		reports[i] = ecs.AttachmentReport{ARN: value(in.Attachments[i].AttachmentArn), Status: value(in.Attachments[i].Status)}
	}
	if err := h.room.SubmitAttachments(ctx, scopeOf(call), value(in.Cluster), reports); err != nil {
		return nil, err
	}
	return &ecsshape.SubmitAttachmentStateChangesOutput{Acknowledgment: new(acknowledgment)}, nil
}

func bindingsOf(shapes []ecsshape.NetworkBinding) []ecs.NetworkBinding {
	var out []ecs.NetworkBinding
	for i := range shapes {
		b := &shapes[i]
		out = append(out, ecs.NetworkBinding{
			BindIP:             value(b.BindIP),
			ContainerPort:      value(b.ContainerPort),
			HostPort:           value(b.HostPort),
			Protocol:           value(b.Protocol),
			ContainerPortRange: value(b.ContainerPortRange),
			HostPortRange:      value(b.HostPortRange),
		})
	}
	return out
}
