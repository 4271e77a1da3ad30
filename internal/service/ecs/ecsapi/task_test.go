package ecsapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsapi"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/wire"
)

type taskKeys struct{}

func (taskKeys) Key(_ context.Context, id, _ string) (wire.Credential, bool, error) {
	return wire.Credential{AccessKeyID: id, SecretAccessKey: "secret", Principal: wire.Principal{
		ARN: "arn:aws:iam::123456789012:root", Account: "123456789012",
	}}, true, nil
}

// taskAPI is the ECS API on a socket over a real store, with one instance and
// two definitions.
type taskAPI struct {
	*sdk.Client
	room *ecs.Room
	s    ecs.Scope
	last []byte // body of the last answer
}

func newTaskAPI(t *testing.T) *taskAPI {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()}, ecs.Tables()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	a := &taskAPI{room: ecs.New(st, ecs.Config{}), s: ecs.Scope{Account: "123456789012", Region: "eu-west-3"}}
	mux := wire.NewMux(wire.Config{Keys: taskKeys{}})
	ecsapi.Register(mux, a.room)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	a.Client = sdk.NewFromConfig(aws.Config{
		Region: a.s.Region, BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
		HTTPClient:  &http.Client{Transport: a, Timeout: time.Minute},
	})
	err = st.Update(t.Context(), func(tx *store.Tx) error {
		ecs.Clusters.Put(tx, &ecs.Cluster{Scope: a.s, Name: "default", Status: ecs.StatusActive})
		ecs.Instances.Put(tx, &ecs.ContainerInstance{
			Scope: a.s, Cluster: "default", ID: fmt.Sprintf("%032x", 1), Status: ecs.StatusActive, AgentConnected: true,
			Attributes: []ecs.Attribute{{Name: "ecs.availability-zone", Value: "eu-west-3a"}, {Name: "ecs.cpu-architecture", Value: "x86_64"}},
			Registered: ecs.Resources{CPU: 1024, Memory: 1024},
		})
		ecs.TaskDefinitions.Put(tx, &ecs.TaskDefinition{
			Scope: a.s, Family: "web", Revision: 1, Status: ecs.StatusActive,
			Definition: ecsshape.TaskDefinition{Compatibilities: []string{"EC2"}, ContainerDefinitions: []ecsshape.ContainerDefinition{
				{Name: new("app"), Image: new("app:1"), Cpu: new(int32(10)), Memory: new(int32(64)), Essential: new(true)},
				{Name: new("side"), Image: new("side:1"), MemoryReservation: new(int32(16)), Essential: new(false)},
			}},
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// RoundTrip keeps the body of each answer, for what the SDK cannot tell apart.
func (a *taskAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if a.last, err = io.ReadAll(res.Body); err != nil {
		return nil, err
	}
	res.Body.Close()
	res.Body = io.NopCloser(strings.NewReader(string(a.last)))
	return res, nil
}

func TestLifeOfATaskThroughTheSDK(t *testing.T) {
	a := newTaskAPI(t)
	ctx := t.Context()
	run, err := a.RunTask(ctx, &sdk.RunTaskInput{
		TaskDefinition: new("web"), Count: new(int32(1)), StartedBy: new("me"), Tags: []types.Tag{{Key: new("k"), Value: new("v")}},
		Overrides: &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{Name: new("app"), Command: []string{"x"}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(run.Tasks) != 1 || len(run.Failures) != 0 || run.Failures == nil {
		t.Fatalf("answer %s", a.last)
	}
	task := run.Tasks[0]
	if *task.TaskDefinitionArn != "arn:aws:ecs:eu-west-3:123456789012:task-definition/web:1" || *task.Group != "family:web" ||
		*task.LastStatus != "PENDING" || *task.DesiredStatus != "RUNNING" || *task.Cpu != "10" || *task.Memory != "80" ||
		task.LaunchType != types.LaunchTypeEc2 || task.Version != 1 || len(task.Tags) != 1 || task.HealthStatus != types.HealthStatusUnknown ||
		*task.AvailabilityZone != "eu-west-3a" || *task.Attributes[0].Value != "x86_64" || task.EnableExecuteCommand {
		t.Errorf("task %s", a.last)
	}
	arn := *task.TaskArn
	submit := func(status string, containers ...types.ContainerStateChange) {
		t.Helper()
		out, err := a.SubmitTaskStateChange(ctx, &sdk.SubmitTaskStateChangeInput{
			Cluster: new("default"), Task: &arn, Status: &status, Reason: new(""), Containers: containers, PullStartedAt: new(time.Now()),
		})
		if err != nil || *out.Acknowledgment == "" {
			t.Fatal(out, err)
		}
	}
	submit("RUNNING", types.ContainerStateChange{ContainerName: new("app"), Status: new("RUNNING"), RuntimeId: new("r1"), ImageDigest: new("sha256:1"),
		NetworkBindings: []types.NetworkBinding{{BindIP: new("0.0.0.0"), ContainerPort: new(int32(80)), HostPort: new(int32(32768)), Protocol: "tcp"}}})
	waiter := sdk.NewTasksRunningWaiter(a.Client)
	if err := waiter.Wait(ctx, &sdk.DescribeTasksInput{Tasks: []string{arn}}, time.Minute); err != nil {
		t.Error(err)
	}
	if _, err := a.StopTask(ctx, &sdk.StopTaskInput{Task: &arn, Reason: new("enough")}); err != nil {
		t.Fatal(err)
	}
	submit("STOPPED", types.ContainerStateChange{ContainerName: new("app"), Status: new("STOPPED"), ExitCode: new(int32(0))})
	if err := sdk.NewTasksStoppedWaiter(a.Client).Wait(ctx, &sdk.DescribeTasksInput{Tasks: []string{arn}}, time.Minute); err != nil {
		t.Error(err)
	}
	got, err := a.DescribeTasks(ctx, &sdk.DescribeTasksInput{Tasks: []string{arn, strings.Repeat("f", 32)}})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Failures) != 1 || *got.Failures[0].Reason != "MISSING" || !strings.HasSuffix(*got.Failures[0].Arn, ":task/default/"+strings.Repeat("f", 32)) {
		t.Errorf("failures %+v", got.Failures)
	}
	task = got.Tasks[0]
	if task.StopCode != types.TaskStopCodeUserInitiated || *task.StoppedReason != "enough" || *task.Containers[0].ExitCode != 0 || task.StoppedAt == nil {
		t.Errorf("task %s", a.last)
	}
}

// boto3 users index into these without asking whether they are there, and
// Terraform compares them.
func TestEmptyMembersOfATaskAreThere(t *testing.T) {
	a := newTaskAPI(t)
	if _, err := a.RunTask(t.Context(), &sdk.RunTaskInput{TaskDefinition: new("web")}); err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Failures []any            `json:"failures"`
		Tasks    []map[string]any `json:"tasks"`
	}
	if err := json.Unmarshal(a.last, &answer); err != nil {
		t.Fatal(err)
	}
	task := answer.Tasks[0]
	for _, member := range []string{"attachments", "inferenceAccelerators", "tags"} {
		if list, ok := task[member].([]any); !ok || len(list) != 0 {
			t.Errorf("%s is %v", member, task[member])
		}
	}
	side := task["containers"].([]any)[1].(map[string]any)
	for _, member := range []string{"networkBindings", "networkInterfaces"} {
		if list, ok := side[member].([]any); !ok || len(list) != 0 {
			t.Errorf("containers[].%s is %v", member, side[member])
		}
	}
	if side["cpu"] != "0" || side["memoryReservation"] != "16" || side["memory"] != nil || side["healthStatus"] != "UNKNOWN" || side["exitCode"] != nil {
		t.Errorf("container %v", side)
	}
	overrides := task["overrides"].(map[string]any)
	names := overrides["containerOverrides"].([]any)
	if len(names) != 2 || names[1].(map[string]any)["name"] != "side" {
		t.Errorf("overrides %v", overrides)
	}
	if _, ok := overrides["inferenceAcceleratorOverrides"].([]any); !ok {
		t.Errorf("overrides %v", overrides)
	}
	for _, absent := range []string{"stopCode", "stoppedReason", "startedAt", "startedBy", "connectivity"} {
		if _, ok := task[absent]; ok {
			t.Errorf("%s is there", absent)
		}
	}
	if answer.Failures == nil {
		t.Error("failures is absent")
	}
	if _, err := a.ListTasks(t.Context(), &sdk.ListTasksInput{Family: new("nothing")}); err != nil || !strings.Contains(string(a.last), `"taskArns":[]`) {
		t.Errorf("%s, %v", a.last, err)
	}
}

func TestTaskPagesThroughTheSDK(t *testing.T) {
	a := newTaskAPI(t)
	if _, err := a.RunTask(t.Context(), &sdk.RunTaskInput{TaskDefinition: new("web"), Count: new(int32(7))}); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	pages := sdk.NewListTasksPaginator(a.Client, &sdk.ListTasksInput{MaxResults: new(int32(3))})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, arn := range page.TaskArns {
			seen[arn] = true
		}
	}
	if len(seen) != 7 {
		t.Errorf("%d tasks", len(seen))
	}
}

func TestTaskErrorsThroughTheSDK(t *testing.T) {
	a := newTaskAPI(t)
	ctx := t.Context()
	_, err := a.RunTask(ctx, &sdk.RunTaskInput{TaskDefinition: new("web"), Cluster: new("nope")})
	if _, ok := errors.AsType[*types.ClusterNotFoundException](err); !ok {
		t.Errorf("unknown cluster: %v", err)
	}
	_, err = a.RunTask(ctx, &sdk.RunTaskInput{TaskDefinition: new("nope")})
	if e, ok := errors.AsType[*types.ClientException](err); !ok || e.ErrorMessage() != "TaskDefinition not found." {
		t.Errorf("unknown definition: %v", err)
	}
	if _, err := a.RunTask(ctx, &sdk.RunTaskInput{TaskDefinition: new("web"), ClientToken: new("t")}); err != nil {
		t.Fatal(err)
	}
	_, err = a.RunTask(ctx, &sdk.RunTaskInput{TaskDefinition: new("web"), ClientToken: new("t"), Count: new(int32(2))})
	if e, ok := errors.AsType[*types.ConflictException](err); !ok || len(e.ResourceIds) != 1 {
		t.Errorf("token with other parameters: %v", err)
	}
	_, err = a.DescribeTasks(ctx, &sdk.DescribeTasksInput{Tasks: []string{}})
	if _, ok := errors.AsType[*types.InvalidParameterException](err); !ok {
		t.Errorf("no tasks: %v", err)
	}
	huge, err := a.RunTask(ctx, &sdk.RunTaskInput{TaskDefinition: new("web"), Overrides: &types.TaskOverride{Cpu: new("4 vCPU")}})
	if err != nil || len(huge.Tasks) != 0 || *huge.Failures[0].Reason != "RESOURCE:CPU" {
		t.Errorf("%s, %v", a.last, err)
	}
}

func TestProtectionThroughTheSDK(t *testing.T) {
	a := newTaskAPI(t)
	run, err := a.RunTask(t.Context(), &sdk.RunTaskInput{TaskDefinition: new("web")})
	if err != nil {
		t.Fatal(err)
	}
	out, err := a.UpdateTaskProtection(t.Context(), &sdk.UpdateTaskProtectionInput{
		Cluster: new("default"), Tasks: []string{*run.Tasks[0].TaskArn}, ProtectionEnabled: true,
	})
	if err != nil || len(out.ProtectedTasks) != 0 || *out.Failures[0].Reason != "TASK_NOT_VALID" {
		t.Errorf("%s, %v", a.last, err)
	}
}

func TestManagedAgentsThroughTheSDK(t *testing.T) {
	a := newTaskAPI(t)
	err := a.room.Store().Update(t.Context(), func(tx *store.Tx) error {
		inst, _ := ecs.Instances.Get(tx, a.s.Key("default", fmt.Sprintf("%032x", 1)))
		next := *inst
		next.Attributes = []ecs.Attribute{{Name: "ecs.capability.execute-command"}}
		ecs.Instances.Put(tx, &next)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	run, err := a.RunTask(t.Context(), &sdk.RunTaskInput{TaskDefinition: new("web"), EnableExecuteCommand: true})
	if err != nil || len(run.Tasks) != 1 {
		t.Fatalf("%s, %v", a.last, err)
	}
	if m := run.Tasks[0].Containers[0].ManagedAgents; len(m) != 1 || m[0].Name != types.ManagedAgentNameExecuteCommandAgent || *m[0].LastStatus != "PENDING" || m[0].LastStartedAt != nil {
		t.Errorf("new: %s", a.last)
	}
	arn := run.Tasks[0].TaskArn
	_, err = a.SubmitTaskStateChange(t.Context(), &sdk.SubmitTaskStateChangeInput{
		Task: arn, Status: new("RUNNING"),
		Containers: []types.ContainerStateChange{{ContainerName: new("app"), Status: new("RUNNING")}, {ContainerName: new("side"), Status: new("RUNNING")}},
		ManagedAgents: []types.ManagedAgentStateChange{
			{ContainerName: new("app"), ManagedAgentName: types.ManagedAgentNameExecuteCommandAgent, Status: new("RUNNING")},
			{ContainerName: new("side"), ManagedAgentName: types.ManagedAgentNameExecuteCommandAgent, Status: new("STOPPED"), Reason: new("no programs")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := a.DescribeTasks(t.Context(), &sdk.DescribeTasksInput{Tasks: []string{*arn}})
	if err != nil {
		t.Fatal(err)
	}
	app, side := got.Tasks[0].Containers[0].ManagedAgents[0], got.Tasks[0].Containers[1].ManagedAgents[0]
	if *app.LastStatus != "RUNNING" || app.LastStartedAt == nil || *side.LastStatus != "STOPPED" || *side.Reason != "no programs" {
		t.Errorf("reported: %s", a.last)
	}
}
