package ecs

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/schedule"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

// RunTaskRequest is a request to place and start tasks.
type RunTaskRequest struct {
	TaskOptions
	Count int // 1 to 10

	LaunchType               string
	CapacityProviderStrategy []ecsshape.CapacityProviderStrategyItem
	PlatformVersion          string
	PlacementConstraints     []ecsshape.PlacementConstraint
	PlacementStrategy        []ecsshape.PlacementStrategy
	ClientToken              string
}

// Failure is one entry of an answer's failures[].
type Failure struct {
	ARN, Reason, Detail string
}

// Limits of RunTask (API reference, service-quotas).
const (
	maxRunCount      = 10
	maxRunStartedBy  = 128
	maxClientToken   = 64
	runTokenLifetime = 24 * time.Hour
)

// RunTask places and starts up to ten tasks. Tasks and failures come together:
// what fits is started, and why the rest does not is told per instance, for at
// most as many instances as tasks were asked for.
func (r *Room) RunTask(ctx context.Context, s Scope, caller Caller, req RunTaskRequest) ([]*Task, []Failure, error) {
	if req.Count < 1 || req.Count > maxRunCount {
		return nil, nil, ErrInvalidParameter("Count should be between 1 and %d.", maxRunCount)
	}
	token, err := req.idempotency(s)
	if err != nil {
		return nil, nil, err
	}
	snap := r.st.Snapshot()
	if tasks, found, err := token.replay(snap, apiNow()); found {
		return tasks, []Failure{}, err
	}
	found, err := req.resolve(snap, s, maxRunStartedBy)
	if err != nil {
		return nil, nil, err
	}
	p, err := req.placement(found)
	if err != nil {
		return nil, nil, err
	}
	if err := r.runWith(ctx, s, caller, found, req.Overrides); err != nil {
		return nil, nil, err
	}
	if token != nil {
		p.also = token.claim
	}
	tasks, refusals, err := r.place(ctx, p)
	if errors.Is(err, errTokenTaken) {
		tasks, _, err := token.replay(r.st.Snapshot(), apiNow())
		return tasks, []Failure{}, err
	}
	if err != nil {
		return nil, nil, err
	}
	return tasks, failuresOf(s, p.template.Cluster, refusals, p.schedule.Count), nil
}

// placement checks the request and turns it into what place needs.
func (req *RunTaskRequest) placement(found resolvedTask) (placementRequest, error) {
	choice := LaunchChoice{
		LaunchType:               req.LaunchType,
		CapacityProviderStrategy: req.CapacityProviderStrategy,
		PlatformVersion:          req.PlatformVersion,
		Constrained:              len(req.PlacementConstraints)+len(req.PlacementStrategy) > 0,
	}
	if err := choice.Check(found.cluster, &found.def.Definition); err != nil {
		return placementRequest{}, err
	}
	p := placementRequest{template: taskTemplate(found.def, &req.TaskOptions, found.cluster.Name), needInstances: true}
	p.template.LaunchType = cmp.Or(req.LaunchType, ecsshape.LaunchTypeEC2)
	p.schedule = scheduleRequest(&found.def.Definition, &p.template, req.Count)
	constraints := scheduleConstraints(req.PlacementConstraints)
	if err := schedule.ValidateConstraints(constraints); err != nil {
		return placementRequest{}, placementParameter(err)
	}
	p.schedule.Constraints = slices.Concat(p.schedule.Constraints, constraints)
	for i := range req.PlacementStrategy {
		o := &req.PlacementStrategy[i]
		p.schedule.Strategy = append(p.schedule.Strategy, schedule.Strategy{Type: given(o.Type), Field: given(o.Field)})
	}
	return p, placementParameter(schedule.ValidateStrategy(p.schedule.Strategy))
}

// failuresOf turns refusals into failures[]: the closest instances first, one
// entry for each, up to count.
func failuresOf(s Scope, cluster string, refusals []schedule.Refusal, count int) []Failure {
	out := []Failure{}
	for _, refusal := range refusals[:min(len(refusals), count)] {
		out = append(out, Failure{
			ARN:    s.ARN("container-instance/" + cluster + "/" + refusal.Instance),
			Reason: string(refusal.Reason),
		})
	}
	return out
}
