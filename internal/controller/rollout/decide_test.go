package rollout

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/service/ecs"
)

// summary is a plan as a table names it.
type summary struct {
	Start, Replacing int
	Stop             []string // ids of tasks
	Events           []string
}

func summarise(p Plan) summary {
	s := summary{Start: p.Start.Count, Replacing: p.Start.Replacing, Events: p.Events}
	for _, stop := range p.Stops {
		s.Stop = append(s.Stop, stop.Task.ID)
	}
	slices.Sort(s.Stop)
	return s
}

func TestReplicaSteps(t *testing.T) {
	running, waiting := ecs.TaskRunning, ecs.TaskPending
	tests := []struct {
		name                 string
		desired, least, most int
		build                func(w *world)
		want                 summary
	}{
		{"a new service starts all its tasks", 3, 100, 200, func(*world) {}, summary{Start: 3}},
		{"a lost task is replaced", 3, 100, 200, func(w *world) {
			times(2, func() { w.task(running) })
		}, summary{Start: 1}},
		{"what is on its way is waited for", 3, 100, 200, func(w *world) {
			w.task(running)
			times(2, func() { w.task(waiting) })
		}, summary{}},
		{"a deployment starts within the maximum", 4, 50, 150, func(w *world) {
			times(4, func() { w.task(running) })
			w.deploy("td:2")
		}, summary{Start: 2}},
		{"the maximum is rounded down", 3, 50, 150, func(w *world) {
			times(3, func() { w.task(running) })
			w.deploy("td:2")
		}, summary{Start: 1}},
		{"the minimum is rounded up", 3, 50, 100, func(w *world) { // 2 of 3 stay
			times(3, func() { w.task(running) })
			w.deploy("td:2")
		}, summary{Stop: []string{"t1"}, Events: []string{"(service web) has stopped 1 running tasks: (task t1)."}}},
		{"no task is stopped before its successor is healthy", 2, 0, 200, func(w *world) {
			times(2, func() { w.task(running) })
			w.deploy("td:2")
			times(2, func() { w.task(waiting) })
		}, summary{}},
		{"each healthy successor retires one", 2, 100, 200, func(w *world) {
			times(2, func() { w.task(running) })
			w.deploy("td:2")
			w.task(running)
			w.task(waiting)
		}, summary{Stop: []string{"t1"}, Events: []string{"(service web) has stopped 1 running tasks: (task t1)."}}},
		{"pending tasks of a superseded deployment are stopped at once", 2, 100, 200, func(w *world) {
			times(2, func() { w.task(waiting) })
			w.deploy("td:2")
		}, summary{Start: 2, Stop: []string{"t1", "t2"}, Events: []string{"(service web) stopped 2 pending tasks."}}},
		{"pending tasks that stop still count against the maximum", 1, 0, 100, func(w *world) {
			w.task(waiting, func(t *ecs.Task) { t.DesiredStatus = ecs.TaskStopped })
		}, summary{}},
		{"scale in stops pending tasks first", 1, 100, 200, func(w *world) {
			w.task(running)
			times(2, func() { w.task(waiting) })
		}, summary{Stop: []string{"t2", "t3"}, Events: []string{"(service web) stopped 2 pending tasks."}}},
		{"protected tasks are skipped by scale in", 1, 100, 200, func(w *world) {
			guard := func(t *ecs.Task) { t.Protection = &ecs.Protection{ExpiresAt: epoch.Add(time.Hour)} }
			w.task(running, guard)
			w.task(running, guard)
			w.task(running)
		}, summary{Stop: []string{"t3"}, Events: []string{
			"(service web) has stopped 1 running tasks: (task t3).",
			"(service web) was unable to reach steady state because (taskSet ecs-svc/1) was unable to scale in due to (reason 2 tasks under protection)",
		}}},
		{"the replacement of an ill task is started first", 2, 100, 200, func(w *world) {
			w.task(running)
			w.task(running, ill)
		}, summary{Start: 1, Replacing: 1}},
		{"an ill task is stopped when its replacement is healthy", 2, 100, 200, func(w *world) {
			times(2, func() { w.task(running) })
			w.task(running, ill)
		}, summary{Stop: []string{"t3"}, Events: []string{
			"(service web) has stopped 1 running tasks: (task t3).",
			"(service web) (task t3) failed container health checks.",
		}}},
		{"without room for replacements ill tasks are stopped one by one", 2, 50, 100, func(w *world) {
			times(2, func() { w.task(running, ill) })
		}, summary{Stop: []string{"t1"}, Events: []string{
			"(service web) has stopped 1 running tasks: (task t1).",
			"(service web) (task t1) failed container health checks.",
		}}},
		{"the grace period excuses", 1, 100, 200, func(w *world) {
			w.service.HealthCheckGracePeriod = new(int32(60))
			w.task(running, ill)
			w.now = w.now.Add(59 * time.Second)
		}, summary{}},
		{"a task on a draining instance is replaced first", 1, 100, 200, func(w *world) {
			w.draining["i9"] = false
			w.task(running, on("i9"))
		}, summary{Start: 1}},
		{"and stopped afterwards", 1, 100, 200, func(w *world) {
			w.draining["i9"] = false
			w.task(running, on("i9"))
			w.task(running)
		}, summary{Stop: []string{"t1"}, Events: []string{"(service web) has stopped 1 running tasks: (task t1)."}}},
		{"pending tasks on a draining instance are stopped at once", 1, 100, 200, func(w *world) {
			w.draining["i9"] = false
			w.task(waiting, on("i9"))
		}, summary{Start: 1, Stop: []string{"t1"}, Events: []string{"(service web) stopped 1 pending tasks."}}},
		{"a full cluster lets the minimum be used", 3, 50, 200, func(w *world) {
			times(3, func() { w.task(running) })
			w.deploy("td:2")
			w.blocked = true
		}, summary{Start: 3, Stop: []string{"t1"}, Events: []string{"(service web) has stopped 1 running tasks: (task t1)."}}},
		{"a configuration that allows nothing is told of", 1, 100, 100, func(w *world) {
			w.task(running)
			w.deploy("td:2")
		}, summary{Events: []string{"(service web) was unable to stop or start tasks during a deployment because of the service deployment configuration. " +
			"Update the minimumHealthyPercent or maximumPercent value and try again."}}},
		{"tasks that settle do not count yet", 1, 100, 200, func(w *world) {
			w.settle = 40 * time.Second
			w.task(running, func(t *ecs.Task) { t.StartedAt = epoch.Add(-time.Hour) })
			w.deploy("td:2")
			w.task(running)
			w.now = w.now.Add(39 * time.Second)
		}, summary{}},
		{"a deleted service stops everything", 0, 100, 200, func(w *world) {
			w.service.Status = ecs.StatusDraining
			w.task(running)
			w.task(waiting)
		}, summary{Stop: []string{"t1", "t2"}, Events: []string{
			"(service web) has stopped 1 running tasks: (task t1).", "(service web) stopped 1 pending tasks.",
		}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(tt.desired, tt.least, tt.most)
			tt.build(w)
			if diff := cmp.Diff(tt.want, summarise(w.decide())); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecisionIsRepeatable(t *testing.T) {
	w := newWorld(3, 50, 150)
	times(3, func() { w.task(ecs.TaskRunning) })
	w.deploy("td:2")
	first, second := summarise(w.decide()), summarise(w.decide())
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("two decisions about one state differ:\n%s", diff)
	}
}

func TestDeploymentStory(t *testing.T) {
	w := newWorld(2, 100, 200)
	w.run(t)
	w.deploy("td:2")
	w.run(t)
	want := []string{
		" has started 2 tasks: (task t1) (task t2).",
		" (deployment ecs-svc/1) deployment completed.",
		" has reached a steady state.",
		" has started 2 tasks: (task t3) (task t4).",
		" has stopped 2 running tasks: (task t1) (task t2).",
		" (deployment ecs-svc/2) deployment completed.",
		" has reached a steady state.",
	}
	if diff := cmp.Diff(want, w.told()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if n := len(w.state().Deployments); n != 1 {
		t.Errorf("%d deployments are left, want the PRIMARY one", n)
	}
	p := w.primary()
	if p.RolloutState != ecs.RolloutCompleted || p.RolloutStateReason != "ECS deployment ecs-svc/2 completed." || p.State != ecs.StateSuccessful {
		t.Errorf("deployment is %s (%s), %s", p.RolloutState, p.RolloutStateReason, p.State)
	}
}

func TestSteadyStateIsToldAgainAfterSixHours(t *testing.T) {
	w := newWorld(1, 100, 200)
	w.run(t)
	said := len(w.events)
	p := w.decide()
	if len(p.Events) > 0 || p.After != 6*time.Hour {
		t.Fatalf("events %v, look again after %v; want none, after 6h", p.Events, p.After)
	}
	w.now = w.now.Add(6 * time.Hour)
	w.run(t)
	if got := w.told()[said:]; len(got) != 1 || got[0] != textSteady {
		t.Errorf("events after six hours: %v", got)
	}
}

func TestSupersedingUpdates(t *testing.T) {
	w := newWorld(2, 100, 200)
	w.run(t)
	w.deploy("td:2")
	w.apply(w.decide()) // two are pending
	w.deploy("td:3")
	w.run(t)
	for _, task := range w.tasks {
		if task.Deployment != "ecs-svc/3" && !task.Ended() {
			t.Errorf("task %s of %s still runs", task.ID, task.Deployment)
		}
	}
	if w.primary().ID != "ecs-svc/3" || w.primary().RolloutState != ecs.RolloutCompleted {
		t.Errorf("in the end:\n%s", w)
	}
}

func TestDaemon(t *testing.T) {
	w := newWorld(0, 0, 100)
	w.service.SchedulingStrategy = ecs.SchedulingDaemon
	w.eligible = map[string]bool{"a": true, "b": true, "c": false}
	w.apply(w.decide())
	w.obey()
	if w.service.DesiredCount != 3 {
		t.Errorf("desired count %d, want one for each instance", w.service.DesiredCount)
	}
	if running, _ := w.count(); running != 2 {
		t.Errorf("%d tasks, want one on each connected instance", running)
	}
	w.eligible["c"] = true
	w.run(t)
	if p := w.primary(); p.RolloutState != ecs.RolloutCompleted {
		t.Errorf("deployment is %s:\n%s", p.RolloutState, w)
	}
	w.deploy("td:2")
	p := w.decide()
	if p.Start.Count != 0 || len(p.Stops) != 3 {
		t.Errorf("plan starts %d and stops %d, want 3 stopped before any starts", p.Start.Count, len(p.Stops))
	}
	w.run(t)
	delete(w.eligible, "a")
	w.draining["a"] = true // other tasks are still there
	if p := w.decide(); len(p.Stops) != 0 {
		t.Errorf("stops %v although others are still on the instance", summarise(p).Stop)
	}
	w.draining["a"] = false
	w.run(t)
	if running, _ := w.count(); running != 2 {
		t.Errorf("%d tasks after draining, want 2", running)
	}
}

func TestDeletedServiceEnds(t *testing.T) {
	w := newWorld(2, 100, 200)
	w.run(t)
	w.service.Status = ecs.StatusDraining
	w.run(t)
	if w.service.Status != ecs.StatusInactive {
		t.Errorf("service is %s", w.service.Status)
	}
}
