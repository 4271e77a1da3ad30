//go:build e2e

package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/slipway/slipway/test/harness"
)

func TestOneOffTaskRunsToItsExitCode(t *testing.T) {
	t.Parallel()
	s := shared
	definition := s.register(t, "oneoff", s.web("web", "exit", "42"))
	task := s.await(t, s.run(t, definition), "STOPPED")
	assertExit(t, task, "web", 42)
	assertStop(t, task, types.TaskStopCodeEssentialContainerExited, "Essential container in task exited")
	if task.StartedAt == nil || task.StoppedAt == nil || task.ExecutionStoppedAt == nil || task.PullStartedAt == nil {
		t.Errorf("timestamps are missing: %+v", task)
	}
	if got := aws.ToString(task.Group); got != "family:oneoff" {
		t.Errorf("group %q", got)
	}
	if got := aws.ToString(task.DesiredStatus); got != "STOPPED" {
		t.Errorf("desiredStatus %q", got)
	}
	if got := aws.ToString(task.Containers[0].ImageDigest); !strings.HasPrefix(got, "sha256:") {
		t.Errorf("imageDigest %q", got)
	}
}

func TestEssentialContainerEndsTheTask(t *testing.T) {
	t.Parallel()
	s := shared
	main := s.web("main", "sleep", "1")
	main.DependsOn = []types.ContainerDependency{{ContainerName: aws.String("beside"), Condition: types.ContainerConditionStart}}
	definition := s.register(t, "essential", main, s.web("beside", "sleep", "3600"))
	task := s.await(t, s.run(t, definition), "STOPPED")
	assertExit(t, task, "main", 0)
	assertExit(t, task, "beside", 143)
	assertStop(t, task, types.TaskStopCodeEssentialContainerExited, "Essential container in task exited")
}

func TestOtherContainerLeavesTheTaskRunning(t *testing.T) {
	t.Parallel()
	s := shared
	helper := s.web("helper", "exit", "3")
	helper.Essential = aws.Bool(false)
	definition := s.register(t, "inessential", s.web("main", "sleep", "3600"), helper)
	arn := s.run(t, definition)
	task := eventually(t, "end of the helper", func() (taskView, bool) {
		task := s.describe(t, arn)
		return taskView{task}, aws.ToString(container(t, task, "helper").LastStatus) == "STOPPED" &&
			aws.ToString(task.LastStatus) == "RUNNING"
	}).Task
	assertExit(t, task, "helper", 3)
	if main := container(t, task, "main"); aws.ToString(main.LastStatus) != "RUNNING" || main.ExitCode != nil {
		t.Errorf("the essential container: %v", taskView{task})
	}
	assertExit(t, s.stop(t, arn), "main", 143)
}

func TestStopTask(t *testing.T) {
	t.Parallel()
	s := shared
	definition := s.register(t, "stop", s.web("web", "sleep", "3600"))
	for reason, want := range map[string]string{"": "Task stopped by user", "no longer wanted": "no longer wanted"} {
		arn := s.run(t, definition)
		// Only once it has said so does it listen to SIGTERM.
		s.awaitOutput(t, s.await(t, arn, "RUNNING"), "web", "sleeping")
		in := &ecs.StopTaskInput{Task: &arn}
		if reason != "" {
			in.Reason = &reason
		}
		if _, err := s.aws.ECS.StopTask(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		task := s.await(t, arn, "STOPPED")
		assertExit(t, task, "web", 143)
		assertStop(t, task, types.TaskStopCodeUserInitiated, want)
		again, err := s.aws.ECS.StopTask(t.Context(), &ecs.StopTaskInput{Task: &arn, Reason: aws.String("again")})
		if err != nil || aws.ToString(again.Task.StoppedReason) != want {
			t.Errorf("StopTask of a stopped task: %+v, %v", again, err)
		}
	}
}

func TestStubbornContainerIsKilled(t *testing.T) {
	t.Parallel()
	s := shared
	c := s.web("web", "stubborn")
	c.StopTimeout = aws.Int32(2)
	arn := s.run(t, s.register(t, "stubborn", c))
	// Only once it has said so is SIGTERM sure to be ignored.
	task := s.await(t, arn, "RUNNING")
	s.awaitOutput(t, task, "web", "ignoring SIGTERM")
	assertExit(t, s.stop(t, arn), "web", 137)
}

// awaitOutput waits until a container has written a text.
func (s *site) awaitOutput(t *testing.T, task types.Task, name, text string) {
	t.Helper()
	eventually(t, "output of "+name, func() (string, bool) {
		out := s.output(t, task, name)
		return out, strings.Contains(out, text)
	})
}

func TestStopSignalOfTheImage(t *testing.T) {
	t.Parallel()
	s := shared
	config, err := webImage.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.Config.StopSignal = "SIGUSR1"
	img, err := mutate.ConfigFile(webImage, config)
	if err != nil {
		t.Fatal(err)
	}
	uri, err := harness.PushImage(t.Context(), s.aws, "stopsignal", "1", img)
	if err != nil {
		t.Fatal(err)
	}
	c := s.web("web", "signals")
	c.Image = &uri
	arn := s.run(t, s.register(t, "stopsignal", c))
	s.awaitOutput(t, s.await(t, arn, "RUNNING"), "web", "waiting for a signal")
	assertExit(t, s.stop(t, arn), "web", 128+10)
}

func TestMemoryLimitKills(t *testing.T) {
	t.Parallel()
	s := shared
	task := s.await(t, s.run(t, s.register(t, "greedy", s.web("web", "alloc", "200"))), "STOPPED")
	assertExit(t, task, "web", 137)
	assertStop(t, task, types.TaskStopCodeEssentialContainerExited, "")
	want := "OutOfMemoryError: Container killed due to memory usage"
	if got := aws.ToString(container(t, task, "web").Reason); got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
}

// inspected is what `web inspect` prints.
type inspected struct {
	Args       []string
	Env        []string
	Dir        string
	UID, GID   int
	Hostname   string
	Interfaces []string
}

// inspect runs a task to its end and returns what its container saw.
func (s *site) inspect(t *testing.T, arn string) inspected {
	t.Helper()
	task := s.await(t, arn, "STOPPED")
	assertExit(t, task, "web", 0)
	var seen inspected
	out := s.output(t, task, "web")
	if err := json.Unmarshal([]byte(out), &seen); err != nil {
		t.Fatalf("output %q: %v", out, err)
	}
	return seen
}

func pair(name, value string) types.KeyValuePair {
	return types.KeyValuePair{Name: &name, Value: &value}
}

func TestWhatAContainerIsTold(t *testing.T) {
	t.Parallel()
	s := shared
	c := s.web("web", "one", "two words")
	c.EntryPoint = []string{"/web", "inspect"}
	c.WorkingDirectory = aws.String("/tmp")
	c.User = aws.String("1000:2000")
	c.Hostname = aws.String("told")
	c.Environment = []types.KeyValuePair{pair("A", "1"), pair("B", "2 = two")}
	definition := s.register(t, "told", c)

	seen := s.inspect(t, s.run(t, definition))
	if want := []string{"/web", "inspect", "one", "two words"}; !slices.Equal(seen.Args, want) {
		t.Errorf("arguments %q, want %q", seen.Args, want)
	}
	if seen.Dir != "/tmp" || seen.UID != 1000 || seen.GID != 2000 || seen.Hostname != "told" {
		t.Errorf("container saw %+v", seen)
	}
	for _, want := range []string{"A=1", "B=2 = two", "PATH=/"} {
		if !slices.Contains(seen.Env, want) {
			t.Errorf("environment %q lacks %q", seen.Env, want)
		}
	}

	override := types.ContainerOverride{
		Name: aws.String("web"), Command: []string{"three"}, Environment: []types.KeyValuePair{pair("B", "3"), pair("C", "")},
	}
	seen = s.inspect(t, s.run(t, definition, func(in *ecs.RunTaskInput) {
		in.Overrides = &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{override}}
	}))
	if want := []string{"/web", "inspect", "three"}; !slices.Equal(seen.Args, want) {
		t.Errorf("arguments %q, want %q", seen.Args, want)
	}
	for _, want := range []string{"A=1", "B=3", "C="} {
		if !slices.Contains(seen.Env, want) {
			t.Errorf("environment %q lacks %q", seen.Env, want)
		}
	}
}

func TestOutputOfAContainerIsKept(t *testing.T) {
	t.Parallel()
	s := shared
	task := s.await(t, s.run(t, s.register(t, "printer", s.web("web", "print", "hello", "there"))), "STOPPED")
	assertExit(t, task, "web", 0)
	if out := s.output(t, task, "web"); out != "hello there\nhello there\n" {
		t.Errorf("the log holds %q", out)
	}
}

func TestMissingImage(t *testing.T) {
	t.Parallel()
	s := shared
	c := s.web("web")
	c.Image = aws.String(s.slipway.Listen + "/web:nosuchtag")
	task := s.await(t, s.run(t, s.register(t, "imageless", c)), "STOPPED")
	assertStop(t, task, types.TaskStopCodeTaskFailedToStart, "CannotPullContainerError")
	web := container(t, task, "web")
	if web.ExitCode != nil || !strings.HasPrefix(aws.ToString(web.Reason), "CannotPullContainerError") {
		t.Errorf("container: %v", taskView{task})
	}
	if task.StartedAt != nil {
		t.Errorf("a task that never ran has startedAt %v", task.StartedAt)
	}
}

func TestProgramThatDoesNotExist(t *testing.T) {
	t.Parallel()
	s := shared
	c := s.web("web")
	c.EntryPoint = []string{"/no/such/program"}
	task := s.await(t, s.run(t, s.register(t, "programless", c)), "STOPPED")
	if task.StopCode != types.TaskStopCodeTaskFailedToStart {
		t.Errorf("stopped: %v", taskView{task})
	}
	if reason := aws.ToString(container(t, task, "web").Reason); !strings.HasPrefix(reason, "CannotStartContainerError") &&
		!strings.HasPrefix(reason, "CannotCreateContainerError") {
		t.Errorf("container: %v", taskView{task})
	}
}
