//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// endRows: exit codes, stopCode and stoppedReason, timestamps (ecs-behaviour:
// task lifecycle).
var endRows = []row{{
	name: "essential container that exits with 0 ends the task",
	def:  of(box("main", "exit", "0"), after(box("other", "sleep", "3600"), "main", onStart)),
	check: func(t *testing.T, r *ran) {
		task := r.stopped(t)
		assertExit(t, task, "main", 0)
		if code := container(t, task, "other").ExitCode; code != nil && *code != 143 {
			t.Errorf("the other one: %v", taskView{task})
		}
		assertStop(t, task, types.TaskStopCodeEssentialContainerExited, "Essential container in task exited")
	},
}, {
	name: "essential false: the task goes on",
	def:  of(box("main", "sleep", "3600"), beside("other", "exit", "0")),
	check: func(t *testing.T, r *ran) {
		task := eventually(t, "end of the other one", func() (taskView, bool) {
			task := r.describe(t, r.arn)
			return taskView{task}, aws.ToString(container(t, task, "other").LastStatus) == "STOPPED"
		}).Task
		assertExit(t, task, "other", 0)
		if task = r.running(t); aws.ToString(task.DesiredStatus) != "RUNNING" {
			t.Errorf("%v", taskView{task})
		}
	},
}, {
	name: "exit codes as they are",
	def:  of(box("main", "exit", "255"), beside("one", "exit", "1"), beside("far", "exit", "200")),
	check: func(t *testing.T, r *ran) {
		assertExit(t, r.stopped(t), "main", 255)
	},
}, {
	name: "exit code of a process that a signal ended",
	def:  of(box("main", "sleep", "3600")),
	check: func(t *testing.T, r *ran) {
		task := r.running(t)
		killProcess(t, r.process(t, task))
		task = r.stopped(t)
		assertExit(t, task, "main", 137)
		assertStop(t, task, types.TaskStopCodeEssentialContainerExited, "Essential container in task exited")
		if reason := container(t, task, "main").Reason; reason != nil {
			t.Errorf("reason %q", *reason)
		}
	},
}, {
	name: "timestamps and version of a task from its beginning to its end",
	def:  of(box("main", "sleep", "3600")),
	check: func(t *testing.T, r *ran) {
		running := r.running(t)
		task := r.stop(t, r.arn)
		at := []*time.Time{task.CreatedAt, task.PullStartedAt, task.PullStoppedAt, task.StartedAt, task.StoppingAt, task.ExecutionStoppedAt, task.StoppedAt}
		for i, when := range at {
			if when == nil {
				t.Fatalf("timestamp %d is missing: %+v", i, task)
			}
			if i > 0 && when.Before(*at[i-1]) {
				t.Errorf("timestamp %d is %v, the one before %v", i, when, at[i-1])
			}
		}
		if task.Version <= running.Version || running.Version < 2 || task.Connectivity != types.ConnectivityConnected {
			t.Errorf("versions %d and %d, connectivity %s", running.Version, task.Version, task.Connectivity)
		}
	},
}, {
	name: "StopTask before the task has started",
	def:  noting(after(box("main", "exit", "0"), "first", onComplete), beside("first", "do", "write /notes/began yes", "sleep 3600")),
	check: func(t *testing.T, r *ran) {
		r.note(t, "began")
		_, err := r.aws.ECS.StopTask(t.Context(), &ecs.StopTaskInput{Task: &r.arn, Reason: aws.String("too slow")})
		if err != nil {
			t.Fatal(err)
		}
		task := r.stopped(t)
		assertStop(t, task, types.TaskStopCodeUserInitiated, "too slow")
		if main := container(t, task, "main"); main.ExitCode != nil || task.StartedAt != nil {
			t.Errorf("%v", taskView{task})
		}
	},
}, {
	name:  "command that is not there",
	def:   of(with(box("main"), func(c *types.ContainerDefinition) { c.EntryPoint = []string{"/no/such/program"} })),
	check: unstarted("/no/such/program", "no such file or directory"),
}, {
	name:  "command that may not be executed",
	def:   of(with(box("main"), func(c *types.ContainerDefinition) { c.EntryPoint = []string{"/etc/passwd"} })),
	check: unstarted("/etc/passwd", "permission denied"),
}, {
	name:  "image that is not there",
	def:   of(with(box("main"), func(c *types.ContainerDefinition) { c.Image = aws.String("127.0.0.1:1/no/such:image") })),
	check: fails(`CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref IMAGE: failed to do request: Head "http://127.0.0.1:1/v2/no/such/manifests/image": dial tcp 127.0.0.1:1: connect: connection refused`),
}, {
	name:  "image whose tag is not there",
	def:   of(with(box("main"), func(c *types.ContainerDefinition) { c.Image = aws.String(missingTag) })),
	check: fails("CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref IMAGE: IMAGE: not found"),
}, {
	name: "image that is not there stops containers that have started",
	def: of(
		after(with(box("main"), func(c *types.ContainerDefinition) { c.Image = aws.String("127.0.0.1:1/no/such:image") }), "first", onStart),
		beside("first", "sleep", "3600"),
	),
	check: func(t *testing.T, r *ran) {
		task := r.stopped(t)
		assertExit(t, task, "first", 143)
		assertStop(t, task, types.TaskStopCodeTaskFailedToStart, "CannotPullContainerError: ")
	},
}}

// unstarted checks the reason of a task whose program can't be started. The
// middle of it are the low-level runtime's own words.
func unstarted(program, cause string) func(*testing.T, *ran) {
	return func(t *testing.T, r *ran) {
		task := r.stopped(t)
		assertStop(t, task, types.TaskStopCodeTaskFailedToStart, "CannotStartContainerError: Error response from daemon: "+
			"failed to create task for container: failed to create shim task: OCI runtime create failed: ")
		reason := aws.ToString(task.StoppedReason)
		if !strings.Contains(reason, program) || !strings.Contains(strings.ToLower(reason), cause) {
			t.Errorf("reason %q", reason)
		}
		if main := container(t, task, "main"); aws.ToString(main.Reason) != reason || main.ExitCode != nil || task.StartedAt != nil {
			t.Errorf("%v", taskView{task})
		}
	}
}
