package rollout

import (
	"fmt"

	"github.com/slipway/slipway/internal/service/ecs"
)

// complete ends the PRIMARY deployment when it is all there is, and tells of the
// steady state.
func (d *decision) complete() {
	if !d.calm() {
		return
	}
	switch p := d.primary; p.RolloutState {
	case ecs.RolloutInProgress:
		p.RolloutState = ecs.RolloutCompleted
		p.RolloutStateReason = fmt.Sprintf("ECS deployment %s completed.", p.ID)
		p.DesiredCount = d.service.DesiredCount
		if !p.Over() {
			p.State, p.FinishedAt = ecs.StateSuccessful, d.Now
		}
		d.touch(p)
		d.rolledBack()
		d.say(textCompleted, p.ID)
	case ecs.RolloutFailed:
		return // its tasks run, but it has not succeeded
	}
	d.steady(d.say(textSteady))
}

// rolledBack ends the deployments that were undone.
func (d *decision) rolledBack() {
	for _, dep := range d.live {
		if dep.State == ecs.StateRollbackInProgress {
			dep.State, dep.FinishedAt = ecs.StateRollbackSuccessful, d.Now
			dep.Status, dep.DesiredCount = ecs.DeploymentInactive, 0
			d.touch(dep)
		}
	}
}

// calm tells whether the service is where it should be: as many healthy tasks as
// desired, all of the PRIMARY deployment, none of another, nothing to do.
func (d *decision) calm() bool {
	others := 0
	for id, n := range d.census.alive {
		if id != d.primary.ID {
			others += n
		}
	}
	return d.plan.Start.Count == 0 && len(d.plan.Stops) == 0 && others == 0 && d.out.size() == 0 &&
		len(d.in.healthy) == d.service.DesiredCount && d.in.size() == len(d.in.healthy)
}
