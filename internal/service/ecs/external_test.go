package ecs

import (
	"testing"

	"github.com/slipway/slipway/internal/schedule"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
)

// makeExternal makes an instance one of ECS Anywhere, or takes that back.
func (r *taskRoom) makeExternal(id string, external bool) {
	r.put(func(tx *store.Tx) {
		inst, _ := Instances.Get(tx, r.s.Key("default", id))
		next := *inst
		next.Attributes = nil
		if external {
			next.Attributes = []Attribute{{Name: attributeExternal}}
		}
		Instances.Put(tx, &next)
	})
}

func TestLaunchTypeChoosesTheInstances(t *testing.T) {
	r := newTaskRoom(t)
	ids := r.instances(2)
	r.define("web", func(d *ecsshape.TaskDefinition) { d.Compatibilities = []string{"EC2", "EXTERNAL"} })
	options := TaskOptions{TaskDefinition: "web"}
	_, _, err := r.RunTask(t.Context(), r.s, Caller{}, RunTaskRequest{TaskOptions: options, Count: 1, LaunchType: "EXTERNAL"})
	wantRefusal(t, err, "InvalidParameterException", "No Container Instances were found in your cluster.")
	r.makeExternal(ids[1], true)
	for _, tt := range []struct{ launchType, instance string }{{"", ids[0]}, {"EC2", ids[0]}, {"EXTERNAL", ids[1]}} {
		tasks, failures := r.run(RunTaskRequest{TaskOptions: options, Count: 3, LaunchType: tt.launchType})
		if len(tasks) != 3 {
			t.Fatalf("%s: %d tasks, %v", tt.launchType, len(tasks), failures)
		}
		for _, task := range tasks {
			if want := map[bool]string{true: "EXTERNAL", false: "EC2"}[tt.launchType == "EXTERNAL"]; task.Instance != tt.instance || task.LaunchType != want {
				t.Errorf("%s: on %s as %s", tt.launchType, task.Instance, task.LaunchType)
			}
		}
	}
	tasks, failures, err := r.StartTask(t.Context(), r.s, Caller{}, StartTaskRequest{TaskOptions: options, ContainerInstances: ids})
	if err != nil || len(failures) != 0 || tasks[0].LaunchType != "EC2" || tasks[1].LaunchType != "EXTERNAL" {
		t.Errorf("started %v, %v, %v", tasks, failures, err)
	}
	v := r.ViewCluster(&Cluster{Scope: r.s, Name: "default"})
	if v.Tasks.Pending != 11 || v.ExternalTasks.Pending != 4 {
		t.Errorf("%d pending, %d of them external", v.Tasks.Pending, v.ExternalTasks.Pending)
	}
	r.makeExternal(ids[1], false) // registered again in another mode
	_, _, err = r.RunTask(t.Context(), r.s, Caller{}, RunTaskRequest{TaskOptions: options, Count: 1, LaunchType: "EXTERNAL"})
	wantRefusal(t, err, "InvalidParameterException", "No Container Instances were found in your cluster.")
}

func TestDaemonKeepsToItsLaunchType(t *testing.T) {
	r := newTaskRoom(t)
	ids := r.instances(2)
	r.makeExternal(ids[1], true)
	def := r.define("web", nil)
	for launchType, want := range map[string]string{"": ids[0], "EC2": ids[0], "EXTERNAL": ids[1]} {
		on := DaemonInstances(r.st.Snapshot(), &Service{Scope: r.s, Cluster: "default", LaunchType: launchType, TaskDefinition: def.ARN()})
		if _, ok := on[want]; len(on) != 1 || !ok {
			t.Errorf("%s: on %v, want %s", launchType, on, want)
		}
	}
}

func TestTasksWithExecNeedAnAgentThatCan(t *testing.T) {
	r := newTaskRoom(t)
	id := r.instances(1)[0]
	r.define("web", nil)
	options := TaskOptions{TaskDefinition: "web", EnableExecuteCommand: true}
	tasks, failures := r.run(RunTaskRequest{TaskOptions: options})
	if len(tasks) != 0 || failures[0].Reason != string(schedule.ReasonAttribute) {
		t.Fatalf("%v, %v", tasks, failures)
	}
	r.put(func(tx *store.Tx) {
		inst, _ := Instances.Get(tx, r.s.Key("default", id))
		next := *inst
		next.Attributes = []Attribute{{Name: "ecs.capability.execute-command"}}
		Instances.Put(tx, &next)
	})
	tasks, failures = r.run(RunTaskRequest{TaskOptions: options})
	if len(tasks) != 1 {
		t.Fatal(failures)
	}
	agent := func() ManagedAgent { return r.task(tasks[0].ID).Containers[0].ManagedAgents[0] }
	say := func(status, reason string) {
		r.report(tasks[0], TaskReport{Agents: []ManagedAgentReport{{Container: "app", Name: "ExecuteCommandAgent", Status: status, Reason: reason}}})
	}
	if a := agent(); a.LastStatus != "PENDING" || !a.StartedAt.IsZero() {
		t.Errorf("new: %+v", a)
	}
	say("RUNNING", "")
	first := agent()
	version := r.task(tasks[0].ID).Version
	if first.LastStatus != "RUNNING" || first.StartedAt.IsZero() || version != 2 {
		t.Errorf("running: %+v in version %d", first, version)
	}
	say("RUNNING", "")
	if r.task(tasks[0].ID).Version != version {
		t.Error("a repeated report was written")
	}
	say("STOPPED", "gone")
	say("RUNNING", "") // it comes and goes
	if a := agent(); a.LastStatus != "RUNNING" || a.Reason != "" {
		t.Errorf("again: %+v", a)
	}
	say("DANCING", "")
	r.report(tasks[0], TaskReport{Status: "STOPPED"})
	if a := agent(); a.LastStatus != "STOPPED" {
		t.Errorf("ended: %+v", a)
	}
}
