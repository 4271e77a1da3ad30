package rollout

import "github.com/slipway/slipway/internal/service/ecs"

// daemon decides about the tasks of a DAEMON service: one on every eligible
// instance. A successor starts when the one before has gone from the instance, so
// the maximum of 100 % holds by itself.
func (d *decision) daemon() {
	d.setDesired(len(d.Eligible))
	taken := map[string]bool{} // instances with a task that stays
	d.divide(func(t *ecs.Task) bool {
		_, eligible := d.Eligible[t.Instance]
		first := eligible && !taken[t.Instance]
		if first && (d.stalled() || t.Deployment == d.primary.ID) {
			taken[t.Instance] = true
		}
		return first
	})
	b := d.bounds(len(d.Eligible))
	d.stopPending()
	for _, t := range d.in.unhealthy {
		d.stopIll(t)
	}
	d.stopAway(b)
	d.startDaemons()
	if d.daemonStuck() {
		d.once(d.say(textStuck))
	}
}

// daemonStuck tells whether tasks that are to go hold instances, and the minimum
// holds the tasks, with nothing on its way that would change it.
func (d *decision) daemonStuck() bool {
	if len(d.plan.Stops) > 0 || d.plan.Start.Count > 0 || d.census.leaving > 0 || len(d.in.starting) > 0 {
		return false
	}
	for _, t := range d.out.healthy {
		if _, eligible := d.Eligible[t.Instance]; eligible && !d.protected(t) {
			return true
		}
	}
	return false
}

// setDesired keeps the desired count of a DAEMON service, which nobody sets.
func (d *decision) setDesired(n int) {
	if d.service.DesiredCount != n {
		d.service.DesiredCount = n
		d.plan.Service = &d.service
	}
	if d.primary.DesiredCount != n {
		d.primary.DesiredCount = n
		d.touch(d.primary)
	}
}

// stopAway stops the tasks that are to go. Those on eligible instances count
// towards the minimum; those on a draining instance go last, when all others have
// left it (container-instance-draining).
func (d *decision) stopAway(b bounds) {
	well := len(d.in.healthy)
	for _, t := range d.out.healthy {
		if _, eligible := d.Eligible[t.Instance]; eligible {
			well++
		}
	}
	for _, t := range append(append(append([]*ecs.Task(nil), d.out.unhealthy...), d.out.starting...), d.out.healthy...) {
		_, eligible := d.Eligible[t.Instance]
		counts := eligible && d.census.is[t] == healthy
		switch {
		case d.Draining[t.Instance], counts && well <= b.least, d.protected(t):
			continue
		case counts:
			well--
		}
		d.stop(t, ecs.StopByScaling(t.Deployment))
	}
}

// startDaemons starts tasks on the eligible instances that have none at all.
func (d *decision) startDaemons() {
	launcher := d.launcher()
	if launcher == nil || d.throttled() {
		return
	}
	free := map[string]bool{}
	for id, connected := range d.Eligible {
		if connected {
			free[id] = true
		}
	}
	for _, t := range d.Tasks {
		delete(free, t.Instance)
	}
	if len(free) > 0 {
		d.plan.Start = Start{Deployment: launcher, Count: len(free), Instances: free}
	}
}
