package ecs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/tag"
)

func taskOptions(family string) TaskOptions { return TaskOptions{TaskDefinition: family} }

func TestRunTaskWritesTasksAndAllocationsTogether(t *testing.T) {
	r := newTaskRoom(t)
	r.instances(3)
	r.define("web", nil)
	tasks, failures := r.run(RunTaskRequest{TaskOptions: taskOptions("web"), Count: 10})
	if len(tasks) != 10 || len(failures) != 0 {
		t.Fatalf("%d tasks, failures %v", len(tasks), failures)
	}
	want := map[string]int{}
	for _, task := range tasks {
		want[task.Instance]++
		if len(task.ID) != 32 || task.LastStatus != TaskPending || task.DesiredStatus != TaskRunning || task.Version != 1 {
			t.Errorf("new task is %+v", task)
		}
		if task.Group != "family:web" || task.CPU != "100" || task.Memory != "64" || task.LaunchType != "EC2" {
			t.Errorf("new task is %+v", task)
		}
	}
	for id, n := range want {
		a := r.allocation(id)
		if a.Tasks != n || a.Used.CPU != int64(n)*100 || a.Used.Memory != int64(n)*64 || a.Groups["family:web"] != n {
			t.Errorf("allocation of %d tasks is %+v", n, a)
		}
	}
	if got := CountClusterTasks(r.st.Snapshot(), r.s, "default"); got != (TaskCount{Pending: 10}) {
		t.Errorf("counts %+v", got)
	}
}

func TestRunTaskFailuresTellTheReasonPerInstance(t *testing.T) {
	r := newTaskRoom(t)
	ids := r.instances(2)
	r.define("huge", func(d *ecsshape.TaskDefinition) { d.ContainerDefinitions[0].Cpu = new(int32(4096)) })
	r.define("port", func(d *ecsshape.TaskDefinition) {
		d.ContainerDefinitions[0].PortMappings = []ecsshape.PortMapping{{ContainerPort: new(int32(80)), HostPort: new(int32(8080))}}
	})
	tasks, failures := r.run(RunTaskRequest{TaskOptions: taskOptions("huge"), Count: 5})
	if len(tasks) != 0 || len(failures) != 2 {
		t.Fatalf("%d tasks, failures %v", len(tasks), failures)
	}
	for _, f := range failures {
		if f.Reason != "RESOURCE:CPU" || !strings.Contains(f.ARN, ":container-instance/default/") {
			t.Errorf("failure %+v", f)
		}
	}
	tasks, failures = r.run(RunTaskRequest{TaskOptions: taskOptions("port"), Count: 4})
	if len(tasks) != 2 || tasks[0].Instance == tasks[1].Instance {
		t.Errorf("two tasks on one host port: %v", tasks)
	}
	if len(failures) != 2 || failures[0].Reason != "RESOURCE:PORTS" {
		t.Errorf("failures %+v", failures)
	}
	if a := r.allocation(ids[0]); !cmp.Equal(a.Used.TCP, []int32{8080}) {
		t.Errorf("ports in use %v", a.Used.TCP)
	}
	r.put(func(tx *store.Tx) {
		inst, _ := Instances.Get(tx, r.s.Key("default", ids[0]))
		next := *inst
		next.AgentConnected = false
		Instances.Put(tx, &next)
	})
	_, failures = r.run(RunTaskRequest{TaskOptions: taskOptions("huge"), Count: 2})
	reasons := map[string]bool{}
	for _, f := range failures {
		reasons[f.Reason] = true
	}
	if !reasons["AGENT"] || !reasons["RESOURCE:CPU"] {
		t.Errorf("failures %+v", failures)
	}
}

func TestRunTaskRefusals(t *testing.T) {
	r := newTaskRoom(t)
	r.define("web", nil)
	r.define("awsvpc", func(d *ecsshape.TaskDefinition) { d.NetworkMode = new("awsvpc") })
	r.put(func(tx *store.Tx) {
		Clusters.Put(tx, &Cluster{Scope: r.s, Name: "old", Status: StatusInactive})
		TaskDefinitions.Put(tx, &TaskDefinition{Scope: r.s, Family: "gone", Revision: 1, Status: StatusInactive})
	})
	vpc := &ecsshape.NetworkConfiguration{AwsvpcConfiguration: &ecsshape.AwsVpcConfiguration{Subnets: []string{"subnet-1"}}}
	long := strings.Repeat("x", 200)
	tests := map[string]struct {
		req        RunTaskRequest
		code, text string
	}{
		"no instances": {RunTaskRequest{}, "InvalidParameterException", "No Container Instances were found in your cluster."},
		"count 0":      {RunTaskRequest{Count: -1}, "InvalidParameterException", "between 1 and 10"},
		"count 11":     {RunTaskRequest{Count: 11}, "InvalidParameterException", "between 1 and 10"},
		"unknown cluster": {RunTaskRequest{TaskOptions: TaskOptions{Cluster: "nope"}},
			"ClusterNotFoundException", "Cluster not found."},
		"inactive cluster": {RunTaskRequest{TaskOptions: TaskOptions{Cluster: "old"}},
			"ClusterNotFoundException", "The referenced cluster was inactive."},
		"unknown definition": {RunTaskRequest{TaskOptions: TaskOptions{TaskDefinition: "nope"}},
			"ClientException", "TaskDefinition not found."},
		"inactive definition": {RunTaskRequest{TaskOptions: TaskOptions{TaskDefinition: "gone:1"}},
			"ClientException", "TaskDefinition is inactive"},
		"group of a service": {RunTaskRequest{TaskOptions: TaskOptions{Group: "service:web"}},
			"InvalidParameterException", "reserved"},
		"long startedBy": {RunTaskRequest{TaskOptions: TaskOptions{StartedBy: long}}, "InvalidParameterException", "startedBy"},
		"both launch type and strategy": {RunTaskRequest{LaunchType: "EC2",
			CapacityProviderStrategy: []ecsshape.CapacityProviderStrategyItem{{CapacityProvider: new("x")}}},
			"InvalidParameterException", "Specifying both a launch type and capacity provider strategy is not supported."},
		"strange provider": {RunTaskRequest{
			CapacityProviderStrategy: []ecsshape.CapacityProviderStrategyItem{{CapacityProvider: new("x")}}},
			"InvalidParameterException", "not associated with the cluster"},
		"fargate": {RunTaskRequest{LaunchType: "FARGATE"},
			"InvalidParameterException", "Task definition does not support launch_type FARGATE."},
		"platform version": {RunTaskRequest{LaunchType: "EC2", PlatformVersion: "1.4.0"},
			"InvalidParameterException", "The platform version must be null"},
		"network on bridge": {RunTaskRequest{TaskOptions: TaskOptions{NetworkConfiguration: vpc}}, "InvalidParameterException",
			"Network Configuration is not valid for the given networkMode of this task definition."},
		"awsvpc without network": {RunTaskRequest{TaskOptions: taskOptions("awsvpc")}, "InvalidParameterException",
			"Network Configuration must be provided when networkMode 'awsvpc' is specified."},
		"awsvpc": {RunTaskRequest{TaskOptions: TaskOptions{TaskDefinition: "awsvpc", NetworkConfiguration: vpc}},
			"ClientException", "no network interfaces"},
		"override of nobody": {RunTaskRequest{TaskOptions: TaskOptions{Overrides: &ecsshape.TaskOverride{
			ContainerOverrides: []ecsshape.ContainerOverride{{Name: new("x")}}}}}, "InvalidParameterException",
			"Override for container named x is not a container in the TaskDefinition."},
		"overrides too long": {RunTaskRequest{TaskOptions: TaskOptions{Overrides: &ecsshape.TaskOverride{
			ContainerOverrides: []ecsshape.ContainerOverride{{Name: new("app"), Command: []string{strings.Repeat("x", 8192)}}}}}},
			"InvalidParameterException", "Container Overrides length must be at most 8192"},
		"bad cpu override": {RunTaskRequest{TaskOptions: TaskOptions{Overrides: &ecsshape.TaskOverride{Cpu: new("much")}}},
			"InvalidParameterException", "Invalid 'cpu' setting"},
		"propagate from service": {RunTaskRequest{TaskOptions: TaskOptions{PropagateTags: "SERVICE"}},
			"InvalidParameterException", "SERVICE"},
		"aws tag": {RunTaskRequest{TaskOptions: TaskOptions{Tags: []tag.Tag{{Key: "aws:x"}}}},
			"InvalidParameterException", "aws: prefixed tag key names are not allowed"},
		"bad constraint": {RunTaskRequest{PlacementConstraints: []ecsshape.PlacementConstraint{{Type: new("memberOf"), Expression: new("attribute:")}}},
			"InvalidParameterException", "Invalid constraint expression"},
		"bad strategy": {RunTaskRequest{PlacementStrategy: []ecsshape.PlacementStrategy{{Type: new("binpack"), Field: new("disk")}}},
			"InvalidParameterException", "binpack"},
		"long token": {RunTaskRequest{ClientToken: long}, "InvalidParameterException", "clientToken"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			req := tt.req
			if req.TaskDefinition == "" {
				req.TaskDefinition = "web"
			}
			if req.Count == 0 {
				req.Count = 1
			}
			_, _, err := r.RunTask(t.Context(), r.s, Caller{}, req)
			e, ok := errors.AsType[*apierr.Error](err)
			if !ok || e.Code != tt.code || !strings.Contains(e.Message, tt.text) {
				t.Errorf("got %v, want %s %q", err, tt.code, tt.text)
			}
		})
	}
}

func TestRunTaskClientToken(t *testing.T) {
	r := newTaskRoom(t)
	r.instances(1)
	r.define("web", nil)
	req := RunTaskRequest{TaskOptions: taskOptions("web"), Count: 2, ClientToken: "once"}
	first, _ := r.run(req)
	again, _ := r.run(req)
	if len(again) != 2 || again[0].ID != first[0].ID || again[1].ID != first[1].ID {
		t.Errorf("the same token started %v, then %v", first, again)
	}
	req.Count = 1
	_, _, err := r.RunTask(t.Context(), r.s, Caller{}, req)
	e, ok := errors.AsType[*apierr.Error](err)
	if !ok || e.Code != "ConflictException" {
		t.Fatalf("other parameters with the token: %v", err)
	}
	if !cmp.Equal(e.Extra["resourceIds"], []string{first[0].ARN(), first[1].ARN()}) {
		t.Errorf("resourceIds %v", e.Extra["resourceIds"])
	}
}

func TestSameTokenAtOnceStartsOnce(t *testing.T) {
	r := newTaskRoom(t)
	r.instances(2)
	r.define("web", nil)
	var all sync.Map
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			tasks, _, err := r.RunTask(t.Context(), r.s, Caller{}, RunTaskRequest{TaskOptions: taskOptions("web"), Count: 1, ClientToken: "t"})
			if err != nil || len(tasks) != 1 {
				t.Errorf("%v %v", tasks, err)
				return
			}
			all.Store(tasks[0].ID, true)
		})
	}
	wg.Wait()
	n := 0
	all.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("one token started %d tasks", n)
	}
}

// Two rooms on one store stand for two servers, which share no lock.
func TestParallelRunTasksNeverOvercommit(t *testing.T) {
	r := newTaskRoom(t)
	ids := r.instances(3)
	other := New(r.st, Config{})
	r.define("web", func(d *ecsshape.TaskDefinition) { d.ContainerDefinitions[0].Cpu = new(int32(256)) }) // 8 fit an instance
	var mu sync.Mutex
	placed := 0
	var wg sync.WaitGroup
	for i := range 50 {
		room := []*Room{r.Room, other}[i%2]
		wg.Go(func() {
			tasks, _, err := room.RunTask(context.WithoutCancel(t.Context()), r.s, Caller{}, RunTaskRequest{TaskOptions: taskOptions("web"), Count: 1})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			placed += len(tasks)
		})
	}
	wg.Wait()
	if placed != 24 {
		t.Errorf("%d tasks on three instances for 8 each", placed)
	}
	for _, id := range ids {
		if a := r.allocation(id); a.Used.CPU != 2048 || a.Tasks != 8 {
			t.Errorf("allocation %+v", a)
		}
	}
}

func TestDistinctInstanceHoldsAcrossServers(t *testing.T) {
	r := newTaskRoom(t)
	r.instances(3)
	other := New(r.st, Config{})
	r.define("web", nil)
	distinct := []ecsshape.PlacementConstraint{{Type: new("distinctInstance")}}
	var wg sync.WaitGroup
	for i := range 8 {
		room := []*Room{r.Room, other}[i%2]
		wg.Go(func() {
			_, _, err := room.RunTask(t.Context(), r.s, Caller{}, RunTaskRequest{TaskOptions: taskOptions("web"), Count: 1, PlacementConstraints: distinct})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for task := range Tasks.List(r.st.Snapshot(), r.s.Prefix("default")) {
		if seen[task.Instance] {
			t.Errorf("two tasks on %s", task.Instance)
		}
		seen[task.Instance] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d instances used", len(seen))
	}
}

func TestRunTaskTags(t *testing.T) {
	r := newTaskRoom(t)
	r.instances(1)
	def := r.define("web", nil)
	tagged := *def
	tagged.Tags = []tag.Tag{{Key: "a", Value: "definition"}, {Key: "b", Value: "definition"}}
	r.put(func(tx *store.Tx) { TaskDefinitions.Put(tx, &tagged) })
	o := taskOptions("web")
	o.Tags = []tag.Tag{{Key: "a", Value: "user"}}
	o.PropagateTags, o.EnableECSManagedTags = "TASK_DEFINITION", true
	tasks, _ := r.run(RunTaskRequest{TaskOptions: o})
	want := []tag.Tag{{Key: "a", Value: "user"}, {Key: "b", Value: "definition"}, {Key: "aws:ecs:clusterName", Value: "default"}}
	if diff := cmp.Diff(want, tasks[0].Tags); diff != "" {
		t.Error(diff)
	}
}

func TestTasksSurviveTheStore(t *testing.T) {
	r := newTaskRoom(t)
	ids := r.instances(1)
	r.define("web", nil)
	tasks, _ := r.run(RunTaskRequest{TaskOptions: taskOptions("web"), Count: 3, ClientToken: "t"})
	before := r.allocation(ids[0])
	r.reopen()
	for _, task := range tasks {
		if diff := cmp.Diff(task, r.task(task.ID)); diff != "" {
			t.Error(diff)
		}
	}
	if diff := cmp.Diff(before, r.allocation(ids[0])); diff != "" {
		t.Error(diff)
	}
	again, _ := r.run(RunTaskRequest{TaskOptions: taskOptions("web"), Count: 3, ClientToken: "t"})
	if len(again) != 3 || again[0].ID != tasks[0].ID {
		t.Errorf("the token was forgotten: %v", again)
	}
}

func TestStartTask(t *testing.T) {
	r := newTaskRoom(t)
	ids := r.instances(4)
	r.define("web", func(d *ecsshape.TaskDefinition) {
		d.RequiresAttributes = []ecsshape.Attribute{{Name: new("ecs.cpu-architecture")}}
	})
	r.put(func(tx *store.Tx) {
		change := func(i int, f func(*ContainerInstance)) {
			inst, _ := Instances.Get(tx, r.s.Key("default", ids[i]))
			next := *inst
			f(&next)
			Instances.Put(tx, &next)
		}
		change(1, func(i *ContainerInstance) { i.Status = StatusDraining })
		change(2, func(i *ContainerInstance) { i.AgentConnected = false })
		change(3, func(i *ContainerInstance) { i.Attributes = nil })
	})
	unknown := fmt.Sprintf("%032x", 99)
	tasks, failures, err := r.StartTask(t.Context(), r.s, Caller{}, StartTaskRequest{
		TaskOptions:        taskOptions("web"),
		ContainerInstances: []string{ids[0], r.s.ARN("container-instance/default/" + ids[1]), ids[2], ids[3], unknown},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(tasks) != 1 || tasks[0].Instance != ids[0] {
		t.Errorf("started %v", tasks)
	}
	got := map[string]string{}
	for _, f := range failures {
		got[f.ARN[strings.LastIndexByte(f.ARN, '/')+1:]] = f.Reason
	}
	want := map[string]string{ids[1]: "INACTIVE", ids[2]: "AGENT", ids[3]: "ATTRIBUTE", unknown: "MISSING"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if a := r.allocation(ids[0]); a.Tasks != 1 {
		t.Errorf("allocation %+v", a)
	}
}
