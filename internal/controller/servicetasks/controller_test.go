package servicetasks

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
)

func TestServiceReachesSteadyState(t *testing.T) {
	f := newFleet(t, 3)
	f.create(3, nil)
	v := f.stable(3)
	zones := map[string]int{}
	for _, task := range f.tasks() {
		zones[task.AvailabilityZone]++
		if task.Group != "service:web" || task.StartedBy != v.Deployments[0].ID {
			t.Errorf("task of group %q, started by %q", task.Group, task.StartedBy)
		}
	}
	if len(zones) != 3 {
		t.Errorf("tasks per zone: %v, want one in each", zones)
	}
	got := messages(v)
	if len(got) != 3 || !strings.HasPrefix(got[0], "(service web) has started 3 tasks: (task ") ||
		got[1] != "(service web) (deployment "+v.Deployments[0].ID+") deployment completed." {
		t.Errorf("events %q", got)
	}
}

func TestLostTaskIsReplaced(t *testing.T) {
	f := newFleet(t, 3)
	f.create(3, nil)
	f.stable(3)
	lost := f.tasks()[0]
	err := f.room.SubmitTaskState(t.Context(), scope, ecs.Caller{}, "default", lost.ARN(), ecs.TaskReport{Status: ecs.TaskStopped})
	if err != nil {
		t.Fatal(err)
	}
	f.until("another task", func(v *ecs.ServiceView) bool {
		return v.Counts.Running == 3 && !slices.ContainsFunc(f.tasks(), func(t *ecs.Task) bool { return t.ID == lost.ID })
	})
	f.stable(3)
}

func TestRollingDeployment(t *testing.T) {
	f := newFleet(t, 3)
	f.create(4, nil)
	f.stable(4)
	f.watchBounds()
	f.change(ecs.UpdateServiceRequest{TaskDefinition: new("web:2"), DeploymentConfiguration: &ecsshape.DeploymentConfiguration{
		MinimumHealthyPercent: new(int32(75)), MaximumPercent: new(int32(150)),
	}})
	f.until("two deployments", func(v *ecs.ServiceView) bool { return v.Service.TaskDefinition != "" && len(v.Deployments) > 0 })
	v := f.stable(4)
	if !strings.HasSuffix(v.Deployments[0].TaskDefinition, "web:2") {
		t.Errorf("it runs %s", v.Deployments[0].TaskDefinition)
	}
	for _, task := range f.tasks() {
		if task.Revision != 2 {
			t.Errorf("task of revision %d is left", task.Revision)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lowest < 3 || f.most > 6 {
		t.Errorf("%d tasks ran at least and %d existed at most, want 3 to 6", f.lowest, f.most)
	}
}

func TestScaleOutAndIn(t *testing.T) {
	f := newFleet(t, 3)
	f.create(3, nil)
	f.stable(3)
	for _, n := range []int32{6, 1, 0} {
		f.change(ecs.UpdateServiceRequest{DesiredCount: &n})
		v := f.stable(int(n))
		if v.Service.LastDeployment != 1 {
			t.Errorf("scaling to %d started a deployment", n)
		}
	}
}

func TestDeletion(t *testing.T) {
	f := newFleet(t, 2)
	f.create(2, nil)
	f.stable(2)
	if _, err := f.room.DeleteService(t.Context(), scope, "", "web", true); err != nil {
		t.Fatal(err)
	}
	v := f.until("INACTIVE", func(v *ecs.ServiceView) bool { return v.Service.Status == ecs.StatusInactive })
	if len(v.Deployments) != 0 || v.Counts != (ecs.TaskCount{}) || len(f.tasks()) != 0 {
		t.Errorf("left: %d deployments, counts %+v", len(v.Deployments), v.Counts)
	}
	f.create(1, nil) // the name is free again
	if v := f.stable(1); v.Service.LastDeployment != 2 {
		t.Errorf("deployments are numbered anew: %d", v.Service.LastDeployment)
	}
}

func TestPlacementFailureIsToldAndRetried(t *testing.T) {
	f := newFleet(t, 0)
	f.create(12, nil)
	const none = "(service web) was unable to place a task because no container instance met all of its requirements. " +
		"Reason: No Container Instances were found in your cluster. " +
		"For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
	f.until("the event", func(v *ecs.ServiceView) bool { return slices.Contains(messages(v), none) })
	first := f.instance(0)
	f.update(func(tx *store.Tx) { ecs.Instances.Put(tx, first) }) // takes ten
	v := f.until("no room for more", func(v *ecs.ServiceView) bool {
		return v.Counts.Running == 10 && strings.Contains(v.Events[0].Message, "has insufficient CPU units available.")
	})
	want := fmt.Sprintf("The closest matching (container-instance %s) has insufficient CPU units available. ", first.ID)
	if !strings.Contains(v.Events[0].Message, want) {
		t.Errorf("event %q, want %q in it", v.Events[0].Message, want)
	}
	f.update(func(tx *store.Tx) { ecs.Instances.Put(tx, f.instance(1)) })
	v = f.stable(12)
	for _, m := range messages(v) {
		if strings.Count(strings.Join(messages(v), "\n"), m) > 1 {
			t.Errorf("event %q was written twice", m)
		}
	}
}

func TestRoleThatIsNotToBeHadIsTold(t *testing.T) {
	f := newFleet(t, 1)
	f.update(func(tx *store.Tx) {
		def, _ := ecs.TaskDefinitions.Get(tx, scope.Key("web", "0000000001"))
		next := *def
		next.Definition.TaskRoleArn = new("gone")
		ecs.TaskDefinitions.Put(tx, &next)
	})
	f.create(2, nil)
	want := "(service web) failed to launch a task with (error ECS was unable to assume the role 'arn:aws:iam::" + scope.Account + ":role/gone' that was provided for this task. " +
		"Please verify that the role being passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this role.)."
	v := f.until("the event", func(v *ecs.ServiceView) bool { return slices.Contains(messages(v), want) })
	if v.Counts.Running+v.Counts.Pending != 0 {
		t.Errorf("tasks %+v", v.Counts)
	}
}

func TestCircuitBreakerRollsBack(t *testing.T) {
	f := newFleet(t, 3)
	f.create(2, func(r *ecs.CreateServiceRequest) {
		r.DeploymentConfiguration = &ecsshape.DeploymentConfiguration{
			DeploymentCircuitBreaker: &ecsshape.DeploymentCircuitBreaker{Enable: new(true), Rollback: new(true)},
		}
	})
	before := f.stable(2).Deployments[0].ID
	f.mu.Lock()
	f.broken["web:2"] = true
	f.mu.Unlock()
	f.watchBounds()
	f.change(ecs.UpdateServiceRequest{TaskDefinition: new("web:2")})
	v := f.until("rolled back", func(v *ecs.ServiceView) bool {
		return len(v.Deployments) == 1 && v.Deployments[0].ID == before && v.Deployments[0].RolloutState == ecs.RolloutCompleted &&
			v.Newest.State == ecs.StateRollbackSuccessful
	})
	if !strings.HasSuffix(v.Service.TaskDefinition, "web:1") {
		t.Errorf("the service says %s", v.Service.TaskDefinition)
	}
	if f.mu.Lock(); f.lowest < 2 {
		t.Errorf("only %d tasks ran meanwhile", f.lowest)
	}
	f.mu.Unlock()
}

func TestDrainingInstance(t *testing.T) {
	f := newFleet(t, 2)
	f.create(4, nil)
	f.stable(4)
	gone := f.instance(0)
	f.watchBounds()
	gone.Status = ecs.StatusDraining
	f.update(func(tx *store.Tx) { ecs.Instances.Put(tx, gone) })
	f.until("moved", func(v *ecs.ServiceView) bool {
		return v.Counts.Running == 4 && !slices.ContainsFunc(f.tasks(), func(t *ecs.Task) bool { return t.Instance == gone.ID })
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lowest < 4 {
		t.Errorf("only %d tasks ran while the instance was drained", f.lowest)
	}
}

func TestDaemonFollowsInstances(t *testing.T) {
	f := newFleet(t, 2)
	f.create(0, func(r *ecs.CreateServiceRequest) {
		r.SchedulingStrategy, r.DesiredCount = ecs.SchedulingDaemon, nil
	})
	f.stable(2)
	f.update(func(tx *store.Tx) { ecs.Instances.Put(tx, f.instance(2)) })
	f.stable(3)
	on := map[string]bool{}
	for _, task := range f.tasks() {
		on[task.Instance] = true
	}
	if len(on) != 3 {
		t.Errorf("tasks on %d instances, want 3", len(on))
	}
	f.change(ecs.UpdateServiceRequest{TaskDefinition: new("web:2")})
	f.until("rolled out", func(v *ecs.ServiceView) bool {
		return len(v.Deployments) == 1 && v.Counts.Running == 3 && strings.HasSuffix(v.Deployments[0].TaskDefinition, "web:2")
	})
}

func TestControllerStartsWhereAnotherEnded(t *testing.T) {
	f := newFleet(t, 3)
	f.create(3, nil)
	f.stable(3)
	// A second controller over the same records finds nothing to do.
	c := New(f.st, f.room, Config{})
	before := f.st.Snapshot().Revision()
	wait, err := c.Reconcile(t.Context(), scope.Key("default", "web"))
	if err != nil || wait <= 0 || f.st.Snapshot().Revision() != before {
		t.Errorf("reconcile: wait %v, error %v, revision %d → %d", wait, err, before, f.st.Snapshot().Revision())
	}
}
