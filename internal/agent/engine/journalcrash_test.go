package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slipway/slipway/internal/agentproto"
)

// fullTask has something of everything that is remembered of a task.
func fullTask() agentproto.Task {
	task := settled()
	task.PIDMode = "task"
	main, side := &task.Containers[0], &task.Containers[1]
	main.DependsOn = []agentproto.Dependency{{ContainerName: "other", Condition: agentproto.ConditionStart}}
	main.PortMappings = []agentproto.PortMapping{{ContainerPort: 80, Protocol: "tcp"}}
	main.RestartPolicy = &agentproto.RestartPolicy{Enabled: true, RestartAttemptPeriod: 60}
	main.ManagedAgents = []agentproto.ManagedAgent{{Name: agentproto.ExecuteCommandAgent}}
	side.Essential = false
	side.HealthCheckType = healthCheckDocker
	side.DockerConfig.Config = `{"Healthcheck":{"Test":["CMD","true"]}}`
	return task
}

// TestKilledAtEveryWrite kills the agent when it writes to its journal for the
// n-th time, for every n of a task's life, with the write lost and with it done.
func TestKilledAtEveryWrite(t *testing.T) {
	for _, slow := range []bool{false, true} {
		writes := 0
		synctest.Test(t, func(t *testing.T) { writes = killAt(t, 0, false, slow) })
		if writes < 10 {
			t.Fatalf("a whole life takes %d writes", writes)
		}
		for n := 1; n <= writes; n++ {
			for _, lost := range []bool{false, true} {
				t.Run(fmt.Sprintf("write %d, lost %v, slow disk %v", n, lost, slow), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { killAt(t, n, lost, slow) })
				})
			}
		}
	}
}

// killAt leads one task through its life and kills the agent once. It returns
// how many writes there were.
func killAt(t *testing.T, n int, lost, slow bool) int {
	m := newMachine()
	m.slowDisk = slow
	m.hasSettings()
	task := fullTask()
	var a *agent
	dead := make(chan struct{}, 1)
	m.onWrite = func(write int) bool {
		if write != n {
			return false
		}
		dead <- struct{}{}
		go a.kill()
		return lost
	}
	a = boot(t, m, testConfig)
	unacked := []agentproto.Task{}
	send := func(what agentproto.Task) {
		if r, err := a.Apply(context.Background(), []agentproto.Task{what}); err != nil || r.Wait(context.Background()) != nil {
			unacked = append(unacked, what) // the control plane sends it again
		}
	}
	// pass lets time go by, in which the agent may be killed.
	pass := func(d time.Duration) {
		for end := time.Now().Add(d); ; {
			select {
			case <-dead:
				a.die()
				a = boot(t, m, testConfig)
				for _, role := range []struct {
					kind string
					c    agentproto.RoleCredentials
				}{{agentproto.RoleTask, taskRole}, {agentproto.RoleExecution, executionRole}} {
					a.SetCredentials(task.ARN, role.kind, role.c)
				}
				again := unacked
				unacked = nil
				for _, what := range again {
					send(what)
				}
				continue
			case <-time.After(time.Until(end)):
			}
			synctest.Wait()
			return
		}
	}
	main := containerID(task.ARN, "main")
	send(task)
	pass(2 * time.Minute)
	if c, ok := m.now().containers[main]; !ok || c.state != Alive || !slices.Contains(c.spec.Env, "PASSWORD=hunter2") {
		t.Fatalf("main does not run: %+v", c)
	}
	m.exit(main, Exit{Code: 1})
	pass(2 * time.Minute)
	m.exit(containerID(task.ARN, "other"), Exit{Code: 4})
	pass(time.Minute)
	send(agentproto.Task{ARN: task.ARN, DesiredStatus: agentproto.DesiredStopped})
	pass(time.Minute)
	pass(2 * testConfig.CleanupWait)
	a.die()
	judgeLife(t, m, task)
	return m.now().writes
}

// judgeLife checks what must be so after a whole life, wherever the agent was
// killed in it.
func judgeLife(t *testing.T, m *machine, task agentproto.Task) {
	t.Helper()
	now := m.now()
	if now.starts[containerID(task.ARN, "main")] != 2 || now.starts[containerID(task.ARN, "other")] != 1 {
		t.Errorf("started %v", now.starts)
	}
	if len(now.containers)+len(now.attached)+len(now.groups)+len(now.durable) != 0 {
		t.Errorf("left behind: %v %v %v %v", now.containers, now.attached, now.groups, now.durable)
	}
	var told []string
	for _, r := range now.reports {
		for _, c := range r.Containers {
			if c.Status == "STOPPED" {
				told = append(told, fmt.Sprintf("%s=%d", c.Name, *c.ExitCode))
			}
		}
		for _, ma := range r.Agents {
			told = append(told, ma.Status)
		}
	}
	slices.Sort(told)
	if got := strings.Join(slices.Compact(told), " "); got != "RUNNING STOPPED main=143 other=4" {
		t.Errorf("told %q", got)
	}
	if last := now.reports[len(now.reports)-1]; last.Status != "STOPPED" || last.Reason != "" {
		t.Errorf("last report: %+v", last)
	}
}
