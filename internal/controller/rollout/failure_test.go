package rollout

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/service/ecs"
)

// failAll lets every pending task fail until the deployment is over, waiting as
// long as the throttle says.
func (w *world) failAll(t *testing.T) {
	t.Helper()
	for range 100 {
		p := w.decide()
		if p.Empty() && p.After == 0 {
			return
		}
		if p.Empty() {
			w.now = w.now.Add(p.After)
		}
		w.apply(p)
		if w.primary().RolloutState == ecs.RolloutFailed || w.primary().ID == "ecs-svc/1" {
			return
		}
		for _, task := range w.tasks {
			if pending(task) {
				w.dies(task)
			}
		}
	}
	t.Fatalf("no end:\n%s", w)
}

func TestBreakerWithoutRollback(t *testing.T) {
	w := newWorld(1, 100, 200)
	w.run(t)
	w.breaker(false)
	w.deploy("td:2")
	w.failAll(t)
	p := w.primary()
	got := []string{p.ID, p.RolloutState, p.RolloutStateReason, p.State}
	want := []string{"ecs-svc/2", "FAILED", "ECS deployment circuit breaker: tasks failed to start.", "STOPPED"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("deployment (-want +got):\n%s", diff)
	}
	if p.FailedTasks != 3 {
		t.Errorf("failedTasks %d, want the threshold of 3", p.FailedTasks)
	}
	// Nothing more is launched, what runs stays, and what is lost of it comes back.
	w.now = w.now.Add(time.Hour)
	if plan := w.decide(); plan.Start.Count != 0 || len(plan.Stops) != 0 {
		t.Errorf("a failed deployment goes on: %+v", summarise(plan))
	}
	w.dies(w.tasks[0])
	if plan := w.decide(); plan.Start.Count != 1 || plan.Start.Deployment.ID != "ecs-svc/1" {
		t.Errorf("lost task is replaced by %+v, want one of ecs-svc/1", plan.Start)
	}
}

func TestBreakerWithRollback(t *testing.T) {
	w := newWorld(2, 100, 200)
	w.run(t)
	w.breaker(true)
	w.deploy("td:2")
	w.failAll(t)
	failed := w.deployments[1]
	if failed.State != ecs.StateRollbackInProgress || failed.Rollback == nil || failed.Rollback.Deployment != "ecs-svc/1" {
		t.Errorf("failed deployment: %s %+v", failed.State, failed.Rollback)
	}
	p := w.primary()
	if p.ID != "ecs-svc/1" || p.RolloutState != ecs.RolloutInProgress ||
		p.RolloutStateReason != "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1." {
		t.Errorf("back at %s: %s, %s", p.ID, p.RolloutState, p.RolloutStateReason)
	}
	if w.service.TaskDefinition != "td:1" {
		t.Errorf("the service still says %s", w.service.TaskDefinition)
	}
	w.run(t)
	failed = w.deployments[1]
	if failed.State != ecs.StateRollbackSuccessful || failed.Status != ecs.DeploymentInactive || failed.RolloutState != ecs.RolloutFailed {
		t.Errorf("in the end: %s, %s, %s", failed.State, failed.Status, failed.RolloutState)
	}
	if w.primary().RolloutState != ecs.RolloutCompleted {
		t.Errorf("rolled back deployment is %s", w.primary().RolloutState)
	}
	told := w.told()
	i := slices.Index(told, " (deployment ecs-svc/2) deployment failed: tasks failed to start.")
	want := []string{
		" (deployment ecs-svc/2) deployment failed: tasks failed to start.",
		" rolling back to deployment ecs-svc/1.",
		" (deployment ecs-svc/1) deployment completed.",
		" has reached a steady state.",
	}
	if i < 0 {
		t.Fatalf("events %q", told)
	}
	if diff := cmp.Diff(want, told[i:]); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestRollbackWithoutPredecessor(t *testing.T) {
	w := newWorld(1, 100, 200)
	w.breaker(true)
	d := w.deployments[0]
	d.FailedTasks = 3
	w.apply(w.decide())
	if got := w.primary(); got.RolloutState != ecs.RolloutFailed || got.State != ecs.StateRollbackFailed {
		t.Errorf("deployment is %s, %s", got.RolloutState, got.State)
	}
	if p := w.decide(); p.Start.Count != 0 {
		t.Errorf("%d tasks are started although the deployment stalled", p.Start.Count)
	}
}

func TestBreakerSecondStage(t *testing.T) {
	w := newWorld(1, 100, 200)
	w.run(t)
	w.breaker(false)
	w.deploy("td:2")
	for range 40 {
		p := w.decide()
		w.apply(p)
		if w.primary().RolloutState == ecs.RolloutFailed {
			break
		}
		w.obey()
		for _, task := range w.tasks {
			if task.Deployment == "ecs-svc/2" && task.LastStatus == ecs.TaskRunning && task.HealthStatus != ecs.HealthUnhealthy {
				w.change(task, ill)
			}
		}
	}
	if p := w.primary(); p.RolloutState != ecs.RolloutFailed || p.FailedTasks != 3 || !p.Reached {
		t.Errorf("after failed health checks: %s, %d failed:\n%s", p.RolloutState, p.FailedTasks, w)
	}
}

func TestHealthyTaskEndsTheCount(t *testing.T) {
	w := newWorld(2, 100, 200)
	d := w.deployments[0]
	d.FailedTasks = 2
	w.task(ecs.TaskRunning)
	w.dies(w.task(ecs.TaskPending))
	w.apply(w.decide())
	if n := w.primary().FailedTasks; n != 0 {
		t.Errorf("failedTasks %d although a task is well", n)
	}
}

func TestStopServiceDeployment(t *testing.T) {
	for _, tt := range []struct{ name, state, primary, want string }{
		{"rollback", ecs.StateRollbackRequested, "ecs-svc/1", ecs.StateRollbackSuccessful},
		{"abort", ecs.StateStopRequested, "ecs-svc/2", ecs.StateStopped},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(2, 100, 200)
			w.run(t)
			w.deploy("td:2")
			w.apply(w.decide())
			w.deployments[1].State = tt.state
			w.run(t)
			if w.primary().ID != tt.primary || w.deployments[1].State != tt.want {
				t.Errorf("in the end:\n%s", w)
			}
		})
	}
}

func TestStartFailuresAreThrottled(t *testing.T) {
	w := newWorld(1, 100, 200)
	var waits []time.Duration
	for range 14 {
		w.apply(w.decide())
		var at time.Duration
		for p := w.decide(); p.Start.Count == 0 && len(w.state().Tasks) == 0; p = w.decide() {
			at += p.After
			w.now = w.now.Add(p.After)
		}
		w.apply(w.decide())
		waits = append(waits, at)
		for _, task := range w.tasks {
			if pending(task) {
				w.dies(task)
			}
		}
	}
	want := []time.Duration{0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900}
	for i := range want {
		want[i] *= time.Second
	}
	if diff := cmp.Diff(want, waits); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
	impaired := 0
	for _, m := range w.told() {
		if strings.HasSuffix(m, textImpaired) {
			impaired++
		}
	}
	if impaired == 0 {
		t.Errorf("nothing tells of it:\n%s", w)
	}
}

func TestThrottleEndsWhenATaskRuns(t *testing.T) {
	w := newWorld(1, 100, 200)
	w.service.Throttle = &ecs.StartThrottle{Failures: 5, At: epoch.Add(-time.Minute), Until: epoch.Add(-time.Second)}
	w.run(t)
	if w.service.Throttle != nil {
		t.Errorf("throttle %+v is left", w.service.Throttle)
	}
}

func TestQuickExitsArePaced(t *testing.T) {
	w := newWorld(1, 100, 200)
	w.run(t)
	w.dies(w.tasks[0])
	if p := w.decide(); p.Start.Count != 1 {
		t.Fatalf("the first exit is not replaced at once: %+v", p)
	}
	for range 6 {
		w.apply(w.decide())
		w.obey()
		w.now = w.now.Add(time.Second)
		for _, task := range w.tasks {
			if task.LastStatus == ecs.TaskRunning {
				w.dies(task)
			}
		}
	}
	p := w.decide()
	if p.Start.Count != 0 || p.After == 0 || p.After > maxExitWait {
		t.Errorf("the latest of a series is replaced at once: start %d, after %v", p.Start.Count, p.After)
	}
	if slices.Contains(w.told(), textImpaired) {
		t.Error("tasks that reached RUNNING are told of as failing to start")
	}
}
