//go:build e2e

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// web is a container of the web image that runs a command of it.
func (s *site) web(name string, command ...string) types.ContainerDefinition {
	return types.ContainerDefinition{
		Name: &name, Image: &s.image, Memory: aws.Int32(32), Essential: aws.Bool(true), Command: command,
	}
}

// register registers a task definition of these containers and returns its ARN.
func (s *site) register(t *testing.T, family string, containers ...types.ContainerDefinition) string {
	t.Helper()
	return s.registerInput(t, &ecs.RegisterTaskDefinitionInput{Family: &family, ContainerDefinitions: containers})
}

func (s *site) registerInput(t *testing.T, in *ecs.RegisterTaskDefinitionInput) string {
	t.Helper()
	out, err := s.aws.ECS.RegisterTaskDefinition(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return *out.TaskDefinition.TaskDefinitionArn
}

// run starts one task of a definition, which is stopped when the test ends.
func (s *site) run(t *testing.T, definition string, change ...func(*ecs.RunTaskInput)) string {
	t.Helper()
	in := &ecs.RunTaskInput{TaskDefinition: &definition}
	for _, c := range change {
		c(in)
	}
	tasks, failures := s.runAll(t, in)
	if len(tasks) != 1 || len(failures) != 0 {
		t.Fatalf("RunTask started %d tasks, failures %v", len(tasks), viewFailures(failures))
	}
	return *tasks[0].TaskArn
}

// runAll is RunTask; its tasks are stopped when the test ends.
func (s *site) runAll(t *testing.T, in *ecs.RunTaskInput) ([]types.Task, []types.Failure) {
	t.Helper()
	out, err := s.aws.ECS.RunTask(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range out.Tasks {
		s.stopAtEnd(t, *task.TaskArn)
	}
	return out.Tasks, out.Failures
}

// stopAtEnd stops a task when the test ends, so that its room is free for others.
func (s *site) stopAtEnd(t *testing.T, arn string) {
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() {
		_, err := s.aws.ECS.StopTask(ctx, &ecs.StopTaskInput{Task: &arn})
		if err != nil && !t.Failed() {
			t.Errorf("stop %s: %v", arn, err)
		}
	})
}

func (s *site) describe(t *testing.T, arn string) types.Task {
	t.Helper()
	out, err := s.aws.ECS.DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Tasks: []string{arn}})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Tasks) != 1 {
		t.Fatalf("DescribeTasks of %s: %+v", arn, out.Failures)
	}
	return out.Tasks[0]
}

// await waits until a task has a status; a task that has stopped instead fails
// the test.
func (s *site) await(t *testing.T, arn, status string) types.Task {
	t.Helper()
	return eventually(t, "task "+status, func() (taskView, bool) {
		task := s.describe(t, arn)
		if now := aws.ToString(task.LastStatus); now == "STOPPED" && status != "STOPPED" {
			t.Fatalf("task %s stopped: %v", arn, taskView{task})
		} else {
			return taskView{task}, now == status
		}
		return taskView{}, false
	}).Task
}

// taskView prints a task in one line.
type taskView struct{ types.Task }

func (v taskView) String() string {
	var b strings.Builder
	b.WriteString(aws.ToString(v.TaskArn) + " " + aws.ToString(v.LastStatus) + "/" + aws.ToString(v.DesiredStatus) +
		" " + string(v.StopCode) + " " + aws.ToString(v.StoppedReason))
	for _, c := range v.Containers {
		b.WriteString("; " + aws.ToString(c.Name) + " " + aws.ToString(c.LastStatus) + " " + aws.ToString(c.Reason))
		if c.ExitCode != nil {
			b.WriteString(" exit " + itoa(*c.ExitCode))
		}
	}
	return b.String()
}

// stop stops a task and waits until it has stopped.
func (s *site) stop(t *testing.T, arn string) types.Task {
	t.Helper()
	if _, err := s.aws.ECS.StopTask(t.Context(), &ecs.StopTaskInput{Task: &arn}); err != nil {
		t.Fatal(err)
	}
	return s.await(t, arn, "STOPPED")
}

// container is the container of that name.
func container(t *testing.T, task types.Task, name string) types.Container {
	t.Helper()
	i := slices.IndexFunc(task.Containers, func(c types.Container) bool { return aws.ToString(c.Name) == name })
	if i < 0 {
		t.Fatalf("task has no container %s: %v", name, taskView{task})
	}
	return task.Containers[i]
}

// assertExit checks the exit code of the container of that name.
func assertExit(t *testing.T, task types.Task, name string, code int32) {
	t.Helper()
	c := container(t, task, name)
	if c.ExitCode == nil || *c.ExitCode != code {
		t.Errorf("container %s did not exit with %d: %v", name, code, taskView{task})
	}
}

// assertStop checks why a task stopped; the reason may go on.
func assertStop(t *testing.T, task types.Task, code types.TaskStopCode, reason string) {
	t.Helper()
	if task.StopCode != code || !strings.HasPrefix(aws.ToString(task.StoppedReason), reason) {
		t.Errorf("stopped by %q, %q; want %q, %q", task.StopCode, aws.ToString(task.StoppedReason), code, reason)
	}
}

// output is what a container wrote: the agent keeps it in the data directory,
// in a file named after the runtime id.
func (s *site) output(t *testing.T, task types.Task, name string) string {
	t.Helper()
	id := aws.ToString(container(t, task, name).RuntimeId)
	if id == "" {
		t.Fatalf("container %s has no runtime id: %v", name, taskView{task})
	}
	files, err := filepath.Glob(filepath.Join(s.slipway.DataDir, "instances", "*", "data", "logs", id+".log"))
	if err != nil || len(files) != 1 {
		t.Fatalf("container %s has %d logs: %v", id, len(files), err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// tasks lists the tasks of the default cluster with a desired status.
func (s *site) tasks(t *testing.T, desired types.DesiredStatus, service string) []types.Task {
	t.Helper()
	in := &ecs.ListTasksInput{DesiredStatus: desired}
	if service != "" {
		in.ServiceName = &service
	}
	var out []types.Task
	for pages := ecs.NewListTasksPaginator(s.aws.ECS, in); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(page.TaskArns) == 0 {
			continue
		}
		described, err := s.aws.ECS.DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Tasks: page.TaskArns})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, described.Tasks...)
	}
	return out
}

// machineOf is a container instance and the machine under it.
type machineOf struct{ arn, instance, zone, address string }

// machines are the instances of the default cluster, by ARN.
func (s *site) machines(t *testing.T) map[string]machineOf {
	t.Helper()
	list, err := s.aws.ECS.ListContainerInstances(t.Context(), &ecs.ListContainerInstancesInput{})
	if err != nil {
		t.Fatal(err)
	}
	described, err := s.aws.ECS.DescribeContainerInstances(t.Context(), &ecs.DescribeContainerInstancesInput{
		ContainerInstances: list.ContainerInstanceArns,
	})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]machineOf{}
	for _, ci := range described.ContainerInstances {
		found, err := s.aws.EC2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{aws.ToString(ci.Ec2InstanceId)}})
		if err != nil {
			t.Fatal(err)
		}
		i := found.Reservations[0].Instances[0]
		out[*ci.ContainerInstanceArn] = machineOf{
			arn: *ci.ContainerInstanceArn, instance: *i.InstanceId,
			zone: *i.Placement.AvailabilityZone, address: *i.PrivateIpAddress,
		}
	}
	return out
}

// short makes the SDK's waiters look often.
const short = 100 * time.Millisecond
