package ecsapi

import (
	"context"

	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/shape"
)

func (h taskHandlers) getProtection(ctx context.Context, call *wire.Call, in *ecsshape.GetTaskProtectionInput) (*ecsshape.GetTaskProtectionOutput, error) {
	tasks, failures, err := h.room.GetTaskProtection(ctx, scopeOf(call), value(in.Cluster), in.Tasks)
	if err != nil {
		return nil, err
	}
	return &ecsshape.GetTaskProtectionOutput{ProtectedTasks: protectionShapes(tasks), Failures: failureShapes(failures)}, nil
}

func (h taskHandlers) updateProtection(ctx context.Context, call *wire.Call, in *ecsshape.UpdateTaskProtectionInput) (*ecsshape.UpdateTaskProtectionOutput, error) {
	tasks, failures, err := h.room.UpdateTaskProtection(ctx, scopeOf(call), value(in.Cluster), in.Tasks,
		value(in.ProtectionEnabled), in.ExpiresInMinutes)
	if err != nil {
		return nil, err
	}
	return &ecsshape.UpdateTaskProtectionOutput{ProtectedTasks: protectionShapes(tasks), Failures: failureShapes(failures)}, nil
}

func protectionShapes(tasks []ecs.ProtectedTask) []ecsshape.ProtectedTask {
	out := make([]ecsshape.ProtectedTask, len(tasks))
	for i, t := range tasks {
		out[i] = ecsshape.ProtectedTask{
			TaskArn:           &t.ARN,
			ProtectionEnabled: new(!t.ExpiresAt.IsZero()),
			ExpirationDate:    shape.At(t.ExpiresAt),
		}
	}
	return out
}
