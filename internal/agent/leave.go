package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/slipway/slipway/internal/agent/drain"
	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agent/lifecycle"
)

// errLeft ends an agent whose instance was drained because it was told to end.
var errLeft = errors.New("the instance was drained")

// leave drains the instance when it is to go away: on notice of a Spot
// interruption, after which the agent goes on, and when Terminate is closed,
// after which it returns errLeft.
func (a *agent) leave(ctx context.Context, arn string) error {
	group, ctx := errgroup.WithContext(ctx)
	set := func(ctx context.Context) error { return a.setDraining(ctx, arn) }
	if a.cfg.SpotDraining && a.cfg.Metadata != "" {
		group.Go(func() error {
			err := drain.OnInterruption(ctx, drain.NewMetadata(a.cfg.Metadata), set, a.cfg.Log)
			return ended(ctx, err)
		})
	}
	if a.cfg.Terminate != nil {
		group.Go(func() error {
			select {
			case <-a.cfg.Terminate:
				return a.drain(ctx, set)
			case <-ctx.Done():
				return nil
			}
		})
	}
	return group.Wait()
}

// ended forgets an error that is only that ctx has ended.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// drain sets the instance DRAINING and waits until the tasks of services are
// gone, for at most as long as is configured. Other tasks go on: nobody starts
// them elsewhere.
func (a *agent) drain(ctx context.Context, set func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, a.cfg.DrainOnTerm)
	defer cancel()
	a.cfg.Log.Info("draining the instance before the agent ends", "at most", a.cfg.DrainOnTerm)
	err := drain.Instance(bounded, set, a.cfg.Log)
	if err == nil {
		err = drain.Empty(bounded, func() int { return serviceTasks(a.engine.Tasks()) })
	}
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		a.cfg.Log.Warn("the agent ends on an instance that is not drained", "tasks of services", serviceTasks(a.engine.Tasks()))
	}
	return errLeft
}

// serviceTasks counts the tasks of services that have not stopped.
func serviceTasks(views []engine.View) int {
	n := 0
	for _, v := range views {
		if (v.Task.ServiceName != "" || strings.HasPrefix(v.Task.Group, "service:")) && v.Known != lifecycle.Stopped {
			n++
		}
	}
	return n
}

// setDraining takes the instance out of placement.
func (a *agent) setDraining(ctx context.Context, arn string) error {
	in := struct {
		Cluster            string   `json:"cluster"`
		ContainerInstances []string `json:"containerInstances"`
		Status             string   `json:"status"`
	}{a.cfg.Cluster, []string{arn}, "DRAINING"}
	var out struct {
		Failures []struct{ Arn, Reason string }
	}
	const target = "AmazonEC2ContainerServiceV20141113.UpdateContainerInstancesState"
	if err := a.client.AWS().JSON(ctx, "ecs", target, a.cfg.Region, a.cfg.Credentials, in, &out); err != nil {
		return err
	}
	if len(out.Failures) > 0 {
		return fmt.Errorf("set instance DRAINING: %s", out.Failures[0].Reason)
	}
	return nil
}
