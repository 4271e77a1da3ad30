package ecsapi

import (
	"context"

	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/wire"
)

// registerExec binds ECS Exec.
func registerExec(m *wire.Mux, room *ecs.Room) {
	wire.Handle(m, ecsshape.ExecuteCommand, taskHandlers{room}.executeCommand)
}

func (h taskHandlers) executeCommand(ctx context.Context, call *wire.Call, in *ecsshape.ExecuteCommandInput) (*ecsshape.ExecuteCommandOutput, error) {
	origin := "http://" + call.Host
	if call.TLS {
		origin = "https://" + call.Host
	}
	e, err := h.room.ExecuteCommand(ctx, scopeOf(call), callerOf(call), ecs.ExecRequest{
		Cluster: value(in.Cluster), Task: value(in.Task), Container: value(in.Container),
		Command: value(in.Command), Interactive: value(in.Interactive), Origin: origin,
	})
	if err != nil {
		return nil, err
	}
	return &ecsshape.ExecuteCommandOutput{
		ClusterArn:    new(e.Task.Scope.ARN("cluster/" + e.Task.Cluster)),
		ContainerArn:  new(e.Task.ContainerARN(e.Container)),
		ContainerName: &e.Container.Name,
		Interactive:   in.Interactive,
		Session:       &ecsshape.Session{SessionId: &e.Session.ID, StreamUrl: &e.Session.StreamURL, TokenValue: &e.Session.Token},
		TaskArn:       new(e.Task.ARN()),
	}, nil
}
