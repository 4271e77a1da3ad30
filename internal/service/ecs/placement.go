package ecs

import (
	"context"
	"errors"
	"time"

	"github.com/slipway/slipway/internal/schedule"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
)

// placementRequest asks for equal tasks to be placed and written.
type placementRequest struct {
	template Task
	schedule schedule.Request
	// also, if set, takes part in the transaction that writes the tasks; its
	// error ends the placement.
	also func(tx *store.Tx, tasks []*Task) error
	// needInstances refuses a cluster without ACTIVE instances with AWS's error.
	needInstances bool
}

// errLostPlacement: another server took the room that was found.
var errLostPlacement = errors.New("placement lost a race")

// maxPlacementRaces bounds how often a loser looks again.
const maxPlacementRaces = 100

// ErrNoInstances is RunTask's answer in a cluster without ACTIVE instances.
func ErrNoInstances() error {
	return ErrInvalidParameter("No Container Instances were found in your cluster.")
}

// place finds instances and commits the tasks together with the instances'
// allocations. It returns the tasks that found a place, and why the next one
// did not. Placements that wait for each other are committed together.
func (r *Room) place(ctx context.Context, p placementRequest) ([]*Task, []schedule.Refusal, error) {
	w := &waitingPlacement{request: &p}
	r.queue.add(w)
	r.placing.Lock()
	defer r.placing.Unlock()
	for !w.done {
		if err := ctx.Err(); err != nil && r.queue.remove(w) {
			return nil, nil, err
		}
		// Others' tasks are in the transaction too, so it outlives this call.
		r.placeTogether(context.WithoutCancel(ctx), r.queue.take())
	}
	return w.tasks, w.refusals, w.err
}

// placementParameter turns schedule's complaint about constraints or strategies
// into the client's error.
func placementParameter(err error) error {
	if p, ok := errors.AsType[*schedule.ParameterError](err); ok {
		return ErrInvalidParameter("%s", p.Message)
	}
	return err
}

// scheduleRequest is what placement has to know of a task of the definition.
func scheduleRequest(d *ecsshape.TaskDefinition, t *Task, count int) schedule.Request {
	req := schedule.Request{
		Group:    t.Group,
		Count:    count,
		Need:     schedule.Need(t.Need.scheduling()),
		Required: requiredAttributes(d, t.EnableExecuteCommand),
	}
	for i := range d.PlacementConstraints {
		c := &d.PlacementConstraints[i]
		req.Constraints = append(req.Constraints, schedule.Constraint{Type: given(c.Type), Expression: given(c.Expression)})
	}
	return req
}

// requiredAttributes are the definition's requiresAttributes, those that its
// runtime platform stands for, and what ECS Exec needs of the agent.
func requiredAttributes(d *ecsshape.TaskDefinition, exec bool) []schedule.Attribute {
	var out []schedule.Attribute
	if exec {
		out = append(out, schedule.Attribute{Name: capability + "execute-command"})
	}
	for i := range d.RequiresAttributes {
		a := &d.RequiresAttributes[i]
		out = append(out, schedule.Attribute{Name: given(a.Name), Value: given(a.Value)})
	}
	if p := d.RuntimePlatform; p != nil {
		switch given(p.CpuArchitecture) {
		case ecsshape.CPUArchitectureX8664:
			out = append(out, schedule.Attribute{Name: "ecs.cpu-architecture", Value: "x86_64"})
		case ecsshape.CPUArchitectureArm64:
			out = append(out, schedule.Attribute{Name: "ecs.cpu-architecture", Value: "arm64"})
		}
	}
	return out
}

func scheduleConstraints(constraints []ecsshape.PlacementConstraint) []schedule.Constraint {
	var out []schedule.Constraint
	for i := range constraints {
		out = append(out, schedule.Constraint{Type: given(constraints[i].Type), Expression: given(constraints[i].Expression)})
	}
	return out
}

// apiNow is the time with the precision that the API shows.
func apiNow() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
