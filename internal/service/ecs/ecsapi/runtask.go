package ecsapi

import (
	"context"

	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/wire"
)

func (h taskHandlers) runTask(ctx context.Context, call *wire.Call, in *ecsshape.RunTaskInput) (*ecsshape.RunTaskOutput, error) {
	req := ecs.RunTaskRequest{
		TaskOptions: ecs.TaskOptions{
			Cluster:              value(in.Cluster),
			TaskDefinition:       value(in.TaskDefinition),
			Group:                value(in.Group),
			StartedBy:            value(in.StartedBy),
			ReferenceID:          value(in.ReferenceId),
			NetworkConfiguration: in.NetworkConfiguration,
			Overrides:            in.Overrides,
			VolumeConfigurations: in.VolumeConfigurations,
			Tags:                 tagsOf(in.Tags),
			PropagateTags:        value(in.PropagateTags),
			EnableECSManagedTags: value(in.EnableECSManagedTags),
			EnableExecuteCommand: value(in.EnableExecuteCommand),
		},
		Count:                    1,
		LaunchType:               value(in.LaunchType),
		CapacityProviderStrategy: in.CapacityProviderStrategy,
		PlatformVersion:          value(in.PlatformVersion),
		PlacementConstraints:     in.PlacementConstraints,
		PlacementStrategy:        in.PlacementStrategy,
		ClientToken:              value(in.ClientToken),
	}
	if in.Count != nil {
		req.Count = int(*in.Count)
	}
	tasks, failures, err := h.room.RunTask(ctx, scopeOf(call), callerOf(call), req)
	if err != nil {
		return nil, err
	}
	return &ecsshape.RunTaskOutput{Tasks: taskShapes(tasks, true), Failures: failureShapes(failures)}, nil
}

func (h taskHandlers) startTask(ctx context.Context, call *wire.Call, in *ecsshape.StartTaskInput) (*ecsshape.StartTaskOutput, error) {
	tasks, failures, err := h.room.StartTask(ctx, scopeOf(call), callerOf(call), ecs.StartTaskRequest{
		TaskOptions: ecs.TaskOptions{
			Cluster:              value(in.Cluster),
			TaskDefinition:       value(in.TaskDefinition),
			Group:                value(in.Group),
			StartedBy:            value(in.StartedBy),
			ReferenceID:          value(in.ReferenceId),
			NetworkConfiguration: in.NetworkConfiguration,
			Overrides:            in.Overrides,
			VolumeConfigurations: in.VolumeConfigurations,
			Tags:                 tagsOf(in.Tags),
			PropagateTags:        value(in.PropagateTags),
			EnableECSManagedTags: value(in.EnableECSManagedTags),
			EnableExecuteCommand: value(in.EnableExecuteCommand),
		},
		ContainerInstances: in.ContainerInstances,
	})
	if err != nil {
		return nil, err
	}
	return &ecsshape.StartTaskOutput{Tasks: taskShapes(tasks, true), Failures: failureShapes(failures)}, nil
}
