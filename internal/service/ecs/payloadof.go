package ecs

import (
	"fmt"

	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/store"
)

// PayloadOf is what the agent of the task's instance is to be told of it, as
// the records are in rd, without credentials. endpoint is PayloadConfig.Endpoint.
func (r *Room) PayloadOf(rd store.Reader, t *Task, endpoint string) (agentproto.Task, error) {
	if t.DesiredStatus == TaskStopped {
		return StopPayload(t), nil
	}
	def, ok := TaskDefinitions.Get(rd, t.Scope.Key(t.Family, revisionKey(t.Revision)))
	if !ok {
		return agentproto.Task{}, fmt.Errorf("make payload of %s: task definition %s:%d is gone", t.ARN(), t.Family, t.Revision)
	}
	cfg := PayloadConfig{Registry: r.cfg.Registry, Endpoint: endpoint}
	if d := deploymentOf(rd, t); d != nil {
		cfg.Digests = d.Digests
	}
	return Payload(def, t, cfg), nil
}
