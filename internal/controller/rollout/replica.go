package rollout

import (
	"cmp"
	"slices"

	"github.com/slipway/slipway/internal/schedule"
	"github.com/slipway/slipway/internal/service/ecs"
)

// replica decides about the tasks of a REPLICA service.
func (d *decision) replica() {
	d.divide(func(t *ecs.Task) bool {
		_, draining := d.Draining[t.Instance]
		return !draining
	})
	b := d.bounds(d.Service.DesiredCount)
	d.stopPending()
	start, stuck := d.start(b)
	d.stopUnhealthy(b, stuck)
	d.stopOutgoing(b, stuck)
	d.scaleIn(b)
	if start == 0 && stuck && b.quota == 0 && len(d.plan.Stops) == 0 && d.census.leaving == 0 {
		d.once(d.say(textStuck))
	}
}

// divide tells the tasks that stay from those that are to go. Once the PRIMARY
// deployment has failed, those of the others stay as well.
func (d *decision) divide(stays func(*ecs.Task) bool) {
	for _, t := range d.census.active {
		g := &d.out
		if stays(t) && (d.stalled() || t.Deployment == d.primary.ID) {
			g = &d.in
		}
		g.add(t, d.census.is[t])
	}
}

// bounds are the numbers that a deployment configuration allows.
type bounds struct {
	desired int
	least   int // healthy tasks
	most    int // tasks that run or are about to
	quota   int // tasks that may be started now
	need    int // tasks that are missing
}

func (d *decision) bounds(desired int) bounds {
	c := &d.Service.DeploymentConfiguration
	b := bounds{
		desired: desired,
		least:   (desired*percent(c.MinimumHealthyPercent, 100) + 99) / 100,
		most:    desired * percent(c.MaximumPercent, 200) / 100,
	}
	b.quota = max(0, b.most-len(d.census.active)-d.census.fading)
	b.need = max(0, desired-len(d.in.healthy)-len(d.in.starting))
	return b
}

func percent(p *int32, otherwise int) int {
	if p == nil {
		return otherwise
	}
	return int(*p)
}

// stopPending stops tasks that are to go before they have begun: those of
// superseded deployments, and those on draining instances.
func (d *decision) stopPending() {
	var begun []*ecs.Task
	for _, t := range d.out.starting {
		if !pending(t) {
			begun = append(begun, t)
			continue
		}
		d.stop(t, ecs.StopByScaling(t.Deployment))
		d.census.fading++
	}
	d.out.starting = begun
}

// start plans what to start, and tells whether the service is stuck: it lacks
// tasks, can start none, and none is on its way.
func (d *decision) start(b bounds) (n int, stuck bool) {
	launcher := d.launcher()
	if b.need == 0 || launcher == nil || d.throttled() {
		return 0, false
	}
	if n = min(b.need, b.quota); n > 0 {
		d.plan.Start = Start{Deployment: launcher, Count: n, Replacing: min(n, len(d.in.unhealthy))}
	}
	return n, len(d.in.starting) == 0 && d.census.fading == 0 && (n == 0 || d.Blocked)
}

// stopUnhealthy stops ill tasks as healthy ones take their places; a service that
// is stuck gives them up one by one, since that makes room (API_DeploymentConfiguration,
// maximumPercent).
func (d *decision) stopUnhealthy(b bounds, stuck bool) {
	ill := slices.Concat(d.out.unhealthy, d.in.unhealthy)
	well := len(d.in.healthy) + len(d.out.healthy)
	n := min(max(well+len(ill)-b.desired, 0), len(ill))
	if n == 0 && stuck && len(ill) > 0 && len(d.plan.Stops) == 0 {
		n = 1
	}
	for _, t := range ill[:n] {
		d.stopIll(t)
	}
}

// stopIll stops a task for its container health check, and counts it against its
// deployment (deployment-circuit-breaker, stage 2).
func (d *decision) stopIll(t *ecs.Task) {
	d.stop(t, ecs.StopByContainerHealth())
	d.say(textIll, taskMark(t))
	if dep := d.deployment(t.Deployment); dep == d.primary && d.counting(dep) {
		dep.FailedTasks++
		d.touch(dep)
	}
}

// stopOutgoing stops tasks that are to go as far as those that stay are healthy,
// or as far as the minimum allows if nothing else makes room.
func (d *decision) stopOutgoing(b bounds, stuck bool) {
	keep := b.desired
	if stuck {
		keep = min(keep, b.least)
	}
	well := len(d.in.healthy) + len(d.out.healthy)
	if well < keep {
		return
	}
	// What runs but is not known to be well does not count, so nothing is lost.
	for _, t := range d.out.starting {
		if !d.protected(t) {
			d.stop(t, ecs.StopByScaling(t.Deployment))
		}
	}
	n := min(well-keep, len(d.out.healthy))
	for _, dep := range d.oldestFirst(d.out.healthy) {
		n -= d.scaleDown(dep, n)
	}
	if n > 0 {
		d.sayProtected(d.out.healthy)
	}
}

// oldestFirst groups tasks by deployment, in order of creation; those without a
// deployment on record come first.
func (d *decision) oldestFirst(tasks []*ecs.Task) [][]*ecs.Task {
	order := func(t *ecs.Task) int64 {
		if dep := d.deployment(t.Deployment); dep != nil {
			return dep.Seq
		}
		return -1
	}
	sorted := slices.Clone(tasks)
	slices.SortStableFunc(sorted, func(a, b *ecs.Task) int { return cmp.Compare(order(a), order(b)) })
	var groups [][]*ecs.Task
	for i, t := range sorted {
		if i == 0 || order(t) != order(sorted[i-1]) {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], t)
	}
	return groups
}

// scaleIn stops tasks that stay above the desired count. Those not known to be
// well go first, so that the healthy ones that are left are as many as can be.
func (d *decision) scaleIn(b bounds) {
	excess := len(d.in.healthy) + len(d.in.starting) - b.desired
	if excess <= 0 {
		return
	}
	n := excess - d.scaleDown(d.in.starting, min(excess, len(d.in.starting)))
	// A protected task that is not well yet does not cost a healthy one its place.
	n -= d.scaleDown(d.in.healthy, min(n, len(d.in.healthy)-b.desired))
	if n > 0 {
		d.sayProtected(slices.Concat(d.in.starting, d.in.healthy))
	}
}

// scaleDown stops up to n of the tasks, balanced as the placement strategy wants
// it, and returns how many.
func (d *decision) scaleDown(tasks []*ecs.Task, n int) int {
	if n <= 0 {
		return 0
	}
	byID := make(map[string]*ecs.Task, len(tasks))
	running := make([]schedule.Running, 0, len(tasks))
	for _, t := range tasks {
		byID[t.ID] = t
		running = append(running, schedule.Running{
			ID: t.ID, Instance: t.Instance, Zone: t.AvailabilityZone, StartedAt: t.StartedAt,
			Need:      schedule.Need{CPU: t.Need.CPU, Memory: t.Need.Memory},
			Pending:   pending(t),
			Protected: d.protected(t),
		})
	}
	victims := schedule.Victims(running, n, d.Service.ScheduleStrategy(), d.Instance, nil)
	for _, id := range victims {
		d.stop(byID[id], ecs.StopByScaling(byID[id].Deployment))
	}
	return len(victims)
}

// sayProtected tells that protection keeps tasks that should go.
func (d *decision) sayProtected(tasks []*ecs.Task) {
	n, deployment := 0, ""
	for _, t := range tasks {
		if d.protected(t) {
			n, deployment = n+1, t.Deployment
		}
	}
	if n > 0 {
		d.once(d.say(textProtected, deployment, n))
	}
}
