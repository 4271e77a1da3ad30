package engine

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/slipway/slipway/internal/agent/lifecycle"
	"github.com/slipway/slipway/internal/agentproto"
)

func checked(name string) agentproto.Container {
	c := container(name)
	c.HealthCheckType = healthCheckDocker
	c.DockerConfig.Config = `{"Healthcheck":{"Test":["CMD","true"],"Interval":5000000000}}`
	return c
}

func TestHealthyDependency(t *testing.T) {
	each(t, func(t *testing.T, m *machine, a *agent) {
		app := container("app")
		app.DependsOn = []agentproto.Dependency{{ContainerName: "db", Condition: agentproto.ConditionHealthy}}
		task := runTask("1", checked("db"), app)
		a.apply(t, task)
		settleFor(time.Minute)
		db := containerID(task.ARN, "db")
		if len(m.now().starts) != 1 || !m.verdict(db, lifecycle.Unhealthy) {
			t.Fatalf("started %v, checked %v", m.now().starts, m.checks)
		}
		settleFor(time.Minute)
		if len(m.now().starts) != 1 {
			t.Fatal("it starts although db is not healthy")
		}
		m.verdict(db, lifecycle.Healthy)
		settleFor(time.Second)
		if len(m.now().starts) != 2 {
			t.Fatal("it does not start although db is healthy")
		}
		if h := a.Tasks()[0].Containers[0].Health; h.Verdict != lifecycle.Healthy || h.Since.IsZero() {
			t.Errorf("got %+v", h)
		}
	})
}

// TestHealthChecksFollowTheContainer over a restart of the agent, a restart in
// place, and the end.
func TestHealthChecksFollowTheContainer(t *testing.T) {
	each(t, func(t *testing.T, m *machine, first *agent) {
		c := checked("main")
		c.RestartPolicy = &agentproto.RestartPolicy{Enabled: true, RestartAttemptPeriod: 60}
		task := runTask("1", c)
		first.apply(t, task)
		settleFor(time.Second)
		id := containerID(task.ARN, "main")
		m.verdict(id, lifecycle.Healthy)
		settleFor(time.Second)
		first.die()
		if len(m.checks) != 0 {
			t.Fatal("the check outlives its agent")
		}
		a := boot(t, m, testConfig)
		defer a.die()
		settleFor(2 * time.Minute)
		if got := a.Tasks()[0].Containers[0].Health.Verdict; got != lifecycle.Healthy || len(m.checks) != 1 {
			t.Fatalf("after a restart of the agent: %v, %d checks", got, len(m.checks))
		}
		m.exit(id, Exit{Code: 1})
		settleFor(time.Second)
		if v := a.Tasks()[0].Containers[0]; v.Restarts != 1 || v.Health.Verdict != lifecycle.Unknown || len(m.checks) != 1 {
			t.Fatalf("after a restart in place: %+v, %d checks", v, len(m.checks))
		}
		a.apply(t, stopTask("1"))
		settleFor(time.Second)
		if len(m.checks) != 0 {
			t.Error("a stopped container is still checked")
		}
	})
}

// TestHealthIsNotChecked where the engine has nobody to do it.
func TestHealthIsNotChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine()
		a := boot(t, m, testConfig, func(fx *Effects) { fx.Health = nil })
		defer a.die()
		a.apply(t, runTask("1", checked("main")))
		settleFor(time.Second)
		if v := a.Tasks()[0]; v.Known != lifecycle.Running || v.Containers[0].Checked {
			t.Errorf("got %+v", v)
		}
	})
}

func TestManagedAgents(t *testing.T) {
	each(t, func(t *testing.T, m *machine, a *agent) {
		c := container("main")
		c.ManagedAgents = []agentproto.ManagedAgent{{Name: agentproto.ExecuteCommandAgent}}
		a.apply(t, runTask("1", c))
		settleFor(time.Second)
		reports := m.now().reports
		if last := reports[len(reports)-1]; last.Status != "RUNNING" || len(last.Agents) != 1 ||
			last.Agents[0] != (ManagedAgentChange{ContainerName: "main", Name: agentproto.ExecuteCommandAgent, Status: "RUNNING"}) {
			t.Fatalf("got %+v", last)
		}
		if len(m.opened) != 1 {
			t.Fatal("the container is not open")
		}
		a.apply(t, stopTask("1"))
		settleFor(time.Second)
		reports = m.now().reports
		if last := reports[len(reports)-1]; last.Status != "STOPPED" || len(last.Agents) != 1 || last.Agents[0].Status != "STOPPED" ||
			last.Agents[0].Reason != "Received Container Stopped event" || len(m.opened) != 0 {
			t.Errorf("got %+v", last)
		}
	})
}

func TestSharedNamespaces(t *testing.T) {
	each(t, func(t *testing.T, m *machine, a *agent) {
		task := runTask("1", container("a"), container("b"))
		task.PIDMode, task.IPCMode = "task", "task"
		a.apply(t, task)
		settleFor(time.Second)
		hold := pauseID(task)
		now := m.now()
		if c := now.containers[hold]; c.state != Alive || !c.spec.Pause || c.spec.Host.IpcMode != "shareable" {
			t.Fatalf("pause container: %+v", c)
		}
		for _, name := range []string{"a", "b"} {
			if h := now.containers[containerID(task.ARN, name)].spec.Host; h.PidMode != "container:"+hold || h.IpcMode != "container:"+hold {
				t.Errorf("%s: %+v", name, h)
			}
		}
		m.exit(containerID(task.ARN, "a"), Exit{})
		settleFor(time.Second)
		if _, there := m.now().containers[hold]; there || m.statuses()[len(m.statuses())-1] != "STOPPED" {
			t.Errorf("reported %v, pause container there: %v", m.statuses(), there)
		}
	})
}
