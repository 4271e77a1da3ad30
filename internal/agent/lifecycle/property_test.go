package lifecycle

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/slipway/slipway/internal/agentproto"
)

// world plays the engine: it does actions and lets things happen to containers.
type world struct {
	t    *rapid.T
	spec TaskSpec
	obs  Observed
}

func drawSpec(t *rapid.T) TaskSpec {
	conditions := []string{ConditionCreate, agentproto.ConditionStart, agentproto.ConditionComplete, agentproto.ConditionSuccess, agentproto.ConditionHealthy}
	spec := TaskSpec{PullUpfront: rapid.Bool().Draw(t, "upfront")}
	n := rapid.IntRange(1, 5).Draw(t, "containers")
	for i := range n {
		c := ContainerSpec{
			Name:         string(rune('a' + i)),
			Essential:    rapid.Bool().Draw(t, "essential"),
			StopTimeout:  time.Duration(rapid.IntRange(1, 60).Draw(t, "stopTimeout")) * time.Second,
			StartTimeout: time.Duration(rapid.IntRange(0, 60).Draw(t, "startTimeout")) * time.Second,
		}
		if rapid.Bool().Draw(t, "restarts") {
			c.Restart = &RestartPolicy{Ignored: []int{0}, Period: time.Minute}
		}
		for j := range i {
			if rapid.IntRange(0, 2).Draw(t, "depends") == 0 {
				c.DependsOn = append(c.DependsOn, Dependency{On: j, Condition: rapid.SampledFrom(conditions).Draw(t, "condition")})
			}
		}
		spec.Containers = append(spec.Containers, c)
	}
	return spec
}

// step asks Next, checks the answer and begins the actions.
func (w *world) step() int {
	actions := Next(w.spec, w.obs)
	stopping := Stopping(w.spec, w.obs)
	begun := 0
	for _, a := range actions {
		c := &w.obs.Containers[a.Container]
		w.check(a, *c, stopping)
		if a.Kind != Cancel {
			begun++
			c.Doing = a.Kind
		}
	}
	for _, a := range actions {
		if a.Kind == Finish {
			w.complete(a.Container, a)
		}
	}
	return begun
}

func (w *world) check(a Action, c Container, stopping bool) {
	if c.Status == Stopped {
		w.t.Fatalf("%s of a stopped container", a.Kind)
	}
	if c.Doing != Nothing && a.Kind != Cancel {
		w.t.Fatalf("%s while %s is under way", a.Kind, c.Doing)
	}
	switch a.Kind {
	case Pull, Create, Start, Restart:
		if stopping || !w.obs.Admitted {
			w.t.Fatalf("%s with stopping=%v admitted=%v", a.Kind, stopping, w.obs.Admitted)
		}
	case Signal, Kill:
		for j := range w.spec.dependants(a.Container) {
			if w.obs.Containers[j].Status != Stopped {
				w.t.Fatalf("%s before dependant %d stopped", a.Kind, j)
			}
		}
	}
	want := map[Kind]Status{Create: Pulled, Start: Created, Restart: Running, Signal: Running, Kill: Running}
	if s, ok := want[a.Kind]; ok && c.Status != s {
		w.t.Fatalf("%s in %s", a.Kind, c.Status)
	}
	if a.Kind == Create || a.Kind == Start {
		for _, d := range w.spec.Containers[a.Container].DependsOn {
			dep := w.obs.Containers[d.On]
			if dep.Status < Created {
				w.t.Fatalf("%s before its dependency was even created", a.Kind)
			}
			if d.Condition == agentproto.ConditionSuccess && (dep.Status != Stopped || *dep.ExitCode != 0) {
				w.t.Fatalf("%s without SUCCESS of its dependency", a.Kind)
			}
		}
	}
}

// complete ends an action.
func (w *world) complete(i int, a Action) {
	c := &w.obs.Containers[i]
	before := c.Status
	fails := false
	if a.Kind < Signal {
		fails = rapid.IntRange(0, 5).Draw(w.t, "fails") == 0
	}
	c.Doing = Nothing
	switch {
	case fails:
		c.Failed = true
	case a.Kind == Pull:
		c.Status = Pulled
	case a.Kind == Create:
		c.Status = Created
	case a.Kind == Start:
		c.Status, c.StartedAt = Running, w.obs.Now
	case a.Kind == Restart:
		c.Down, c.ExitCode, c.StartedAt = false, nil, w.obs.Now
	case a.Kind == Signal || a.Kind == Kill:
		c.StopAttempts++
		c.StopSentAt = w.obs.Now
	case a.Kind == Finish:
		c.Status = Stopped
		if c.ExitCode == nil {
			c.ExitCode = a.ExitCode
		}
	}
	if c.Status < before {
		w.t.Fatalf("container went back from %s to %s", before, c.Status)
	}
}

// happen lets one thing happen.
func (w *world) happen() {
	i := rapid.IntRange(0, len(w.spec.Containers)-1).Draw(w.t, "which")
	c := &w.obs.Containers[i]
	switch rapid.SampledFrom([]string{"done", "done", "done", "exit", "health", "time", "admit"}).Draw(w.t, "event") {
	case "done":
		if c.Doing != Nothing {
			w.complete(i, Action{Kind: c.Doing, Container: i})
		}
	case "exit":
		if c.Status == Running && !c.Down {
			c.Down, c.ExitedAt = true, w.obs.Now
			c.ExitCode = new(rapid.IntRange(0, 2).Draw(w.t, "code"))
		}
	case "health":
		c.Health = Healthy
	case "time":
		w.obs.Now = w.obs.Now.Add(time.Duration(rapid.IntRange(1, 90).Draw(w.t, "seconds")) * time.Second)
	case "admit":
		w.obs.Admitted = true
	}
}

// TestStopWantedEnds holds the package's promises over random lives: checked at
// every step, and after the wish to stop the task ends, whatever happens.
func TestStopWantedEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{t: t, spec: drawSpec(t)}
		w.obs = Observed{Now: time.Unix(1e9, 0), Containers: make([]Container, len(w.spec.Containers))}
		if err := w.spec.Validate(); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			w.step()
			w.happen()
		}
		w.obs.StopWanted = true
		stubborn := rapid.Bool().Draw(t, "stubborn") // ignores every signal
		for range 100 {
			if w.obs.Task() == Stopped {
				return
			}
			begun := w.step()
			w.end(stubborn)
			if begun == 0 {
				if at, ok := Deadline(w.spec, w.obs); ok {
					w.obs.Now = at
				}
			}
		}
		t.Fatalf("task does not stop: %+v", w.obs)
	})
}

// end completes what is under way, and kills what was signalled.
func (w *world) end(stubborn bool) {
	for i := range w.obs.Containers {
		c := &w.obs.Containers[i]
		if c.Doing != Nothing {
			w.complete(i, Action{Kind: c.Doing})
		}
		if c.StopAttempts > 0 && !stubborn && !c.Down {
			c.Down, c.ExitCode, c.ExitedAt = true, new(143), w.obs.Now
		}
	}
}
