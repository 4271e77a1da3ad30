package hostile

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slipway/slipway/internal/service/ecs"
)

// agent plays the agent of a container instance until ctx ends: whatever task is
// put on it runs at once, stops when it shall, and now and then ends by itself.
// Its word goes the way of real agents', through the API.
func (w *world) agent(ctx context.Context, instance string, d dice) error {
	path := strings.Split(instance, "/")
	cluster, id := path[1], path[2]
	for ctx.Err() == nil {
		snap := w.plane.srv.ECS.Store().Snapshot()
		for t := range ecs.Tasks.By(snap, ecs.IndexInstance, w.scope().Key(cluster, id)) {
			if err := w.report(ctx, t, d); err != nil && ctx.Err() == nil {
				return err
			}
		}
		select {
		case <-ecs.Tasks.Changed(snap, ecs.IndexInstance, w.scope().Key(cluster, id)):
		case <-ctx.Done():
		}
	}
	return nil
}

func (w *world) report(ctx context.Context, t *ecs.Task, d dice) error {
	status := "RUNNING"
	switch {
	case t.DesiredStatus == "STOPPED" || t.LastStatus == "RUNNING" && d.once(10):
		status = "STOPPED"
	case t.LastStatus == "RUNNING":
		return nil
	}
	var containers []object
	for _, c := range t.Containers {
		containers = append(containers, object{"containerName": c.Name, "status": status, "runtimeId": c.ID})
	}
	_, err := w.try(ctx, "ecs:SubmitTaskStateChange", object{
		"cluster": t.Cluster, "task": t.ARN(), "status": status, "containers": containers,
	})
	// A cluster that is deleted meanwhile has no tasks that anyone hears of.
	if err != nil && !strings.Contains(err.Error(), "ClusterNotFoundException") {
		return errors.Join(fmt.Errorf("report %s of %s", status, t.ARN()), err)
	}
	return nil
}
