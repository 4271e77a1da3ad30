package rollout

import (
	"fmt"

	"github.com/slipway/slipway/internal/service/ecs"
)

// verdict is why a deployment fails.
type verdict struct {
	rollback bool
	rollout  string // rolloutStateReason of what failed
	back     string // rolloutStateReason of what it goes back to, a format of its id
	state    string // statusReason of the service deployment
	event    string // what follows "deployment failed:"
}

var (
	breakerVerdict = verdict{
		rollout: "ECS deployment circuit breaker: tasks failed to start.",
		back:    "ECS deployment circuit breaker: rolling back to deploymentId %s.",
		state:   "Service deployment rolled back because the circuit breaker threshold was exceeded.",
		event:   "tasks failed to start.",
	}
	stopVerdict = verdict{
		rollout: "ECS deployment stopped by user.",
		back:    "ECS deployment stopped by user: rolling back to deploymentId %s.",
		state:   "Service deployment rolled back because it was stopped by user.",
		event:   "stopped by user.",
	}
)

// judge ends the PRIMARY deployment if somebody asked for it or if too many of its
// tasks have failed.
func (d *decision) judge() {
	switch p := d.primary; {
	case p.State == ecs.StateRollbackRequested:
		v := stopVerdict
		v.rollback = true
		d.fail(v)
	case p.State == ecs.StateStopRequested:
		v := stopVerdict
		v.state = "Service deployment stopped by user."
		d.fail(v)
	case p.RolloutState == ecs.RolloutInProgress && d.tripped(p):
		v := breakerVerdict
		v.rollback = flag(d.Service.DeploymentConfiguration.DeploymentCircuitBreaker.Rollback)
		if !v.rollback {
			v.state = "Service deployment stopped because the circuit breaker threshold was exceeded."
		}
		d.fail(v)
	}
}

// tripped tells whether the circuit breaker gives the deployment up. What a
// rollback went back to has worked before and is not given up.
func (d *decision) tripped(p *ecs.Deployment) bool {
	b := d.Service.DeploymentConfiguration.DeploymentCircuitBreaker
	return b != nil && flag(b.Enable) && !d.rollingBack() &&
		p.FailedTasks >= ecs.BreakerThreshold(d.Service.DesiredCount)
}

func flag(b *bool) bool { return b != nil && *b }

func (d *decision) rollingBack() bool {
	for _, dep := range d.live {
		if dep.State == ecs.StateRollbackInProgress {
			return true
		}
	}
	return false
}

// fail ends the PRIMARY deployment, and makes the one that had completed before it
// PRIMARY again if it is to be rolled back.
func (d *decision) fail(v verdict) {
	p := d.primary
	d.touch(p)
	p.RolloutState, p.RolloutStateReason = ecs.RolloutFailed, v.rollout
	d.say(textFailed, p.ID, v.event)
	var back *ecs.Deployment
	var rev *ecs.Revision
	if v.rollback {
		back, rev = d.Previous(p)
	}
	p.StateReason = v.state
	if back == nil || rev == nil {
		p.State, p.FinishedAt, p.StoppedAt = ecs.StateStopped, d.Now, d.Now
		if v.rollback {
			p.State = ecs.StateRollbackFailed
			p.StateReason = "Service deployment could not be rolled back because no service deployment had completed before it."
		}
		return
	}
	p.Status, p.State = ecs.DeploymentActive, ecs.StateRollbackInProgress
	p.Rollback = &ecs.Rollback{Deployment: back.ID, Revision: back.Revision, Reason: v.state, StartedAt: d.Now}
	d.goBack(back, rev, v)
}

func (d *decision) goBack(back *ecs.Deployment, rev *ecs.Revision, v verdict) {
	t := d.deployment(back.ID)
	if t == nil {
		c := *back
		t = &c
		d.live = append(d.live, t)
	}
	t.Status, t.RolloutState = ecs.DeploymentPrimary, ecs.RolloutInProgress
	t.RolloutStateReason = fmt.Sprintf(v.back, t.ID)
	t.FailedTasks, t.DesiredCount = 0, d.Service.DesiredCount
	d.touch(t)
	d.primary, d.turned = t, true
	d.service.Restore(rev)
	d.service.Throttle = nil
	d.plan.Service = &d.service
	d.say(textRollingBack, t.ID)
}
