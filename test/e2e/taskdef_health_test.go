//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// checked gives a container a health check, as often as ECS lets one be and with
// one failure as verdict.
func checked(c types.ContainerDefinition, command ...string) types.ContainerDefinition {
	c.HealthCheck = &types.HealthCheck{Command: command, Interval: aws.Int32(5), Timeout: aws.Int32(2), Retries: aws.Int32(1)}
	return c
}

// healthRows: healthCheck and healthStatus (ecs-behaviour: containers).
var healthRows = []row{{
	name: "healthCheck CMD", check: healthy(types.HealthStatusHealthy),
	def: of(checked(box("main", "sleep", "3600"), "CMD", "/web", "exit", "0")),
}, {
	name: "healthCheck CMD-SHELL", check: healthy(types.HealthStatusHealthy),
	def: of(checked(box("main", "do", "write /ready yes", "sleep 3600"), "CMD-SHELL", "has /ready && exit 0")),
}, {
	name: "healthCheck without CMD in front is CMD", check: healthy(types.HealthStatusHealthy),
	def: of(checked(box("main", "sleep", "3600"), "/web", "exit", "0")),
}, {
	name: "healthCheck sees the container's own network and files", check: healthy(types.HealthStatusHealthy),
	def: of(checked(box("main", "serve"), "CMD", "/web", "get", "http://127.0.0.1/healthz")),
}, {
	name: "healthCheck that fails: UNHEALTHY, and a standalone task goes on",
	def:  of(checked(box("main", "sleep", "3600"), "CMD", "/web", "exit", "1")),
	check: func(t *testing.T, r *ran) {
		healthy(types.HealthStatusUnhealthy)(t, r)
		r.running(t)
	},
}, {
	name: "healthCheck with a command that is not there", check: healthy(types.HealthStatusUnhealthy),
	def: of(checked(box("main", "sleep", "3600"), "CMD", "/no/such/check")),
}, {
	name: "healthCheck that hangs", check: healthy(types.HealthStatusUnhealthy),
	def: of(checked(box("main", "sleep", "3600"), "CMD", "/web", "stubborn")),
}, {
	name: "healthCheck that recovers",
	def:  noting(checked(box("main", "sleep", "3600"), "CMD", "/web", "has", "/notes/go")),
	check: func(t *testing.T, r *ran) {
		healthy(types.HealthStatusUnhealthy)(t, r)
		r.leave(t, "go")
		healthy(types.HealthStatusHealthy)(t, r)
	},
}, {
	name: "startPeriod passes over failures",
	def: noting(with(checked(box("main", "sleep", "3600"), "CMD", "/web", "do", "write /notes/looks once", "has /notes/go"), func(c *types.ContainerDefinition) {
		c.HealthCheck.StartPeriod = aws.Int32(300)
	})),
	check: func(t *testing.T, r *ran) {
		eventually(t, "two checks", func() (string, bool) {
			looks := r.note(t, "looks")
			return looks, strings.Count(looks, "\n") >= 2
		})
		if got := container(t, r.running(t), "main").HealthStatus; got != types.HealthStatusUnknown {
			t.Errorf("after a failure in the start period: %s", got)
		}
		r.leave(t, "go")
		healthy(types.HealthStatusHealthy)(t, r)
	},
}, {
	name: "healthStatus of a task: UNHEALTHY if one essential container is; none without a check",
	def: of(
		checked(box("main", "sleep", "3600"), "CMD", "/web", "exit", "1"),
		checked(box("well", "sleep", "3600"), "CMD", "/web", "exit", "0"),
		checked(beside("sick", "sleep", "3600"), "CMD", "/web", "exit", "1"),
		box("silent", "sleep", "3600"),
	),
	check: func(t *testing.T, r *ran) {
		r.verdict(t, "main", types.HealthStatusUnhealthy)
		r.verdict(t, "well", types.HealthStatusHealthy)
		task := r.verdict(t, "sick", types.HealthStatusUnhealthy)
		if task.HealthStatus != types.HealthStatusUnhealthy || container(t, task, "silent").HealthStatus != types.HealthStatusUnknown {
			t.Errorf("task %s, silent %s", task.HealthStatus, container(t, task, "silent").HealthStatus)
		}
	},
}, {
	name: "healthStatus of a task: a container that is not essential does not count",
	def: of(
		checked(box("main", "sleep", "3600"), "CMD", "/web", "exit", "0"),
		checked(beside("sick", "sleep", "3600"), "CMD", "/web", "exit", "1"),
	),
	check: func(t *testing.T, r *ran) {
		r.verdict(t, "sick", types.HealthStatusUnhealthy)
		if task := r.verdict(t, "main", types.HealthStatusHealthy); task.HealthStatus != types.HealthStatusHealthy {
			t.Errorf("task %s", task.HealthStatus)
		}
	},
}, {
	name: "HEALTHCHECK of the image is not reported",
	def: of(
		box("main", "sleep", "3600"),
		checked(box("well", "sleep", "3600"), "CMD", "/web", "exit", "0"),
	),
	check: func(t *testing.T, r *ran) {
		task := r.verdict(t, "well", types.HealthStatusHealthy)
		if got := container(t, task, "main").HealthStatus; got != types.HealthStatusUnknown || task.HealthStatus != types.HealthStatusHealthy {
			t.Errorf("container %s, task %s", got, task.HealthStatus)
		}
	},
}}

// verdict waits for the health of a container.
func (r *ran) verdict(t *testing.T, name string, want types.HealthStatus) types.Task {
	t.Helper()
	r.running(t)
	type view struct {
		taskView
		health types.HealthStatus
	}
	return eventually(t, name+" "+string(want), func() (view, bool) {
		task := r.describe(t, r.arn)
		got := container(t, task, name).HealthStatus
		return view{taskView{task}, got}, got == want
	}).Task
}

// healthy checks the health of the container main and of its task, which has no
// other one that counts.
func healthy(want types.HealthStatus) func(*testing.T, *ran) {
	return func(t *testing.T, r *ran) {
		if task := r.verdict(t, "main", want); task.HealthStatus != want {
			t.Errorf("the task is %s", task.HealthStatus)
		}
	}
}

func TestServiceReplacesAnUnhealthyTask(t *testing.T) {
	t.Parallel()
	s := shared
	// Each is well until its own file is gone.
	sick := checked(s.web("web", "do", "write /tmp/well yes", "sleep 3600"), "CMD", "/web", "has", "/tmp/well")
	s.create(t, "sick", s.register(t, "sick", sick), 1)
	first := s.tasks(t, types.DesiredStatusRunning, "sick")[0]
	p := s.process(t, first)
	if err := os.Remove(filepath.Join("/proc", itoa(int32(p.pid)), "root/tmp/well")); err != nil {
		t.Fatal(err)
	}
	stopped := s.await(t, *first.TaskArn, "STOPPED")
	assertStop(t, stopped, types.TaskStopCodeServiceSchedulerInitiated, "Task failed container health checks")
	eventually(t, "another task", func() ([]string, bool) {
		out, err := s.aws.ECS.ListTasks(t.Context(), &ecs.ListTasksInput{ServiceName: aws.String("sick")})
		if err != nil {
			t.Fatal(err)
		}
		return out.TaskArns, len(out.TaskArns) == 1 && out.TaskArns[0] != *first.TaskArn
	})
}
