package ecs

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

var (
	reportedAt = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	stopCodes  = map[string]bool{
		StopCodeEssentialExited: true, StopCodeFailedToStart: true, StopCodeUser: true, StopCodeServiceScheduler: true,
	}
)

// pendingTask has an essential container "app" and a second one "side".
func pendingTask() *Task {
	return &Task{
		Cluster: "default", ID: "1", DesiredStatus: TaskRunning, LastStatus: TaskPending, Version: 1,
		Containers: []Container{
			{Name: "app", Essential: true, LastStatus: ContainerPending},
			{Name: "side", LastStatus: ContainerPending},
		},
	}
}

func runningTask() *Task {
	t := pendingTask()
	t.LastStatus, t.StartedAt = TaskRunning, reportedAt.Add(-time.Minute)
	for i := range t.Containers {
		t.Containers[i].LastStatus = ContainerRunning
	}
	return t
}

func stoppingTask(stop Stop) *Task {
	t := runningTask()
	t.want(stop, reportedAt.Add(-time.Second))
	return t
}

func TestReportDecidesWhyATaskStopped(t *testing.T) {
	exit := func(code int32) *int32 { return &code }
	app := func(c ContainerReport) []ContainerReport {
		c.Name, c.Status = "app", ContainerStopped
		return []ContainerReport{c}
	}
	pull := "CannotPullContainerError: no such image"
	tests := map[string]struct {
		task *Task
		rep  TaskReport
		want Stop
	}{
		"essential container exits with 0": {runningTask(), TaskReport{Status: TaskStopped, Containers: app(ContainerReport{ExitCode: exit(0)})}, StopEssentialExit()},
		"essential container exits with 3": {runningTask(), TaskReport{Status: TaskStopped, Containers: app(ContainerReport{ExitCode: exit(3)})}, StopEssentialExit()},
		"out of memory": {runningTask(), TaskReport{Status: TaskStopped, Containers: app(ContainerReport{
			ExitCode: exit(137), Reason: "OutOfMemoryError: Container killed due to memory usage"})}, StopEssentialExit()},
		"ran too briefly to be reported": {pendingTask(), TaskReport{Status: TaskStopped, Containers: app(ContainerReport{ExitCode: exit(1)})}, StopEssentialExit()},
		"image cannot be pulled": {pendingTask(), TaskReport{Status: TaskStopped, Containers: app(ContainerReport{Reason: pull})},
			StopFailedToStart(pull)},
		"the task's own reason wins": {pendingTask(), TaskReport{Status: TaskStopped, Reason: "ResourceInitializationError: secret",
			Containers: app(ContainerReport{Reason: pull})}, StopFailedToStart("ResourceInitializationError: secret")},
		"cannot start, with an exit code": {pendingTask(), TaskReport{Status: TaskStopped, Containers: app(ContainerReport{
			ExitCode: exit(128), Reason: "CannotStartContainerError: no such file"})}, StopFailedToStart("CannotStartContainerError: no such file")},
		"no reason at all":        {pendingTask(), TaskReport{Status: TaskStopped}, StopFailedToStart("")},
		"the user decided before": {stoppingTask(StopByUser("bye")), TaskReport{Status: TaskStopped, Containers: app(ContainerReport{ExitCode: exit(143)})}, StopByUser("bye")},
		"the service decided":     {stoppingTask(StopByScaling("ecs-svc/1")), TaskReport{Status: TaskStopped}, StopByScaling("ecs-svc/1")},
		"agent does not know it":  {stoppingTask(StopByUser("")), TaskReport{Status: TaskStopped, Reason: "TaskStateError: x"}, StopByUser("")},
		"out of memory at the start": {pendingTask(), TaskReport{Status: TaskStopped, Containers: app(ContainerReport{
			ExitCode: exit(137), Reason: "OutOfMemoryError: Container killed due to memory usage"})}, StopEssentialExit()},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := tt.task.observed(tt.rep, nil, reportedAt)
			if got.LastStatus != TaskStopped || got.DesiredStatus != TaskStopped || got.StoppedAt != reportedAt {
				t.Errorf("task is %+v", got)
			}
			if got.Stop == nil || *got.Stop != tt.want {
				t.Errorf("stopped for %+v, want %+v", got.Stop, tt.want)
			}
			if got.Version != tt.task.Version+1 {
				t.Errorf("version %d after %d", got.Version, tt.task.Version)
			}
		})
	}
}

func TestReportSteps(t *testing.T) {
	pulled := reportedAt.Add(-2 * time.Second)
	task := pendingTask()
	step := func(rep TaskReport) *Task {
		next := task.observed(rep, nil, reportedAt)
		task = next
		return next
	}
	got := step(TaskReport{Status: TaskPending, Containers: []ContainerReport{{Name: "app", Status: ContainerPending, ImageDigest: "sha256:1"}}})
	if got.LastStatus != TaskPending || got.Version != 2 || got.Connectivity != "CONNECTED" || got.Containers[0].ImageDigest != "sha256:1" {
		t.Errorf("after PENDING: %+v", got)
	}
	got = step(TaskReport{Status: TaskRunning, PullStartedAt: pulled, PullStoppedAt: reportedAt, Containers: []ContainerReport{
		{Name: "side", Status: ContainerRunning, RuntimeID: "s"}, {Name: "app", Status: ContainerRunning, RuntimeID: "a",
			Bindings: []NetworkBinding{{BindIP: "0.0.0.0", ContainerPort: 80, HostPort: 32768, Protocol: "tcp"}}},
		{Name: "side", Status: ContainerStopped, ExitCode: new(int32(0))},
	}})
	if got.LastStatus != TaskRunning || got.StartedAt != reportedAt || got.PullStartedAt != pulled || got.DesiredStatus != TaskRunning {
		t.Errorf("after RUNNING: %+v", got)
	}
	if c := got.Containers[1]; c.LastStatus != ContainerStopped || *c.ExitCode != 0 || c.RuntimeID != "s" {
		t.Errorf("list order was not kept: %+v", c)
	}
	got = step(TaskReport{Status: TaskRunning, Containers: []ContainerReport{{Name: "app", Status: ContainerStopped, ExitCode: new(int32(2))}}})
	if got.LastStatus != TaskStopping || got.DesiredStatus != TaskStopped || *got.Stop != StopEssentialExit() || got.StoppingAt != reportedAt || got.ExecutionStoppedAt != reportedAt {
		t.Errorf("after the essential container: %+v", got)
	}
	got = step(TaskReport{Status: TaskStopped})
	if got.LastStatus != TaskStopped || *got.Stop != StopEssentialExit() || got.Version != 5 {
		t.Errorf("after STOPPED: %+v", got)
	}
	if step(TaskReport{Status: TaskRunning}) != got {
		t.Error("a late report changed a stopped task")
	}
}

func TestRepeatedReportChangesNothing(t *testing.T) {
	rep := TaskReport{Status: TaskRunning, PullStartedAt: reportedAt, Containers: []ContainerReport{{Name: "app", Status: ContainerRunning, RuntimeID: "a",
		Bindings: []NetworkBinding{{ContainerPort: 81, HostPort: 2}, {ContainerPort: 80, HostPort: 1}}}}}
	once := pendingTask().observed(rep, nil, reportedAt)
	rep.Containers[0].Bindings = []NetworkBinding{{ContainerPort: 80, HostPort: 1}, {ContainerPort: 81, HostPort: 2}}
	if twice := once.observed(rep, nil, reportedAt.Add(time.Hour)); twice != once {
		t.Error(cmp.Diff(once, twice))
	}
}

func TestHostNetworkBindingsAreMadeUp(t *testing.T) {
	def := &TaskDefinition{Definition: ecsshape.TaskDefinition{NetworkMode: new("host"), ContainerDefinitions: []ecsshape.ContainerDefinition{{
		Name: new("app"), PortMappings: []ecsshape.PortMapping{{ContainerPort: new(int32(80))}, {ContainerPort: new(int32(53)), Protocol: new("udp")}},
	}}}}
	got := pendingTask().observed(TaskReport{Status: TaskRunning, Containers: []ContainerReport{{Name: "app", Status: ContainerRunning}}}, def, reportedAt)
	want := []NetworkBinding{
		{BindIP: "0.0.0.0", ContainerPort: 53, HostPort: 53, Protocol: "udp"},
		{BindIP: "0.0.0.0", ContainerPort: 80, HostPort: 80, Protocol: "tcp"},
	}
	if diff := cmp.Diff(want, got.Containers[0].Bindings); diff != "" {
		t.Error(diff)
	}
}

// Whatever reports and decisions come in whatever order, a task only moves
// forward, keeps its first reason, and has one once it stops.
func TestTaskOnlyMovesForward(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		task := pendingTask()
		status := rapid.SampledFrom([]string{"", TaskPending, TaskRunning, TaskStopped, "NONSENSE"})
		container := rapid.Custom(func(t *rapid.T) ContainerReport {
			rep := ContainerReport{
				Name:   rapid.SampledFrom([]string{"app", "side", "ghost"}).Draw(t, "name"),
				Status: rapid.SampledFrom([]string{"", ContainerPending, ContainerRunning, ContainerStopped}).Draw(t, "container"),
				Reason: rapid.SampledFrom([]string{"", "CannotPullContainerError: x"}).Draw(t, "reason"),
			}
			if rapid.Bool().Draw(t, "exited") {
				rep.ExitCode = new(int32(1))
			}
			return rep
		})
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			before := task
			if rapid.Bool().Draw(t, "decided") {
				task = task.clone()
				if !task.Ended() {
					task.want(StopByUser(""), reportedAt)
				}
			} else {
				task = task.observed(TaskReport{
					Status: status.Draw(t, "status"), Containers: rapid.SliceOfN(container, 0, 3).Draw(t, "containers"),
				}, nil, reportedAt)
			}
			checkForward(t, before, task)
		}
	})
}

func checkForward(t *rapid.T, before, after *Task) {
	if isLater(taskOrder, before.LastStatus, after.LastStatus) {
		t.Fatalf("status went from %s to %s", before.LastStatus, after.LastStatus)
	}
	if before.DesiredStatus == TaskStopped && (after.DesiredStatus != TaskStopped || *before.Stop != *after.Stop) {
		t.Fatalf("decision %+v became %+v", before.Stop, after.Stop)
	}
	if after.DesiredStatus == TaskStopped && (after.Stop == nil || !stopCodes[after.Stop.Code] || after.StoppingAt.IsZero()) {
		t.Fatalf("stops without a reason: %+v", after)
	}
	if after.Ended() && (after.DesiredStatus != TaskStopped || after.StoppedAt.IsZero()) {
		t.Fatalf("ended as %+v", after)
	}
	for i := range before.Containers {
		if isLater(containerOrder, before.Containers[i].LastStatus, after.Containers[i].LastStatus) {
			t.Fatalf("container went from %s to %s", before.Containers[i].LastStatus, after.Containers[i].LastStatus)
		}
	}
}

func TestTaskHealth(t *testing.T) {
	container := func(essential, check bool, health string) Container {
		return Container{Essential: essential, HasCheck: check, Health: health}
	}
	tests := map[string]struct {
		containers []Container
		want       string
	}{
		"no check":             {[]Container{container(true, false, HealthUnknown)}, HealthUnknown},
		"healthy":              {[]Container{container(true, true, HealthHealthy)}, HealthHealthy},
		"one unhealthy":        {[]Container{container(true, true, HealthHealthy), container(true, true, HealthUnhealthy)}, HealthUnhealthy},
		"one unknown":          {[]Container{container(true, true, HealthUnknown), container(true, true, HealthHealthy)}, HealthUnknown},
		"unhealthy beats":      {[]Container{container(true, true, HealthUnknown), container(true, true, HealthUnhealthy)}, HealthUnhealthy},
		"not essential":        {[]Container{container(true, true, HealthHealthy), container(false, true, HealthUnhealthy)}, HealthHealthy},
		"others have no check": {[]Container{container(true, true, HealthHealthy), container(true, false, HealthUnknown)}, HealthHealthy},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := (&Task{Containers: tt.containers}).health(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
