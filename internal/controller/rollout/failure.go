package rollout

import (
	"time"

	"github.com/slipway/slipway/internal/service/ecs"
)

// Waits between tasks that do not come up.
const (
	maxFailureWait = 15 * time.Minute // service-throttle-logic
	maxExitWait    = 10 * time.Second
	soonAfter      = 10 * time.Second // an exit so soon after RUNNING is one of a series
	exitMemory     = time.Minute      // a series ends when nothing happens for so long
	impairedRounds = 3                // rounds of failures after which the event tells of them
)

// noteDeaths draws conclusions from tasks that ended by themselves: the circuit
// breaker's count, and the pace at which others are started.
func (d *decision) noteDeaths() {
	d.plan.Noted = d.Died
	for _, t := range d.Tasks {
		d.reach(t)
	}
	failed, exits := 0, 0
	for _, t := range d.Died {
		d.reach(t)
		switch {
		case t.Deployment != d.primary.ID:
		case t.StartedAt.IsZero():
			failed++
		case endOf(t).Sub(t.StartedAt) < soonAfter:
			exits++
		}
	}
	if failed > 0 && d.counting(d.primary) && !d.primary.Reached {
		d.primary.FailedTasks += failed
		d.touch(d.primary)
	}
	if d.census.healthy[d.primary.ID] > 0 && d.primary.FailedTasks > 0 {
		d.primary.FailedTasks = 0
		d.touch(d.primary)
	}
	d.pace(failed, exits)
}

// reach notes that a deployment has had a task in RUNNING: the circuit breaker's
// second stage.
func (d *decision) reach(t *ecs.Task) {
	if t.StartedAt.IsZero() {
		return
	}
	if dep := d.deployment(t.Deployment); dep != nil && !dep.Reached {
		dep.Reached = true
		d.touch(dep)
	}
}

// counting tells whether failures count against a deployment: from the moment
// that one of its tasks is well they do not (API_Deployment, failedTasks).
func (d *decision) counting(dep *ecs.Deployment) bool {
	return dep.RolloutState == ecs.RolloutInProgress && d.census.healthy[dep.ID] == 0
}

func endOf(t *ecs.Task) time.Time {
	if t.ExecutionStoppedAt.IsZero() {
		return t.StoppedAt
	}
	return t.ExecutionStoppedAt
}

// pace changes the throttle. What happens while it waits belongs to the round
// before and does not make the wait longer.
func (d *decision) pace(failed, exits int) {
	old := d.Service.Throttle
	t := ecs.StartThrottle{}
	if old != nil {
		t = *old
	}
	next := t
	if next.Failures > 0 && d.cameUpSince(next.At) {
		next.Failures = 0
	}
	if next.Exits > 0 && d.Now.Sub(next.At) > exitMemory {
		next.Exits = 0
	}
	over := !d.Now.Before(next.Until)
	switch {
	case failed > 0 && over:
		next.Failures++
		next.At, next.Until = d.Now, d.Now.Add(failureWait(next.Failures))
	case exits > 0 && over:
		next.Exits++
		next.At, next.Until = d.Now, d.Now.Add(exitWait(next.Exits))
	}
	if next.Failures >= impairedRounds && failed > 0 {
		d.once(d.say(textImpaired))
	}
	switch {
	case next.Failures == 0 && next.Exits == 0 && old != nil:
		d.service.Throttle, d.plan.Service = nil, &d.service
	case next != t:
		d.service.Throttle, d.plan.Service = &next, &d.service
	}
}

// cameUpSince tells whether a task of the PRIMARY deployment reached RUNNING after
// the time.
func (d *decision) cameUpSince(at time.Time) bool {
	for _, t := range d.census.active {
		if t.Deployment == d.primary.ID && t.LastStatus == ecs.TaskRunning && t.StartedAt.After(at) {
			return true
		}
	}
	return false
}

// failureWait is the wait after a number of rounds: none, 1 s, 2 s, 4 s …
func failureWait(rounds int) time.Duration { return doubling(rounds, maxFailureWait) }

func exitWait(exits int) time.Duration { return doubling(exits, maxExitWait) }

func doubling(n int, most time.Duration) time.Duration {
	if n <= 1 {
		return 0
	}
	return min(time.Second<<min(n-2, 20), most)
}

// throttled tells whether no task may be started now.
func (d *decision) throttled() bool {
	if d.service.Throttle == nil {
		return false
	}
	left := d.service.Throttle.Until.Sub(d.Now)
	if left > 0 {
		d.wake(left)
	}
	return left > 0
}
