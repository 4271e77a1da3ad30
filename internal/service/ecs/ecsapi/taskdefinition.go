package ecsapi

import (
	"context"
	"slices"

	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/shape"
)

// definitionHandlers serve the operations of the Task definitions group.
type definitionHandlers struct{ room *ecs.Room }

// registerDefinitions binds them.
func registerDefinitions(m *wire.Mux, room *ecs.Room) {
	h := definitionHandlers{room}
	wire.Handle(m, ecsshape.RegisterTaskDefinition, h.register)
	wire.Handle(m, ecsshape.DescribeTaskDefinition, h.describe)
	wire.Handle(m, ecsshape.ListTaskDefinitions, h.list)
	wire.Handle(m, ecsshape.ListTaskDefinitionFamilies, h.families)
	wire.Handle(m, ecsshape.DeregisterTaskDefinition, h.deregister)
	wire.Handle(m, ecsshape.DeleteTaskDefinitions, h.remove)
}

func (h definitionHandlers) register(ctx context.Context, call *wire.Call, in *ecsshape.RegisterTaskDefinitionInput) (*ecsshape.RegisterTaskDefinitionOutput, error) {
	d, err := h.room.RegisterTaskDefinition(ctx, scopeOf(call), callerOf(call), ecs.RegisterTaskDefinitionRequest{
		Definition: ecsshape.TaskDefinition{
			ContainerDefinitions:    in.ContainerDefinitions,
			Cpu:                     in.Cpu,
			EnableFaultInjection:    in.EnableFaultInjection,
			EphemeralStorage:        in.EphemeralStorage,
			ExecutionRoleArn:        in.ExecutionRoleArn,
			Family:                  in.Family,
			InferenceAccelerators:   in.InferenceAccelerators,
			IpcMode:                 in.IpcMode,
			Memory:                  in.Memory,
			NetworkMode:             in.NetworkMode,
			PidMode:                 in.PidMode,
			PlacementConstraints:    in.PlacementConstraints,
			ProxyConfiguration:      in.ProxyConfiguration,
			RequiresCompatibilities: in.RequiresCompatibilities,
			RuntimePlatform:         in.RuntimePlatform,
			TaskRoleArn:             in.TaskRoleArn,
			Volumes:                 in.Volumes,
		},
		Tags: tagsOf(in.Tags),
	})
	if err != nil {
		return nil, err
	}
	out := &ecsshape.RegisterTaskDefinitionOutput{TaskDefinition: definitionShape(d)}
	if len(d.Tags) > 0 {
		out.Tags = tagShapes(d.Tags)
	}
	return out, nil
}

func (h definitionHandlers) describe(_ context.Context, call *wire.Call, in *ecsshape.DescribeTaskDefinitionInput) (*ecsshape.DescribeTaskDefinitionOutput, error) {
	d, err := h.room.DescribeTaskDefinition(scopeOf(call), value(in.TaskDefinition))
	if err != nil {
		return nil, err
	}
	out := &ecsshape.DescribeTaskDefinitionOutput{TaskDefinition: definitionShape(d), Tags: []ecsshape.Tag{}}
	if slices.Contains(in.Include, ecsshape.TaskDefinitionFieldTags) {
		out.Tags = tagShapes(d.Tags)
	}
	return out, nil
}

func (h definitionHandlers) list(_ context.Context, call *wire.Call, in *ecsshape.ListTaskDefinitionsInput) (*ecsshape.ListTaskDefinitionsOutput, error) {
	arns, next, err := h.room.ListTaskDefinitions(scopeOf(call), ecs.ListTaskDefinitionsRequest{
		Family: value(in.FamilyPrefix), Status: value(in.Status), Descending: value(in.Sort) == ecsshape.SortOrderDesc,
		MaxResults: in.MaxResults, NextToken: value(in.NextToken),
	})
	if err != nil {
		return nil, err
	}
	return &ecsshape.ListTaskDefinitionsOutput{TaskDefinitionArns: present(arns), NextToken: textOrAbsent(next)}, nil
}

func (h definitionHandlers) families(_ context.Context, call *wire.Call, in *ecsshape.ListTaskDefinitionFamiliesInput) (*ecsshape.ListTaskDefinitionFamiliesOutput, error) {
	names, next, err := h.room.ListFamilies(scopeOf(call), ecs.ListFamiliesRequest{
		Prefix: value(in.FamilyPrefix), Status: value(in.Status), MaxResults: in.MaxResults, NextToken: value(in.NextToken),
	})
	if err != nil {
		return nil, err
	}
	return &ecsshape.ListTaskDefinitionFamiliesOutput{Families: present(names), NextToken: textOrAbsent(next)}, nil
}

func (h definitionHandlers) deregister(ctx context.Context, call *wire.Call, in *ecsshape.DeregisterTaskDefinitionInput) (*ecsshape.DeregisterTaskDefinitionOutput, error) {
	d, err := h.room.DeregisterTaskDefinition(ctx, scopeOf(call), value(in.TaskDefinition))
	if err != nil {
		return nil, err
	}
	return &ecsshape.DeregisterTaskDefinitionOutput{TaskDefinition: definitionShape(d)}, nil
}

func (h definitionHandlers) remove(ctx context.Context, call *wire.Call, in *ecsshape.DeleteTaskDefinitionsInput) (*ecsshape.DeleteTaskDefinitionsOutput, error) {
	deleted, failures, err := h.room.DeleteTaskDefinitions(ctx, scopeOf(call), in.TaskDefinitions)
	if err != nil {
		return nil, err
	}
	out := &ecsshape.DeleteTaskDefinitionsOutput{TaskDefinitions: []ecsshape.TaskDefinition{}, Failures: failureShapes(failures)}
	for _, d := range deleted {
		out.TaskDefinitions = append(out.TaskDefinitions, *definitionShape(d))
	}
	return out, nil
}

// definitionShape is a revision as AWS describes it: what was registered, and
// what became of it.
func definitionShape(d *ecs.TaskDefinition) *ecsshape.TaskDefinition {
	out := d.Definition
	out.TaskDefinitionArn = new(d.ARN())
	out.Family, out.Revision, out.Status = &d.Family, new(int32(d.Revision)), &d.Status
	out.RegisteredAt, out.RegisteredBy = shape.At(d.RegisteredAt), textOrAbsent(d.RegisteredBy)
	out.DeregisteredAt, out.DeleteRequestedAt = shape.At(d.DeregisteredAt), shape.At(d.DeleteRequestedAt)
	return &out
}
