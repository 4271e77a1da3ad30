package rollout

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/slipway/slipway/internal/service/ecs"
)

// TestRandomHistories drives a service through random histories and holds every
// plan to the promises of the package; in the end it lets things be, and the
// deployment has to end.
func TestRandomHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(rapid.IntRange(0, 8).Draw(t, "desired"),
			rapid.SampledFrom([]int{0, 33, 50, 100}).Draw(t, "least"),
			rapid.SampledFrom([]int{100, 125, 150, 200}).Draw(t, "most"))
		w.settle = rapid.SampledFrom([]time.Duration{0, 40 * time.Second}).Draw(t, "settle")
		if rapid.Bool().Draw(t, "breaker") {
			w.breaker(rapid.Bool().Draw(t, "rollback"))
		}
		h := &history{w, t}
		for range rapid.IntRange(5, 60).Draw(t, "steps") {
			h.step()
		}
		h.converge()
	})
}

type history struct {
	*world
	t *rapid.T
}

func (h *history) step() {
	type action struct {
		name string
		do   func()
	}
	actions := []action{
		{"decide", h.carryOut}, {"decide", h.carryOut}, {"decide", h.carryOut},
		{"scale", func() {
			s := *h.service
			s.DesiredCount = rapid.IntRange(0, 8).Draw(h.t, "desired")
			s.Throttle = nil
			h.service = &s
		}},
		{"deploy", func() { h.deploy(fmt.Sprintf("td:%d", len(h.deployments)+1)) }},
		{"wait", func() {
			h.now = h.now.Add(time.Duration(rapid.IntRange(0, 600).Draw(h.t, "seconds")) * time.Second)
		}},
		{"drain", func() {
			id := fmt.Sprintf("i%d", rapid.IntRange(0, 3).Draw(h.t, "instance"))
			if _, is := h.draining[id]; is {
				delete(h.draining, id)
			} else {
				h.draining[id] = false
			}
		}},
		{"block", func() { h.blocked = !h.blocked }},
		{"stop deployment", func() {
			if p := h.primary(); p.State == ecs.StateInProgress {
				c := *p
				c.State = rapid.SampledFrom([]string{ecs.StateRollbackRequested, ecs.StateStopRequested}).Draw(h.t, "state")
				h.deployments[slices.Index(h.deployments, p)] = &c
			}
		}},
	}
	for range 3 { // tasks move more than anything else
		actions = append(actions, action{"move", h.move})
	}
	a := actions[rapid.IntRange(0, len(actions)-1).Draw(h.t, "action")]
	h.t.Logf("%s", a.name)
	a.do()
}

// String keeps rapid's log readable.
func (h *history) String() string { return h.world.String() }

// move lets one task do something.
func (h *history) move() {
	var live []*ecs.Task
	for _, t := range h.tasks {
		if !t.Ended() {
			live = append(live, t)
		}
	}
	if len(live) == 0 {
		return
	}
	t := live[rapid.IntRange(0, len(live)-1).Draw(h.t, "task")]
	switch do := rapid.IntRange(0, 9).Draw(h.t, "move"); {
	case t.DesiredStatus == ecs.TaskStopped:
		h.change(t, func(t *ecs.Task) { t.LastStatus, t.StoppedAt = ecs.TaskStopped, h.now })
	case pending(t) && do < 6:
		h.change(t, func(t *ecs.Task) { t.LastStatus, t.StartedAt = ecs.TaskRunning, h.now })
	case do < 3:
		h.dies(t)
	case pending(t):
	case do < 5:
		h.change(t, ill)
	case do < 7:
		h.change(t, func(t *ecs.Task) {
			t.Containers = []ecs.Container{{Name: "app", Essential: true, HasCheck: true}}
			t.HealthStatus = ecs.HealthHealthy
		})
	default:
		h.change(t, func(t *ecs.Task) { t.Protection = &ecs.Protection{ExpiresAt: h.now.Add(5 * time.Minute)} })
	}
}

// carryOut decides, checks the plan, and applies what placement lets through.
func (h *history) carryOut() {
	s := h.state()
	p := Decide(s)
	h.check(s, p)
	if h.blocked {
		p.Start.Count = rapid.IntRange(0, p.Start.Count).Draw(h.t, "placed")
	}
	h.apply(p)
}

func (h *history) check(s State, p Plan) {
	d := newDecision(s)
	well := 0
	for _, c := range d.census.is {
		if c == healthy {
			well++
		}
	}
	left := well
	for _, stop := range p.Stops {
		if stop.Task.DesiredStatus == ecs.TaskStopped {
			h.t.Fatalf("task %s is stopped twice", stop.Task.ID)
		}
		if d.census.is[stop.Task] != healthy {
			continue
		}
		left--
		if d.protected(stop.Task) {
			h.t.Fatalf("protected task %s is stopped\n%s", stop.Task.ID, h)
		}
	}
	desired := s.Service.DesiredCount
	least := (desired*int(*s.Service.DeploymentConfiguration.MinimumHealthyPercent) + 99) / 100
	most := desired * int(*s.Service.DeploymentConfiguration.MaximumPercent) / 100
	if left < min(well, least) {
		h.t.Fatalf("%d healthy tasks are left of %d, at least %d are to be\n%s", left, well, least, h)
	}
	running, waiting := h.count()
	if p.Start.Count > 0 && running+waiting+p.Start.Count > most {
		h.t.Fatalf("%d run, %d wait, %d are started, at most %d are to be\n%s", running, waiting, p.Start.Count, most, h)
	}
	if p.Start.Count > 0 && p.Start.Deployment == nil {
		h.t.Fatalf("tasks of no deployment are started")
	}
}

// converge lets everything go well from now on, and looks at what comes of it.
func (h *history) converge() {
	h.draining, h.blocked = map[string]bool{}, false
	for i := range h.tasks {
		t := *h.tasks[i]
		t.Protection = nil
		if t.HealthStatus == ecs.HealthUnhealthy {
			t.HealthStatus = ecs.HealthHealthy
		}
		h.tasks[i] = &t
	}
	for range 300 {
		h.obey()
		s := h.state()
		p := Decide(s)
		if h.service.SchedulingStrategy == ecs.SchedulingDaemon {
			h.checkDaemon(s, p)
		} else {
			h.check(s, p)
		}
		if p.Empty() && (p.After == 0 || p.After >= quiet-time.Hour) {
			h.ended(p)
			return
		}
		if p.Empty() {
			h.now = h.now.Add(p.After)
		}
		h.apply(p)
	}
	h.t.Fatalf("no end\n%s", h)
}

// ended checks the state in which nothing is left to do.
func (h *history) ended(last Plan) {
	primaries := 0
	for _, d := range h.deployments {
		if d.Status == ecs.DeploymentPrimary {
			primaries++
		}
	}
	if primaries != 1 {
		h.t.Fatalf("%d PRIMARY deployments\n%s", primaries, h)
	}
	running, waiting := h.count()
	switch p := h.primary(); p.RolloutState {
	case ecs.RolloutCompleted:
		if len(h.state().Deployments) != 1 || running != h.service.DesiredCount || waiting != 0 {
			h.t.Fatalf("completed with %d running, %d pending\n%s", running, waiting, h)
		}
		if !p.Over() {
			h.t.Fatalf("completed, but the service deployment is %s\n%s", p.State, h)
		}
	case ecs.RolloutFailed:
		if running > max(h.service.DesiredCount, 0) {
			h.t.Fatalf("failed with %d running\n%s", running, h)
		}
	default:
		stuck := slices.ContainsFunc(h.told(), func(m string) bool { return strings.HasPrefix(m, textStuck) })
		desired, c := h.service.DesiredCount, h.service.DeploymentConfiguration
		movable := desired*int(*c.MaximumPercent)/100 > desired || (desired*int(*c.MinimumHealthyPercent)+99)/100 < desired
		if movable || !stuck {
			h.t.Fatalf("deployment never ends (%+v)\n%s", summarise(last), h)
		}
	}
}

// TestRandomDaemonHistories is the same for a DAEMON service: never two of its
// tasks on one instance by our doing, never too few by our doing, and one
// everywhere in the end.
func TestRandomDaemonHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(0, rapid.SampledFrom([]int{0, 50}).Draw(t, "least"), 100)
		w.service.SchedulingStrategy = ecs.SchedulingDaemon
		w.eligible = map[string]bool{"i0": true, "i1": true}
		h := &history{w, t}
		for range rapid.IntRange(5, 50).Draw(t, "steps") {
			id := fmt.Sprintf("i%d", rapid.IntRange(0, 4).Draw(t, "instance"))
			switch rapid.IntRange(0, 9).Draw(t, "action") {
			case 0:
				h.deploy(fmt.Sprintf("td:%d", len(h.deployments)+1))
			case 1: // comes or goes
				if _, is := h.eligible[id]; is {
					delete(h.eligible, id)
					h.draining[id] = rapid.Bool().Draw(t, "busy")
				} else {
					h.eligible[id] = true
					delete(h.draining, id)
				}
			case 2:
				h.now = h.now.Add(30 * time.Second)
			case 3, 4, 5:
				h.move()
			default:
				h.carryOutDaemon()
			}
		}
		for id := range h.draining {
			h.draining[id] = false
		}
		h.converge()
	})
}

func (h *history) carryOutDaemon() {
	s := h.state()
	p := Decide(s)
	h.checkDaemon(s, p)
	h.apply(p)
}

func (h *history) checkDaemon(s State, p Plan) {
	d := newDecision(s)
	well := 0
	for t, c := range d.census.is {
		if _, eligible := s.Eligible[t.Instance]; eligible && c == healthy {
			well++
		}
	}
	left := well
	for _, stop := range p.Stops {
		if _, eligible := s.Eligible[stop.Task.Instance]; eligible && d.census.is[stop.Task] == healthy {
			left--
		}
	}
	least := (len(s.Eligible)*int(*s.Service.DeploymentConfiguration.MinimumHealthyPercent) + 99) / 100
	if left < min(well, least) {
		h.t.Fatalf("%d healthy tasks are left of %d, at least %d are to be\n%s", left, well, least, h)
	}
	for _, t := range s.Tasks {
		if p.Start.Instances[t.Instance] {
			h.t.Fatalf("a second task is started on %s\n%s", t.Instance, h)
		}
	}
}
