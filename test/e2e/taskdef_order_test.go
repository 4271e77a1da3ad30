//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

const (
	onStart    = types.ContainerConditionStart
	onComplete = types.ContainerConditionComplete
	onSuccess  = types.ContainerConditionSuccess
	onHealthy  = types.ContainerConditionHealthy
)

// orderRows: dependsOn, essential, links, timeouts, restartPolicy
// (ecs-behaviour: containers).
var orderRows = []row{{
	name: "dependsOn START waits until the dependency was started",
	def: noting(
		after(box("main", "do", "write /notes/order main", "exit 0"), "second", onStart),
		after(beside("second", "sleep", "3600"), "first", onComplete),
		beside("first", "do", "sleep 1", "write /notes/order first"),
	),
	check: notes("order", "first\nmain\n"),
}, {
	name: "dependsOn START is met by a dependency that has run",
	def: noting(
		after(after(box("main", "write", "/notes/order", "main"), "gone", onStart), "slow", onComplete),
		beside("gone", "exit", "4"), beside("slow", "sleep", "1"),
	),
	check: func(t *testing.T, r *ran) {
		task := r.stopped(t)
		assertExit(t, task, "main", 0)
		assertExit(t, task, "gone", 4)
	},
}, {
	name: "dependsOn COMPLETE waits for the end, whatever the exit code",
	def: noting(
		after(box("main", "do", "write /notes/order main"), "first", onComplete),
		beside("first", "do", "sleep 1", "write /notes/order first", "exit 5"),
	),
	check: func(t *testing.T, r *ran) {
		task := r.stopped(t)
		assertExit(t, task, "first", 5)
		assertExit(t, task, "main", 0)
		if got := r.note(t, "order"); got != "first\nmain\n" {
			t.Errorf("order %q", got)
		}
	},
}, {
	name: "dependsOn SUCCESS is met by exit code 0",
	def: noting(
		after(box("main", "write", "/notes/order", "main"), "first", onSuccess),
		beside("first", "do", "sleep 1", "write /notes/order first"),
	),
	check: notes("order", "first\nmain\n"),
}, {
	name: "dependsOn SUCCESS with another exit code stops the task",
	def: of(
		after(box("main", "exit", "0"), "first", onSuccess), beside("first", "exit", "7"),
		beside("other", "sleep", "3600"),
	),
	check: func(t *testing.T, r *ran) {
		task := r.stopped(t)
		assertExit(t, task, "first", 7)
		main := container(t, task, "main")
		want := "CannotStartContainerError: dependency graph: failed to resolve container ordering dependency [first] for target [main] as dependency did not exit successfully."
		if aws.ToString(main.Reason) != want {
			t.Errorf("reason %q, want %q", aws.ToString(main.Reason), want)
		}
		assertStop(t, task, types.TaskStopCodeTaskFailedToStart, want)
	},
}, {
	name: "dependsOn HEALTHY waits for the verdict",
	def: noting(
		after(box("main", "do", "write /notes/order main"), "first", onHealthy),
		checked(beside("first", "do", "write /notes/began yes", "wait /notes/go", "write /ready yes", "write /notes/order first", "sleep 3600"), "CMD", "/web", "has", "/ready"),
	),
	check: func(t *testing.T, r *ran) {
		r.note(t, "began")
		r.leave(t, "go")
		task := r.stopped(t)
		assertExit(t, task, "main", 0)
		if got := r.note(t, "order"); got != "first\nmain\n" {
			t.Errorf("order %q", got)
		}
	},
}, {
	name: "startTimeout of a dependency that does not complete",
	def: of(
		after(box("main", "exit", "0"), "first", onComplete),
		with(beside("first", "sleep", "3600"), func(c *types.ContainerDefinition) { c.StartTimeout = aws.Int32(2) }),
	),
	check: func(t *testing.T, r *ran) {
		task := r.stopped(t)
		want := "CannotStartContainerError: dependency graph: container ordering dependency [first] for target [main] has timed out."
		if got := aws.ToString(container(t, task, "main").Reason); got != want {
			t.Errorf("reason %q, want %q", got, want)
		}
		assertExit(t, task, "first", 143)
		assertStop(t, task, types.TaskStopCodeTaskFailedToStart, want)
	},
}, {
	name: "shutdown in the reverse order",
	def: noting(
		box("a", "last", "/notes/order", "a"),
		after(box("b", "last", "/notes/order", "b"), "a", onStart),
		after(box("c", "last", "/notes/order", "c"), "b", onStart),
	),
	check: func(t *testing.T, r *ran) {
		task := r.running(t)
		for _, name := range []string{"a", "b", "c"} {
			r.awaitOutput(t, task, name, "waiting for SIGTERM")
		}
		r.stop(t, r.arn)
		if got := r.note(t, "order"); got != "c\nb\na\n" {
			t.Errorf("order %q", got)
		}
	},
}, {
	name: "stopTimeout of a container that ignores SIGTERM",
	def: of(
		with(box("main", "stubborn"), func(c *types.ContainerDefinition) { c.StopTimeout = aws.Int32(2) }),
		box("polite", "sleep", "3600"),
	),
	check: func(t *testing.T, r *ran) {
		task := r.running(t)
		r.awaitOutput(t, task, "main", "ignoring SIGTERM")
		r.awaitOutput(t, task, "polite", "sleeping")
		task = r.stop(t, r.arn)
		assertExit(t, task, "main", 137)
		assertExit(t, task, "polite", 143)
		assertStop(t, task, types.TaskStopCodeUserInitiated, "Task stopped by user")
		if reason := container(t, task, "main").Reason; reason != nil {
			t.Errorf("a container that was killed at the timeout has the reason %q", *reason)
		}
	},
}, {
	name: "links make the other container known by name and alias",
	def: of(
		with(box("main", "do", "get http://server/", "get http://alias/", "read /etc/hosts"), func(c *types.ContainerDefinition) {
			c.Links = []string{"server:alias"}
		}),
		with(box("server", "serve"), func(c *types.ContainerDefinition) { c.Hostname = aws.String("linked") }),
	),
	check: func(t *testing.T, r *ran) {
		task := r.stopped(t)
		assertExit(t, task, "main", 0)
		if out := r.output(t, task, "main"); strings.Count(out, "hello from linked") != 2 {
			t.Errorf("output %q", out)
		}
	},
}}

// notes checks a file of the row's directory once the task has succeeded.
func notes(name, want string) func(*testing.T, *ran) {
	return func(t *testing.T, r *ran) {
		assertExit(t, r.stopped(t), "main", 0)
		if got := r.note(t, name); got != want {
			t.Errorf("%s holds %q, want %q", name, got, want)
		}
	}
}

// restarting restarts a container after the shortest time that ECS takes.
func restarting(c types.ContainerDefinition, ignored ...int32) types.ContainerDefinition {
	c.RestartPolicy = &types.ContainerRestartPolicy{
		Enabled: aws.Bool(true), RestartAttemptPeriod: aws.Int32(60), IgnoredExitCodes: ignored,
	}
	return c
}

// restartRows is one task for all of restartPolicy, since it takes a minute.
var restartRows = []row{{
	name: "restartPolicy",
	def: noting(
		restarting(box("again", "do", "write /kept run", "read /kept", "wait /notes/go", "exit 3")),
		restarting(beside("ignored", "do", "wait /notes/go", "exit 42"), 41, 42),
		restarting(beside("early", "exit", "5")),
		// Time is what this is about: a run counts from restartAttemptPeriod on.
		after(after(beside("clock", "do", "sleep 61", "write /notes/go now"), "again", onStart), "ignored", onStart),
	),
	check: func(t *testing.T, r *ran) {
		running := r.running(t)
		before := container(t, running, "again")
		early := eventually(t, "end of the one that ends early", func() (taskView, bool) {
			task := r.describe(t, r.arn)
			return taskView{task}, aws.ToString(container(t, task, "early").LastStatus) == "STOPPED"
		}).Task
		assertExit(t, early, "early", 5)
		out := eventually(t, "second run", func() (string, bool) {
			out := r.output(t, running, "again")
			return out, strings.Count(out, `"/kept":"run\nrun\n"`) == 1
		})
		if n := strings.Count(out, "/kept"); n < 2 {
			t.Errorf("output of two runs: %q", out)
		}
		// The second run ends at once, which is before its minute is over.
		task := r.stopped(t)
		assertExit(t, task, "again", 3)
		assertExit(t, task, "ignored", 42)
		assertStop(t, task, types.TaskStopCodeEssentialContainerExited, "Essential container in task exited")
		if after := container(t, task, "again"); aws.ToString(after.RuntimeId) != aws.ToString(before.RuntimeId) {
			t.Errorf("the container became another one: %s, %s", aws.ToString(before.RuntimeId), aws.ToString(after.RuntimeId))
		}
		if got := strings.Count(r.output(t, task, "again"), "/kept"); got != 2 {
			t.Errorf("%d runs: %s", got, fmt.Sprint(r.output(t, task, "again")))
		}
	},
}}
