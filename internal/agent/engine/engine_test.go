package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/slipway/slipway/internal/agent/lifecycle"
	"github.com/slipway/slipway/internal/agentproto"
)

const arnPrefix = "arn:aws:ecs:us-east-1:123456789012:task/default/"

var testConfig = Config{Cluster: "default", Region: "us-east-1", CPU: 2048, Memory: 4096, Parallel: 4, CleanupWait: time.Hour}

func runTask(id string, containers ...agentproto.Container) agentproto.Task {
	if len(containers) == 0 {
		containers = []agentproto.Container{container("main")}
	}
	return agentproto.Task{
		ARN: arnPrefix + id, Family: "demo", Version: "1", DesiredStatus: agentproto.DesiredRunning, Containers: containers,
	}
}

func stopTask(id string) agentproto.Task {
	return agentproto.Task{ARN: arnPrefix + id, Family: "demo", Version: "1", DesiredStatus: agentproto.DesiredStopped}
}

func container(name string) agentproto.Container {
	return agentproto.Container{Name: name, Image: "busybox", CPU: 10, Memory: 64, Essential: true}
}

// each runs a test in a bubble of fake time, with one agent on one machine.
func each(t *testing.T, f func(t *testing.T, m *machine, a *agent)) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine()
		a := boot(t, m, testConfig)
		defer a.die()
		f(t, m, a)
	})
}

func settleFor(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // in a synctest bubble
	synctest.Wait()
}

// TestReportsOfOneTask compares with what an ECS agent was seen to send for a
// task with one container and dynamic ports.
func TestReportsOfOneTask(t *testing.T) {
	each(t, func(t *testing.T, m *machine, a *agent) {
		c := container("p")
		c.PortMappings = []agentproto.PortMapping{{ContainerPort: 80, Protocol: "tcp"}}
		a.apply(t, runTask("1f", c))
		settleFor(time.Second)
		id := containerID(arnPrefix+"1f", "p")
		if !m.exit(id, Exit{Code: 3}) {
			t.Fatal("the container does not run")
		}
		settleFor(time.Second)
		bindings := []Binding{{BindIP: "0.0.0.0", ContainerPort: 80, HostPort: 32768, Protocol: "tcp"}}
		want := []Report{
			{TaskARN: arnPrefix + "1f", Status: "PENDING", Containers: []ContainerChange{
				{Name: "p", Status: "PENDING", ImageDigest: "sha256:1234"}}},
			{TaskARN: arnPrefix + "1f", Status: "RUNNING", Containers: []ContainerChange{
				{Name: "p", Status: "RUNNING", ImageDigest: "sha256:1234", RuntimeID: id, Bindings: bindings}}},
			{TaskARN: arnPrefix + "1f", Status: "STOPPED", Containers: []ContainerChange{
				{Name: "p", Status: "STOPPED", ImageDigest: "sha256:1234", RuntimeID: id, ExitCode: new(3), Bindings: bindings}}},
		}
		if diff := cmp.Diff(want, m.now().reports, cmpopts.IgnoreTypes(time.Time{})); diff != "" {
			t.Error(diff)
		}
		if m.now().reports[1].PullStartedAt.IsZero() || m.now().reports[1].PullStoppedAt.Before(m.now().reports[1].PullStartedAt) {
			t.Errorf("pull times of RUNNING: %+v", m.now().reports[1])
		}
		if m.now().reports[2].ExecutionStoppedAt.IsZero() {
			t.Error("STOPPED has no executionStoppedAt")
		}
		if len(m.now().attached) != 0 {
			t.Error("the network of a stopped container is still there")
		}
	})
}

func TestFinishedInitContainerIsReportedWithRunning(t *testing.T) {
	each(t, func(t *testing.T, m *machine, a *agent) {
		init, app := container("init"), container("app")
		init.Essential = false
		app.DependsOn = []agentproto.Dependency{{ContainerName: "init", Condition: agentproto.ConditionSuccess}}
		a.apply(t, runTask("1", app, init))
		settleFor(time.Second)
		m.exit(containerID(arnPrefix+"1", "init"), Exit{})
		settleFor(time.Second)
		var got []string
		for _, r := range m.now().reports {
			for _, c := range r.Containers {
				got = append(got, r.Status+"/"+c.Name+"="+c.Status)
			}
		}
		// Both images are known only once init has run, as app waits for it.
		want := []string{"PENDING/init=PENDING", "PENDING/init=RUNNING", "PENDING/init=STOPPED", "PENDING/app=PENDING", "RUNNING/app=RUNNING"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestNewsOfAContainerIsFlushed(t *testing.T) {
	each(t, func(t *testing.T, m *machine, a *agent) {
		side := container("side")
		side.Essential = false
		a.apply(t, runTask("1", container("app"), side))
		settleFor(time.Second)
		m.exit(containerID(arnPrefix+"1", "side"), Exit{Code: 5})
		settleFor(promptly / 2)
		if got := m.statuses(); !slices.Equal(got, []string{"PENDING", "RUNNING"}) {
			t.Fatalf("too early: %v", got)
		}
		settleFor(time.Second)
		last := m.now().reports[len(m.now().reports)-1]
		if len(m.now().reports) != 3 || last.Status != "RUNNING" || last.Containers[0].Name != "side" || *last.Containers[0].ExitCode != 5 {
			t.Errorf("got %+v", m.now().reports)
		}
	})
}

func TestEssentialExitStopsTheOthersInReverse(t *testing.T) {
	each(t, func(t *testing.T, m *machine, a *agent) {
		db, app, side := container("db"), container("app"), container("side")
		app.DependsOn = []agentproto.Dependency{{ContainerName: "db", Condition: agentproto.ConditionStart}}
		side.Links = []string{"app:web"}
		a.apply(t, runTask("1", side, app, db))
		settleFor(time.Second)
		m.set(func() { m.log = nil })
		m.exit(containerID(arnPrefix+"1", "side"), Exit{})
		settleFor(time.Second)
		var signals []string
		for _, l := range m.now().log {
			if strings.HasPrefix(l, "stop ") {
				signals = append(signals, l)
			}
		}
		if diff := cmp.Diff([]string{"stop app", "stop db"}, signals); diff != "" {
			t.Error(diff)
		}
		last := m.now().reports[len(m.now().reports)-1]
		codes := map[string]int{}
		for _, c := range last.Containers {
			codes[c.Name] = *c.ExitCode
		}
		if diff := cmp.Diff(map[string]int{"side": 0, "app": 143, "db": 143}, codes); diff != "" || last.Reason != "" {
			t.Error(diff, last.Reason)
		}
	})
}

func TestStopTimeoutThenKill(t *testing.T) {
	each(t, func(t *testing.T, m *machine, a *agent) {
		c := container("main")
		c.StopTimeout = 7
		a.apply(t, runTask("1", c))
		settleFor(time.Second)
		id := containerID(arnPrefix+"1", "main")
		m.set(func() { m.containers[id].deaf = true })
		a.apply(t, stopTask("1"))
		settleFor(6 * time.Second)
		if m.now().containers[id].state != Alive {
			t.Fatal("killed before its stopTimeout")
		}
		settleFor(2 * time.Second)
		last := m.now().reports[len(m.now().reports)-1]
		if last.Status != "STOPPED" || *last.Containers[0].ExitCode != 137 {
			t.Errorf("got %+v", last)
		}
	})
}

func TestStopBeforePullNeverStarts(t *testing.T) {
	each(t, func(t *testing.T, m *machine, a *agent) {
		m.set(func() { m.delay = func() time.Duration { return 30 * time.Second } })
		a.apply(t, runTask("1"))
		a.apply(t, stopTask("1"))
		settleFor(10 * time.Minute)
		if got := m.statuses(); !slices.Equal(got, []string{"STOPPED"}) {
			t.Errorf("got %v", got)
		}
		if len(m.now().starts) != 0 || len(m.now().attached) != 0 {
			t.Errorf("started %v, attached %v", m.now().starts, m.now().attached)
		}
	})
}

func TestFailures(t *testing.T) {
	cases := map[string]struct {
		task   func(c *agentproto.Container)
		image  error
		reason string
	}{
		"no such image": {
			image:  errors.New("CannotPullContainerError: not there"),
			reason: "CannotPullContainerError: not there",
		},
		"registry's own words": {image: errors.New("no route"), reason: "CannotPullContainerError: no route"},
		"host configuration": {
			task:   func(c *agentproto.Container) { c.DockerConfig.HostConfig = "{" },
			reason: "HostConfigError: unable to decode host config: unexpected end of JSON input",
		},
		"configuration": {
			task:   func(c *agentproto.Container) { c.DockerConfig.Config = `{"User":1}` },
			reason: "DockerClientConfigError: unable to decode config: json: cannot unmarshal number into Go struct field Config.User of type string",
		},
		"volume": {
			task: func(c *agentproto.Container) {
				c.MountPoints = []agentproto.MountPoint{{SourceVolume: "v", ContainerPath: "/v"}}
			},
			reason: `CannotCreateVolumeError: volume "v" does not exist`,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, m *machine, a *agent) {
				m.set(func() { m.images["busybox"] = c.image })
				main := container("main")
				if c.task != nil {
					c.task(&main)
				}
				a.apply(t, runTask("1", main))
				settleFor(time.Minute)
				last := m.now().reports[len(m.now().reports)-1]
				if last.Status != "STOPPED" || last.Reason != "" || last.Containers[len(last.Containers)-1].Reason != c.reason {
					t.Errorf("got %+v", last)
				}
				if last.Containers[0].ExitCode != nil {
					t.Error("a container that never ran has an exit code")
				}
			})
		})
	}
}

func TestOutOfMemory(t *testing.T) {
	each(t, func(t *testing.T, m *machine, a *agent) {
		a.apply(t, runTask("1"))
		settleFor(time.Second)
		m.exit(containerID(arnPrefix+"1", "main"), Exit{Code: 137, OOM: true})
		settleFor(time.Second)
		c := m.now().reports[len(m.now().reports)-1].Containers[0]
		if *c.ExitCode != 137 || c.Reason != "OutOfMemoryError: Container killed due to memory usage" {
			t.Errorf("got %+v", c)
		}
	})
}

func TestTasksThatCannotRun(t *testing.T) {
	port := container("main")
	port.PortMappings = []agentproto.PortMapping{{ContainerPort: 1, Protocol: "sctp"}}
	a, b := container("a"), container("b")
	a.DependsOn = []agentproto.Dependency{{ContainerName: "b", Condition: "START"}}
	b.DependsOn = []agentproto.Dependency{{ContainerName: "a", Condition: "START"}}
	cases := map[string]struct {
		task      agentproto.Task
		malformed bool
		reason    string
	}{
		"unknown stop":  {stopTask("1"), false, "TaskStateError: Agent could not progress task's state to stopped"},
		"odd protocol":  {runTask("1", port), true, `UnrecogniedTaskError: Error loading task - unrecognized transport protocol "sctp" of container main`},
		"circle":        {runTask("1", a, b), false, "TaskDependencyError: Task dependencies cannot be resolved, taskArn: " + arnPrefix + "1"},
		"no containers": {agentproto.Task{ARN: arnPrefix + "1"}, true, "UnrecogniedTaskError: Error loading task - the task has no containers"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, m *machine, a *agent) {
				r := a.apply(t, c.task)
				settleFor(time.Second)
				if r.Malformed != c.malformed {
					t.Errorf("malformed: got %v", r.Malformed)
				}
				if len(m.now().reports) != 1 || m.now().reports[0].Status != "STOPPED" || m.now().reports[0].Reason != c.reason {
					t.Errorf("got %+v", m.now().reports)
				}
				if len(a.Tasks()) != 0 || len(m.now().durable) != 0 {
					t.Error("it is not forgotten")
				}
			})
		})
	}
}

// TestWaitsForResources repeats what an ECS agent was seen to do: tasks of 2000,
// 1000 and 10 units on 2048; both of the latter waited for the first.
func TestWaitsForResources(t *testing.T) {
	each(t, func(t *testing.T, m *machine, a *agent) {
		for id, cpu := range map[string]int64{"1": 2000} {
			c := container("main")
			c.CPU = cpu
			a.apply(t, runTask(id, c))
		}
		big, small := container("big"), container("small")
		big.CPU, small.CPU = 1000, 10
		a.apply(t, runTask("2", big), runTask("3", small))
		settleFor(time.Minute)
		if len(m.now().starts) != 1 || len(m.now().reports) != 2 {
			t.Fatalf("started %v, reported %v", m.now().starts, m.statuses())
		}
		a.apply(t, stopTask("1"))
		settleFor(time.Minute)
		if len(m.now().starts) != 3 {
			t.Errorf("started %v", m.now().starts)
		}
	})
}

func TestWaitingTaskCanBeStopped(t *testing.T) {
	each(t, func(t *testing.T, m *machine, a *agent) {
		big := container("big")
		big.CPU = 2048
		a.apply(t, runTask("1", big))
		a.apply(t, runTask("2", big), runTask("3"))
		settleFor(time.Second)
		a.apply(t, stopTask("2"))
		settleFor(time.Second)
		a.apply(t, stopTask("1"))
		settleFor(time.Second)
		if n := m.now().starts[containerID(arnPrefix+"3", "main")]; n != 1 || len(m.now().starts) != 2 {
			t.Errorf("started %v", m.now().starts)
		}
	})
}

func TestRefusedReports(t *testing.T) {
	each(t, func(t *testing.T, m *machine, a *agent) {
		m.set(func() { m.refusing = errors.New("AccessDeniedException") })
		a.apply(t, runTask("1"))
		settleFor(10 * time.Minute)
		m.set(func() { m.refusing = nil })
		settleFor(time.Minute)
		if got := m.statuses(); !slices.Equal(got, []string{"PENDING", "RUNNING"}) {
			t.Errorf("got %v", got)
		}
		m.set(func() { m.refusing = ErrRefused })
		a.apply(t, stopTask("1"))
		settleFor(testConfig.CleanupWait + time.Minute)
		if len(a.Tasks()) != 0 {
			t.Error("a report that is refused for good keeps its task")
		}
	})
}

func TestCleanupWaitsForTheReport(t *testing.T) {
	each(t, func(t *testing.T, m *machine, a *agent) {
		task := runTask("1")
		task.Volumes = []agentproto.Volume{{Name: "v", Host: &agentproto.HostVolume{}}}
		task.Containers[0].MountPoints = []agentproto.MountPoint{{SourceVolume: "v", ContainerPath: "/v"}}
		a.apply(t, task)
		settleFor(time.Second)
		m.set(func() { m.refusing = errors.New("away") })
		m.exit(containerID(task.ARN, "main"), Exit{})
		settleFor(2 * testConfig.CleanupWait)
		if len(m.now().containers) != 1 || len(m.now().volumes) != 1 {
			t.Fatal("cleaned up before STOPPED was accepted")
		}
		m.set(func() { m.refusing = nil })
		settleFor(time.Minute)
		if len(m.now().containers)+len(m.now().volumes)+len(m.now().groups)+len(m.now().durable)+len(a.Tasks()) != 0 {
			t.Errorf("left: %v %v %v %v", m.now().containers, m.now().volumes, m.now().groups, m.now().durable)
		}
	})
}

func TestEarlyTasksGoFirst(t *testing.T) {
	each(t, func(t *testing.T, m *machine, a *agent) {
		var tasks []agentproto.Task
		for i := range 20 {
			tasks = append(tasks, runTask(string(rune('a'+i)), container(string(rune('a'+i)))))
		}
		a.apply(t, tasks...)
		settleFor(time.Minute)
		var started []string
		for _, l := range m.now().log {
			if s, ok := strings.CutPrefix(l, "start "); ok {
				started = append(started, s)
			}
		}
		for i, s := range started {
			if d := int(s[0]-'a') - i; d < -2*testConfig.Parallel || d > 2*testConfig.Parallel {
				t.Fatalf("started in the order %v", started)
			}
		}
		if len(started) != 20 {
			t.Errorf("started %v", started)
		}
	})
}

func TestRestartInPlace(t *testing.T) {
	each(t, func(t *testing.T, m *machine, a *agent) {
		c := container("main")
		c.RestartPolicy = &agentproto.RestartPolicy{Enabled: true, RestartAttemptPeriod: 60}
		a.apply(t, runTask("1", c))
		id := containerID(arnPrefix+"1", "main")
		settleFor(2 * time.Minute)
		m.exit(id, Exit{Code: 1})
		settleFor(10 * time.Second)
		if m.now().starts[id] != 2 || a.Tasks()[0].Containers[0].Restarts != 1 || len(m.now().reports) != 2 {
			t.Fatalf("started %d times, reports %v", m.now().starts[id], m.statuses())
		}
		m.exit(id, Exit{Code: 4}) // too soon for another restart
		settleFor(10 * time.Second)
		last := m.now().reports[len(m.now().reports)-1]
		if last.Status != "STOPPED" || *last.Containers[0].ExitCode != 4 {
			t.Errorf("got %+v", last)
		}
	})
}

func TestRepeatedPayloadChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, m *machine, a *agent) {
		a.apply(t, runTask("1"))
		settleFor(time.Second)
		a.apply(t, runTask("1", container("other")))
		settleFor(time.Second)
		if len(m.now().starts) != 1 || len(m.now().reports) != 2 {
			t.Errorf("started %v, reported %v", m.now().starts, m.statuses())
		}
		v := a.Tasks()[0]
		if v.Known != lifecycle.Running || v.Task.Containers[0].Name != "main" {
			t.Errorf("got %+v", v)
		}
	})
}

// TestRuntimeGoesAway loses the answers of the runtime, in the middle of what it
// does, for a minute.
func TestRuntimeGoesAway(t *testing.T) {
	each(t, func(t *testing.T, m *machine, a *agent) {
		set := func(away bool) { m.set(func() { m.away = away }) }
		a.apply(t, runTask("1"))
		settleFor(15 * time.Millisecond) // its container is being made
		set(true)
		settleFor(time.Minute)
		if len(m.now().reports) > 1 {
			t.Fatalf("reported %v", m.statuses())
		}
		set(false)
		settleFor(10 * time.Second)
		if n := m.now().starts[containerID(arnPrefix+"1", "main")]; n != 1 {
			t.Fatalf("started %d times", n)
		}
		set(true)
		a.apply(t, stopTask("1"))
		settleFor(10 * time.Minute) // longer than all attempts to stop it
		set(false)
		settleFor(10 * time.Second)
		if got := m.statuses(); !slices.Equal(got, []string{"PENDING", "RUNNING", "STOPPED"}) {
			t.Errorf("reported %v", got)
		}
		if c := m.now().reports[len(m.now().reports)-1].Containers[0]; *c.ExitCode != 143 || c.Reason != "" {
			t.Errorf("got %+v", c)
		}
	})
}

// TestCleanupIsSpread over the time after the wait.
func TestCleanupIsSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig
		cfg.CleanupJitter = time.Hour
		m := newMachine()
		a := boot(t, m, cfg)
		defer a.die()
		const n = 30
		for i := range n {
			a.apply(t, runTask(fmt.Sprint(i)))
			a.apply(t, stopTask(fmt.Sprint(i)))
		}
		settleFor(time.Minute)
		began := time.Now()
		left := map[time.Duration]int{}
		for _, at := range []time.Duration{58 * time.Minute, 90 * time.Minute, 2 * time.Hour} {
			settleFor(at - time.Since(began))
			left[at] = len(a.Tasks())
		}
		if left[58*time.Minute] != n || left[90*time.Minute] == n || left[90*time.Minute] == 0 || left[2*time.Hour] != 0 {
			t.Errorf("tasks left: %v", left)
		}
	})
}

func TestTimeoutsAreConfigured(t *testing.T) {
	for name, c := range map[string]struct {
		create, start time.Duration
		away          string // when this is done, the container runtime goes away
		want          string
	}{
		"create": {time.Minute, time.Hour, "pull", "DockerTimeoutError: Could not transition to created; timed out after waiting 1m0s"},
		"start":  {time.Hour, 45 * time.Second, "create main", "DockerTimeoutError: Could not transition to started; timed out after waiting 45s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := testConfig
				cfg.CreateTimeout, cfg.StartTimeout = c.create, c.start
				m := newMachine()
				a := boot(t, m, cfg)
				defer a.die()
				a.apply(t, runTask("1"))
				for !slices.ContainsFunc(m.now().log, func(done string) bool { return strings.HasPrefix(done, c.away) }) {
					settleFor(time.Millisecond)
				}
				settleFor(time.Millisecond) // so that the answer is not lost
				m.set(func() { m.away = true })
				settleFor(2 * time.Minute)
				if got := a.Tasks()[0].Containers[0].Reason; got != c.want {
					t.Errorf("got %q", got)
				}
			})
		})
	}
}
