package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/slipway/slipway/internal/agentproto"
)

// event is one thing that happens to an instance.
type event struct {
	kind string // run, stop, exit, kill, time
	task int
	at   int           // container
	wait time.Duration // after it
}

const crashTasks = 4

func drawEvents(t *rapid.T) []event {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) event {
		return event{
			kind: rapid.SampledFrom([]string{"run", "run", "stop", "exit", "kill", "kill", "time"}).Draw(t, "kind"),
			task: rapid.IntRange(0, crashTasks-1).Draw(t, "task"),
			at:   rapid.IntRange(0, 1).Draw(t, "container"),
			wait: time.Duration(rapid.IntRange(0, 120).Draw(t, "ms")) * time.Millisecond,
		}
	}), 1, 40).Draw(t, "events")
}

// plane is a control plane: it sends what is not acknowledged yet after every
// restart of the agent, as AWS's does.
type plane struct {
	m       *machine
	unacked map[string]agentproto.Task // by task and desired status
	given   map[string]bool            // tasks that were ever sent to run
	exits   map[string]int             // exit codes that containers ended with on their own
}

func (p *plane) send(a *agent, task agentproto.Task) {
	key := task.ARN + task.DesiredStatus
	p.m.mu.Lock()
	p.unacked[key] = task
	p.m.mu.Unlock()
	r, err := a.Apply(context.Background(), []agentproto.Task{task})
	if err != nil {
		return
	}
	go func() {
		if r.Wait(context.Background()) != nil {
			return
		}
		p.m.mu.Lock()
		defer p.m.mu.Unlock()
		delete(p.unacked, key)
		if task.DesiredStatus == agentproto.DesiredStopped {
			p.m.stopped[task.ARN] = true
		}
	}()
}

func (p *plane) resend(a *agent) {
	p.m.mu.Lock()
	tasks := make([]agentproto.Task, 0, len(p.unacked))
	for _, t := range p.unacked {
		tasks = append(tasks, t)
	}
	p.m.mu.Unlock()
	// Runs before stops, as they were asked for.
	slices.SortFunc(tasks, func(a, b agentproto.Task) int { return len(a.DesiredStatus) - len(b.DesiredStatus) })
	for _, desired := range []string{agentproto.DesiredRunning, agentproto.DesiredStopped} {
		for _, t := range tasks {
			if t.DesiredStatus == desired {
				p.send(a, t)
			}
		}
	}
}

func crashTask(n int) agentproto.Task {
	app, side := container("app"), container("side")
	side.Essential = n%2 == 0
	app.DependsOn = []agentproto.Dependency{{ContainerName: "side", Condition: agentproto.ConditionStart}}
	app.PortMappings = []agentproto.PortMapping{{ContainerPort: 80, Protocol: "tcp"}}
	t := runTask(fmt.Sprint(n), app, side)
	t.CPU = 0.25
	return t
}

// TestKilledAgent kills the agent at random moments of random histories. Its
// promises must hold on the machine and in the reports.
func TestKilledAgent(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		events := drawEvents(rt)
		seed := rapid.Uint64().Draw(rt, "seed")
		var broken []string
		synctest.Test(t, func(t *testing.T) { broken = history(t, events, seed) })
		if len(broken) > 0 {
			rt.Fatalf("%v", broken)
		}
	})
}

func history(t *testing.T, events []event, seed uint64) []string {
	random := rand.New(rand.NewPCG(seed, 0))
	m := newMachine()
	m.delay = func() time.Duration {
		m.mu.Lock()
		defer m.mu.Unlock()
		return time.Duration(1+random.IntN(30)) * time.Millisecond
	}
	m.cut = func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return random.IntN(2) == 0
	}
	p := &plane{m: m, unacked: map[string]agentproto.Task{}, given: map[string]bool{}, exits: map[string]int{}}
	a := boot(t, m, testConfig)
	for _, e := range events {
		p.happen(t, e, &a)
		time.Sleep(e.wait) //nolint:forbidigo // in a synctest bubble
	}
	// In the end everything that still runs is stopped, with no further kill.
	a.die()
	a = boot(t, m, testConfig)
	p.resend(a)
	settleFor(time.Minute)
	running := a.Tasks()
	for _, v := range running {
		p.send(a, agentproto.Task{ARN: v.Task.ARN, DesiredStatus: agentproto.DesiredStopped})
	}
	settleFor(time.Minute)
	broken := p.judge()
	settleFor(2 * testConfig.CleanupWait)
	if now := m.now(); len(now.containers)+len(now.attached)+len(now.groups)+len(now.durable)+len(a.Tasks()) != 0 {
		broken = append(broken, fmt.Sprintf("left behind: containers %v networks %v groups %v records %v", now.containers, now.attached, now.groups, now.durable))
	}
	a.die()
	if h := a.host; h.cpu != testConfig.CPU || h.memory != testConfig.Memory || len(h.ports) != 0 || len(h.waiting) != 0 {
		broken = append(broken, fmt.Sprintf("account of the instance: %+v", h))
	}
	return broken
}

func (p *plane) happen(t *testing.T, e event, a **agent) {
	task := crashTask(e.task)
	switch e.kind {
	case "run":
		if !p.given[task.ARN] {
			p.given[task.ARN] = true
			p.send(*a, task)
		}
	case "stop":
		if p.given[task.ARN] {
			p.send(*a, agentproto.Task{ARN: task.ARN, DesiredStatus: agentproto.DesiredStopped})
		}
	case "exit":
		id := containerID(task.ARN, task.Containers[e.at].Name)
		if code := 1 + e.at; p.m.exit(id, Exit{Code: code}) {
			p.exits[id] = code
		}
	case "kill":
		(*a).die()
		*a = boot(t, p.m, testConfig)
		p.resend(*a)
	}
}

// judge checks what was promised about containers and reports.
func (p *plane) judge() []string {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	broken := p.m.broken
	for id, n := range p.m.starts {
		if n > 1 {
			broken = append(broken, fmt.Sprintf("container %s was started %d times", id, n))
		}
	}
	last := map[string]string{}
	rank := map[string]int{"": 0, "PENDING": 1, "RUNNING": 2, "STOPPED": 3}
	told := map[string]int{}
	for _, r := range p.m.reports {
		if rank[r.Status] < rank[last[r.TaskARN]] {
			broken = append(broken, fmt.Sprintf("%s reported %s after %s", r.TaskARN, r.Status, last[r.TaskARN]))
		}
		last[r.TaskARN] = r.Status
		for _, c := range r.Containers {
			if c.ExitCode != nil {
				told[containerID(r.TaskARN, c.Name)] = *c.ExitCode
			}
		}
	}
	for arn := range p.given {
		if last[arn] != "STOPPED" {
			broken = append(broken, fmt.Sprintf("%s was never reported STOPPED", arn))
		}
	}
	for id, code := range p.exits {
		if got, ok := told[id]; !ok || got != code {
			broken = append(broken, fmt.Sprintf("container %s ended with %d, reported %d %v", id, code, got, ok))
		}
	}
	return broken
}
