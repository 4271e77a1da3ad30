package rollout

import (
	"time"

	"github.com/slipway/slipway/internal/service/ecs"
)

// condition is what a task that is to run counts as.
type condition int

const (
	starting  condition = iota // not RUNNING yet, or not known to be well
	healthy                    // counts towards the minimum
	unhealthy                  // to be replaced
)

// census is what is known of the service's tasks.
type census struct {
	active  []*ecs.Task // to run, and not ending by themselves
	is      map[*ecs.Task]condition
	leaving int            // told to stop, or ending
	fading  int            // of those, the ones that still count as pending
	alive   map[string]int // by deployment: tasks that are not STOPPED
	healthy map[string]int // by deployment
}

// take counts the tasks.
func (d *decision) take() {
	d.census = census{
		is:    make(map[*ecs.Task]condition, len(d.Tasks)),
		alive: map[string]int{}, healthy: map[string]int{},
	}
	for _, t := range d.Tasks {
		d.census.alive[t.Deployment]++
		if t.DesiredStatus != ecs.TaskRunning || ending(t) {
			d.census.leaving++
			if pending(t) {
				d.census.fading++
			}
			continue
		}
		c := d.condition(t)
		d.census.active = append(d.census.active, t)
		d.census.is[t] = c
		if c == healthy {
			d.census.healthy[t.Deployment]++
		}
	}
}

// ending tells whether the task is past RUNNING although nobody has told it to
// stop.
func ending(t *ecs.Task) bool {
	switch t.LastStatus {
	case ecs.TaskDeactivating, ecs.TaskStopping, ecs.TaskDeprovisioning, ecs.TaskStopped:
		return true
	}
	return false
}

// pending tells whether the task has not reached RUNNING; until it is STOPPED it
// counts as pending, even if it was told to stop (task-lifecycle-explanation).
func pending(t *ecs.Task) bool {
	switch t.LastStatus {
	case ecs.TaskProvisioning, ecs.TaskPending, ecs.TaskActivating:
		return true
	}
	return false
}

// condition is what a task counts as (service_definition_parameters,
// minimumHealthyPercent): with a container health check that check decides, else
// time. An unhealthy verdict within the grace period is not held against it.
func (d *decision) condition(t *ecs.Task) condition {
	if t.LastStatus != ecs.TaskRunning {
		return starting
	}
	if t.HealthStatus == ecs.HealthUnhealthy {
		if left := d.grace() - d.Now.Sub(t.StartedAt); left > 0 {
			d.wake(left)
			return starting
		}
		return unhealthy
	}
	if checked(t) {
		if t.HealthStatus == ecs.HealthHealthy {
			return healthy
		}
		return starting
	}
	if left := d.Settle - d.Now.Sub(t.StartedAt); left > 0 {
		d.wake(left)
		return starting
	}
	return healthy
}

func (d *decision) grace() time.Duration {
	if d.Service.HealthCheckGracePeriod == nil {
		return 0
	}
	return time.Duration(*d.Service.HealthCheckGracePeriod) * time.Second
}

// checked tells whether the task's health is watched at all.
func checked(t *ecs.Task) bool {
	for i := range t.Containers {
		if t.Containers[i].Essential && t.Containers[i].HasCheck {
			return true
		}
	}
	return false
}

// group is a set of active tasks by condition.
type group struct{ starting, healthy, unhealthy []*ecs.Task }

func (g *group) add(t *ecs.Task, c condition) {
	switch c {
	case starting:
		g.starting = append(g.starting, t)
	case healthy:
		g.healthy = append(g.healthy, t)
	default:
		g.unhealthy = append(g.unhealthy, t)
	}
}

func (g *group) size() int { return len(g.starting) + len(g.healthy) + len(g.unhealthy) }

// protected tells whether scale-in and deployments must leave the task alone
// (task-scale-in-protection).
func (d *decision) protected(t *ecs.Task) bool {
	if t.Protection == nil || !t.Protection.ExpiresAt.After(d.Now) {
		return false
	}
	d.wake(t.Protection.ExpiresAt.Sub(d.Now))
	return true
}
