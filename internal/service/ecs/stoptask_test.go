package ecs

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/tag"
)

func TestStopTaskKeepsTheFirstReasonAndReleasesAtTheEnd(t *testing.T) {
	r := newTaskRoom(t)
	ids := r.instances(1)
	r.define("web", nil)
	o := taskOptions("web")
	o.Tags = []tag.Tag{{Key: "a", Value: "b"}}
	tasks, _ := r.run(RunTaskRequest{TaskOptions: o})
	r.report(tasks[0], TaskReport{Status: TaskRunning})
	got, err := r.StopTask(t.Context(), r.s, Caller{}, "", tasks[0].ARN(), "")
	if err != nil {
		t.Fatal(err)
	}
	if got.DesiredStatus != TaskStopped || got.LastStatus != TaskStopping || *got.Stop != StopByUser("") || got.StoppingAt.IsZero() || got.Tags != nil {
		t.Errorf("stopped task %+v", got)
	}
	if a := r.allocation(ids[0]); a.Tasks != 1 || a.Used.CPU != 100 {
		t.Errorf("released before the end: %+v", a)
	}
	again, err := r.StopTask(t.Context(), r.s, Caller{}, "default", tasks[0].ID, "other")
	if err != nil || *again.Stop != StopByUser("") || again.Version != got.Version {
		t.Errorf("second stop: %+v, %v", again, err)
	}
	r.report(tasks[0], TaskReport{Status: TaskStopped, Containers: []ContainerReport{{Name: "app", Status: ContainerStopped, ExitCode: new(int32(143))}}})
	r.report(tasks[0], TaskReport{Status: TaskStopped})
	if got := r.task(tasks[0].ID); got.LastStatus != TaskStopped || *got.Stop != StopByUser("") || *got.Containers[0].ExitCode != 143 {
		t.Errorf("task %+v", got)
	}
	if a := r.allocation(ids[0]); a.Tasks != 0 || a.Used.CPU != 0 || len(a.Groups) != 0 {
		t.Errorf("allocation %+v", a)
	}
}

func TestStopTaskOfNobodyEndsAtOnce(t *testing.T) {
	r := newTaskRoom(t)
	ids := r.instances(1)
	r.define("web", nil)
	tasks, _ := r.run(RunTaskRequest{TaskOptions: taskOptions("web")})
	r.put(func(tx *store.Tx) {
		inst, _ := Instances.Get(tx, r.s.Key("default", ids[0]))
		next := *inst
		next.Status = StatusInactive
		Instances.Put(tx, &next)
	})
	got, err := r.StopTask(t.Context(), r.s, Caller{}, "", tasks[0].ID, "why not")
	if err != nil || got.LastStatus != TaskStopped || got.Stop.Reason != "why not" {
		t.Errorf("task %+v, %v", got, err)
	}
	if a := r.allocation(ids[0]); a.Tasks != 0 {
		t.Errorf("allocation %+v", a)
	}
}

func TestStopTaskRefusals(t *testing.T) {
	r := newTaskRoom(t)
	tests := map[string]struct{ cluster, task, code, text string }{
		"unknown":         {"", strings.Repeat("0", 32), "InvalidParameterException", "The referenced task was not found."},
		"bad length":      {"", "12", "InvalidParameterException", "taskId length should be one of [32,36]"},
		"other cluster":   {"", r.s.ARN("task/x/" + strings.Repeat("0", 32)), "InvalidParameterException", "Identifier is for x. Your cluster is default"},
		"other account":   {"", "arn:aws:ecs:eu-west-3:999999999999:task/default/" + strings.Repeat("0", 32), "InvalidParameterException", "Invalid identifier"},
		"no task":         {"", r.s.ARN("service/default/x"), "InvalidParameterException", "Invalid identifier"},
		"unknown cluster": {"nope", strings.Repeat("0", 32), "ClusterNotFoundException", "Cluster not found."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := r.StopTask(t.Context(), r.s, Caller{}, tt.cluster, tt.task, "")
			e, ok := errors.AsType[*apierr.Error](err)
			if !ok || e.Code != tt.code || !strings.Contains(e.Message, tt.text) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestStopTasksOfInstance(t *testing.T) {
	r := newTaskRoom(t)
	ids := r.instances(2)
	r.define("web", nil)
	tasks, _ := r.run(RunTaskRequest{TaskOptions: taskOptions("web"), Count: 10})
	if err := r.StopTasksOfInstance(t.Context(), r.s, "default", ids[0], StopHostTerminated("i-1")); err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		got := r.task(task.ID)
		if gone := got.Instance == ids[0]; gone != got.Ended() || gone && got.Stop.Reason != "Host EC2 (instance i-1) terminated." {
			t.Errorf("task on %s: %s, %+v", got.Instance, got.LastStatus, got.Stop)
		}
	}
	if a := r.allocation(ids[0]); a.Tasks != 0 || a.Used.Memory != 0 {
		t.Errorf("allocation %+v", a)
	}
	if a := r.allocation(ids[1]); a.Tasks == 0 {
		t.Errorf("allocation %+v", a)
	}
}

func TestStopTasksInOneBatch(t *testing.T) {
	r := newTaskRoom(t)
	r.instances(2)
	r.define("web", nil)
	tasks, _ := r.run(RunTaskRequest{TaskOptions: taskOptions("web"), Count: 10})
	keys := []string{"nothing/there"}
	for _, task := range tasks {
		keys = append(keys, task.Key())
	}
	before := r.st.Snapshot().Revision()
	for range 2 {
		if err := r.StopTasks(t.Context(), keys, StopByScaling("ecs-svc/1")); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.st.Snapshot().Revision() - before; n != 1 {
		t.Errorf("%d transactions", n)
	}
	for _, task := range tasks {
		if got := r.task(task.ID); got.DesiredStatus != TaskStopped || *got.Stop != StopByScaling("ecs-svc/1") {
			t.Errorf("task %+v", got)
		}
	}
}

// Reports, stops and placements at once leave the allocations equal to what the
// tasks hold.
func TestAllocationsAlwaysAddUp(t *testing.T) {
	r := newTaskRoom(t)
	ids := r.instances(2)
	r.define("web", nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				tasks, _, err := r.RunTask(t.Context(), r.s, Caller{}, RunTaskRequest{TaskOptions: taskOptions("web"), Count: 2})
				if err != nil {
					t.Error(err)
				}
				for i, task := range tasks {
					rep := TaskReport{Status: []string{TaskRunning, TaskStopped}[i%2]}
					if err := r.SubmitTaskState(t.Context(), r.s, Caller{}, "", task.ARN(), rep); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	held := map[string]Resources{}
	count := map[string]int{}
	for task := range Tasks.List(r.st.Snapshot(), r.s.Prefix("default")) {
		if !task.Ended() {
			held[task.Instance] = held[task.Instance].plus(task.Need)
			count[task.Instance]++
		}
	}
	for _, id := range ids {
		a := r.allocation(id)
		if a.Used.CPU != held[id].CPU || a.Used.Memory != held[id].Memory || a.Tasks != count[id] || a.Groups["family:web"] != count[id] {
			t.Errorf("instance %s: %+v, tasks hold %+v of %d", id, a, held[id], count[id])
		}
	}
}

func TestSubmitFromElsewhere(t *testing.T) {
	r := newTaskRoom(t)
	r.instances(2)
	r.define("web", nil)
	tasks, _ := r.run(RunTaskRequest{TaskOptions: taskOptions("web")})
	unknown := r.s.ARN("task/default/" + strings.Repeat("f", 32))
	if err := r.SubmitTaskState(t.Context(), r.s, Caller{}, "default", unknown, TaskReport{Status: TaskStopped}); err != nil {
		t.Errorf("unknown task: %v", err)
	}
	if err := r.SubmitTaskState(t.Context(), r.s, Caller{}, "nope", tasks[0].ARN(), TaskReport{Status: TaskRunning}); !apierr.Is(err, "ClusterNotFoundException") {
		t.Errorf("unknown cluster: %v", err)
	}
	role := "arn:aws:sts::123456789012:assumed-role/ecsInstanceRole/"
	own, _ := Instances.Get(r.st.Snapshot(), r.s.Key("default", tasks[0].Instance))
	if err := r.SubmitTaskState(t.Context(), r.s, Caller{role + "i-99"}, "", tasks[0].ARN(), TaskReport{Status: TaskRunning}); !apierr.Is(err, "AccessDeniedException") {
		t.Errorf("another instance: %v", err)
	}
	if err := r.SubmitTaskState(t.Context(), r.s, Caller{role + own.EC2InstanceID}, "", tasks[0].ARN(), TaskReport{Status: TaskRunning}); err != nil {
		t.Errorf("its own instance: %v", err)
	}
	if got := r.task(tasks[0].ID); got.LastStatus != TaskRunning {
		t.Errorf("task is %s", got.LastStatus)
	}
}

func TestExpireStopped(t *testing.T) {
	r := newTaskRoom(t)
	r.instances(1)
	r.define("web", nil)
	tasks, _ := r.run(RunTaskRequest{TaskOptions: taskOptions("web"), Count: 3, ClientToken: "t"})
	r.report(tasks[0], TaskReport{Status: TaskStopped})
	r.report(tasks[1], TaskReport{Status: TaskStopped})
	now := apiNow()
	expire := func(now time.Time, most int) int {
		t.Helper()
		n, err := r.ExpireStopped(t.Context(), now, time.Second, most)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := expire(now.Add(59*time.Minute), 10); n != 0 {
		t.Errorf("%d expired within the hour", n)
	}
	if n := expire(now.Add(61*time.Minute), 1); n != 1 {
		t.Errorf("%d expired, 1 allowed", n)
	}
	if n := expire(now.Add(61*time.Minute), 10); n != 1 {
		t.Errorf("%d expired", n)
	}
	if n := expire(now.Add(25*time.Hour), 10); n != 1 {
		t.Errorf("%d expired after a day: the token", n)
	}
	r.task(tasks[2].ID)
}

func TestTaskProtection(t *testing.T) {
	r := newTaskRoom(t)
	r.instances(1)
	r.define("web", nil)
	tasks, _ := r.run(RunTaskRequest{TaskOptions: taskOptions("web"), Count: 2})
	r.put(func(tx *store.Tx) {
		next := tasks[0].clone()
		next.Service = "web"
		Tasks.Put(tx, next)
	})
	unknown := strings.Repeat("f", 32)
	refs := []string{tasks[0].ID, tasks[1].ARN(), unknown}
	protected, failures, err := r.UpdateTaskProtection(t.Context(), r.s, "default", refs, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(protected) != 1 || protected[0].ARN != tasks[0].ARN() || protected[0].ExpiresAt.Sub(apiNow()).Round(time.Minute) != 2*time.Hour {
		t.Errorf("protected %+v", protected)
	}
	if len(failures) != 2 || failures[0].Reason != "TASK_NOT_VALID" || failures[1].Reason != "MISSING" || failures[1].ARN != r.s.taskARN("default", unknown) {
		t.Errorf("failures %+v", failures)
	}
	if !r.task(tasks[0].ID).Protected(apiNow()) || r.task(tasks[0].ID).Protected(apiNow().Add(3*time.Hour)) {
		t.Error("protection does not hold, or does not end")
	}
	got, _, err := r.GetTaskProtection(t.Context(), r.s, "default", refs[:1])
	if err != nil || len(got) != 1 || got[0] != protected[0] {
		t.Errorf("got %+v, %v", got, err)
	}
	off, _, err := r.UpdateTaskProtection(t.Context(), r.s, "default", refs[:1], false, new(int32(5)))
	if err != nil || len(off) != 1 || !off[0].ExpiresAt.IsZero() || r.task(tasks[0].ID).Protection != nil {
		t.Errorf("off %+v, %v", off, err)
	}
	for _, minutes := range []int32{0, 2881} {
		if _, _, err := r.UpdateTaskProtection(t.Context(), r.s, "default", refs, true, &minutes); !apierr.Is(err, "InvalidParameterException") {
			t.Errorf("%d minutes: %v", minutes, err)
		}
	}
}

func TestListTasks(t *testing.T) {
	r := newTaskRoom(t)
	ids := r.instances(2)
	r.define("web", nil)
	r.define("job", nil)
	web, _ := r.run(RunTaskRequest{TaskOptions: taskOptions("web"), Count: 5})
	o := taskOptions("job")
	o.StartedBy = "me"
	job, _ := r.run(RunTaskRequest{TaskOptions: o, Count: 5})
	if _, err := r.StopTask(t.Context(), r.s, Caller{}, "", job[0].ID, ""); err != nil {
		t.Fatal(err)
	}
	r.put(func(tx *store.Tx) {
		Services.Put(tx, &Service{Scope: r.s, Cluster: "default", Name: "svc", Status: StatusActive})
		next := web[0].clone()
		next.Service = "svc"
		Tasks.Put(tx, next)
	})
	list := func(req ListTasksRequest) int {
		t.Helper()
		arns, next, err := r.ListTasks(t.Context(), r.s, req)
		if err != nil || next != "" {
			t.Fatal(next, err)
		}
		return len(arns)
	}
	onFirst := 0
	for _, task := range append(web, job[1:]...) {
		if task.Instance == ids[0] {
			onFirst++
		}
	}
	tests := map[string]struct {
		req  ListTasksRequest
		want int
	}{
		"running by default": {ListTasksRequest{}, 9},
		"stopped":            {ListTasksRequest{DesiredStatus: "STOPPED"}, 1},
		"pending is nothing": {ListTasksRequest{DesiredStatus: "PENDING"}, 0},
		"family":             {ListTasksRequest{Family: "web"}, 5},
		"family stopped":     {ListTasksRequest{Family: "job", DesiredStatus: "STOPPED"}, 1},
		"startedBy":          {ListTasksRequest{StartedBy: "me"}, 4},
		"service":            {ListTasksRequest{ServiceName: "svc"}, 1},
		"service by ARN":     {ListTasksRequest{ServiceName: r.s.ARN("service/default/svc")}, 1},
		"service and family": {ListTasksRequest{ServiceName: "svc", Family: "job"}, 0},
		"instance":           {ListTasksRequest{ContainerInstance: ids[0]}, onFirst},
		"launch type":        {ListTasksRequest{LaunchType: "FARGATE"}, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := list(tt.req); got != tt.want {
				t.Errorf("%d tasks, want %d", got, tt.want)
			}
		})
	}
	seen := map[string]bool{}
	req := ListTasksRequest{MaxResults: new(int32(2))}
	for {
		arns, next, err := r.ListTasks(t.Context(), r.s, req)
		if err != nil {
			t.Fatal(err)
		}
		for _, arn := range arns {
			if seen[arn] {
				t.Errorf("%s twice", arn)
			}
			seen[arn] = true
		}
		if next == "" {
			break
		}
		req.NextToken = next
	}
	if len(seen) != 9 {
		t.Errorf("pages held %d tasks", len(seen))
	}
	for name, bad := range map[string]ListTasksRequest{
		"token":               {NextToken: "x"},
		"token of other list": {NextToken: req.NextToken, Family: "web", MaxResults: new(int32(1))},
		"maxResults":          {MaxResults: new(int32(101))},
		"startedBy and more":  {StartedBy: "me", Family: "job"},
	} {
		if _, _, err := r.ListTasks(t.Context(), r.s, bad); !apierr.Is(err, "InvalidParameterException") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := r.ListTasks(t.Context(), r.s, ListTasksRequest{ServiceName: "nope"}); !apierr.Is(err, "ServiceNotFoundException") {
		t.Errorf("unknown service: %v", err)
	}
}

func TestPlaceServiceTasksAndTheirDigests(t *testing.T) {
	r := newTaskRoom(t)
	r.instances(3)
	def := r.define("web", nil)
	svc := &Service{Scope: r.s, Cluster: "default", Name: "svc", Status: StatusActive, SchedulingStrategy: SchedulingReplica,
		PropagateTags: "SERVICE", EnableECSManagedTags: true, Tags: []tag.Tag{{Key: "team", Value: "x"}}}
	d := &Deployment{Scope: r.s, Cluster: "default", Service: "svc", ID: "ecs-svc/1", Seq: 1, Status: DeploymentPrimary, TaskDefinition: def.ARN()}
	r.put(func(tx *store.Tx) { Services.Put(tx, svc); Deployments.Put(tx, d) })
	tasks, refusals, err := r.PlaceServiceTasks(t.Context(), PlaceRequest{Service: svc, Deployment: d, Count: 3})
	if err != nil || len(tasks) != 3 || len(refusals) != 0 {
		t.Fatal(tasks, refusals, err)
	}
	zones := map[string]bool{}
	for _, task := range tasks {
		zones[task.AvailabilityZone] = true
		if task.Service != "svc" || task.Deployment != "ecs-svc/1" || task.StartedBy != "ecs-svc/1" || task.Group != "service:svc" || len(task.Tags) != 3 {
			t.Errorf("task %+v", task)
		}
	}
	if len(zones) != 3 {
		t.Errorf("zones %v", zones)
	}
	r.report(tasks[0], TaskReport{Status: TaskPending, Containers: []ContainerReport{{Name: "app", Status: ContainerPending, ImageDigest: "sha256:first"}}})
	r.report(tasks[1], TaskReport{Status: TaskPending, Containers: []ContainerReport{{Name: "app", Status: ContainerPending, ImageDigest: "sha256:second"}}})
	snap := r.st.Snapshot()
	p, err := r.PayloadOf(snap, tasks[2], "")
	if err != nil || p.Containers[0].Image != "registry.test/app@sha256:first" {
		t.Errorf("image %s, %v", p.Containers[0].Image, err)
	}
	r.put(func(tx *store.Tx) {
		next := *svc
		next.Status = StatusDraining
		Services.Put(tx, &next)
	})
	tasks, _, err = r.PlaceServiceTasks(t.Context(), PlaceRequest{Service: svc, Deployment: d, Count: 1})
	if err != nil || len(tasks) != 0 {
		t.Errorf("a draining service got %v, %v", tasks, err)
	}
}

func TestConnectionsBelongToTheirSession(t *testing.T) {
	r := newTaskRoom(t)
	ids := r.instances(1)
	read := func() *ContainerInstance {
		inst, _ := Instances.Get(r.st.Snapshot(), r.s.Key("default", ids[0]))
		return inst
	}
	for _, id := range []string{"a", "b"} {
		if err := r.ConnectAgent(t.Context(), r.s, "default", ids[0], AgentConnection{ID: id, AgentVersion: id}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.DisconnectAgent(t.Context(), r.s, "default", ids[0], "a"); err != nil || !read().AgentConnected || read().AgentVersion != "b" {
		t.Errorf("the old session disconnected the new one: %+v, %v", read(), err)
	}
	r.reopen()
	if err := r.ResetConnections(t.Context()); err != nil || read().AgentConnected {
		t.Errorf("connection outlived the server: %v", err)
	}
	if err := r.ConnectAgent(t.Context(), r.s, "default", "nobody", AgentConnection{}); !apierr.Is(err, "InactiveInstanceException") {
		t.Errorf("unknown instance: %v", err)
	}
}
