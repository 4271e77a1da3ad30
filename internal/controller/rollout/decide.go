package rollout

import (
	"slices"
	"time"

	"github.com/slipway/slipway/internal/service/ecs"
)

// Decide says what is to be done for a service.
func Decide(s State) Plan {
	d := newDecision(s)
	switch s.Service.Status {
	case ecs.StatusDraining:
		d.wind()
	case ecs.StatusActive:
		d.act()
	}
	d.finish()
	return d.plan
}

// decision is a Plan in the making.
type decision struct {
	State
	plan    Plan
	service ecs.Service // as the plan makes it
	live    []*ecs.Deployment
	primary *ecs.Deployment // one of live
	touched map[*ecs.Deployment]bool
	census  census
	in, out group // tasks that stay, and those that are to go
	said    []event
	turned  bool // the service goes back to an earlier deployment
}

func newDecision(s State) *decision {
	d := &decision{State: s, service: *s.Service, touched: map[*ecs.Deployment]bool{}}
	for _, dep := range s.Deployments {
		c := *dep
		d.live = append(d.live, &c)
		if c.Status == ecs.DeploymentPrimary {
			d.primary = &c
		}
	}
	d.take()
	return d
}

// act decides about an ACTIVE service.
func (d *decision) act() {
	if d.primary == nil {
		return
	}
	d.noteDeaths()
	d.judge()
	if d.Service.SchedulingStrategy == ecs.SchedulingDaemon {
		d.daemon()
	} else {
		d.replica()
	}
	d.retire()
	// What has just been rolled back to is seen to be IN_PROGRESS first.
	if !d.turned {
		d.complete()
	}
}

// wind decides about a service that is being deleted: everything stops.
func (d *decision) wind() {
	for _, t := range d.census.active {
		d.stop(t, ecs.StopByScaling(t.Deployment))
	}
	d.plan.End = len(d.Tasks) == 0
	d.plan.Noted = d.Died
}

// touch says that a deployment changes.
func (d *decision) touch(dep *ecs.Deployment) {
	dep.UpdatedAt = d.Now
	d.touched[dep] = true
}

func (d *decision) deployment(id string) *ecs.Deployment {
	i := slices.IndexFunc(d.live, func(dep *ecs.Deployment) bool { return dep.ID == id })
	if i < 0 {
		return nil
	}
	return d.live[i]
}

// wake asks to look again after a while.
func (d *decision) wake(after time.Duration) {
	after = max(after, time.Millisecond)
	if d.plan.After == 0 || after < d.plan.After {
		d.plan.After = after
	}
}

func (d *decision) stop(t *ecs.Task, why ecs.Stop) {
	d.plan.Stops = append(d.plan.Stops, Stop{t, why})
}

// finish puts together what was decided.
func (d *decision) finish() {
	for _, dep := range d.live {
		if d.touched[dep] {
			d.plan.Deployments = append(d.plan.Deployments, dep)
		}
	}
	d.plan.Events = append(d.stopEvents(), d.fresh()...)
}

// retire takes deployments without tasks off the list. One that is being rolled
// back stays until that has succeeded, and what is to replace the lost tasks of a
// failed one stays too.
func (d *decision) retire() {
	for _, dep := range d.live {
		if dep.Status != ecs.DeploymentActive || d.census.alive[dep.ID] > 0 ||
			dep.State == ecs.StateRollbackInProgress || dep == d.launcher() {
			continue
		}
		dep.Status, dep.DesiredCount = ecs.DeploymentInactive, 0
		d.touch(dep)
	}
}

// launcher is the deployment whose tasks are started: the PRIMARY one, or if that
// has failed, the newest that had completed; nil if there is none.
func (d *decision) launcher() *ecs.Deployment {
	if !d.stalled() {
		return d.primary
	}
	for _, dep := range slices.Backward(d.live) {
		if dep.Status == ecs.DeploymentActive && dep.RolloutState == ecs.RolloutCompleted {
			return dep
		}
	}
	return nil
}

// stalled tells whether the PRIMARY deployment has failed without a way back.
func (d *decision) stalled() bool { return d.primary.RolloutState == ecs.RolloutFailed }
