package session

import (
	"iter"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/service/ecs"
)

func task(id, desired, last string) *ecs.Task {
	return &ecs.Task{Cluster: "default", ID: id, DesiredStatus: desired, LastStatus: last}
}

// changes are from the last tasks to these, which are then the last.
func changes(last map[string]*ecs.Task, tasks []*ecs.Task) iter.Seq2[*ecs.Task, *ecs.Task] {
	return func(yield func(before, after *ecs.Task) bool) {
		gone := maps.Clone(last)
		clear(last)
		for _, t := range tasks {
			yield(gone[t.ID], t)
			delete(gone, t.ID)
			last[t.ID] = t
		}
		for _, t := range gone {
			yield(t, nil)
		}
	}
}

func TestOutbox(t *testing.T) {
	now := time.Now()
	o := newOutbox(time.Minute)
	last := map[string]*ecs.Task{}
	ids := func(at time.Time, tasks ...*ecs.Task) []string {
		var out []string
		for _, t := range o.due(changes(last, tasks), at) {
			out = append(out, t.ID)
			o.sent(t, "m-"+t.ID+"-"+t.DesiredStatus+"-"+at.String(), at)
		}
		return out
	}
	message := func(id, desired string, at time.Time) string { return "m-" + id + "-" + desired + "-" + at.String() }
	steps := []struct {
		what  string
		at    time.Time
		tasks []*ecs.Task
		want  []string
		acks  []string
	}{
		{"new tasks, stops first, none that is being prepared", now,
			[]*ecs.Task{task("a", "RUNNING", "PENDING"), task("b", "STOPPED", "STOPPING"), task("c", "RUNNING", "PROVISIONING")},
			[]string{"b", "a"}, []string{message("a", "RUNNING", now)}},
		{"nothing again", now.Add(time.Second),
			[]*ecs.Task{task("a", "RUNNING", "RUNNING"), task("b", "STOPPED", "STOPPING")}, nil, nil},
		{"what was not acknowledged, after a minute", now.Add(time.Minute),
			[]*ecs.Task{task("a", "RUNNING", "RUNNING"), task("b", "STOPPED", "STOPPING")}, []string{"b"}, nil},
		{"a stop waits until the task is out of service", now.Add(61 * time.Second),
			[]*ecs.Task{task("a", "STOPPED", "DEACTIVATING"), task("b", "STOPPED", "STOPPING")}, nil, nil},
		{"and then it goes out", now.Add(62 * time.Second),
			[]*ecs.Task{task("a", "STOPPED", "STOPPING"), task("b", "STOPPED", "STOPPING")}, []string{"a"}, nil},
		{"what has ended is forgotten, acknowledged or not", now.Add(time.Hour), nil, nil, nil},
	}
	for _, s := range steps {
		if got := ids(s.at, s.tasks...); !slices.Equal(got, s.want) {
			t.Errorf("%s: sent %v, want %v", s.what, got, s.want)
		}
		for _, m := range s.acks {
			o.acked(m)
		}
	}
	if len(o.tasks) != 0 || len(o.messages) != 0 || len(o.open) != 0 {
		t.Errorf("remembers %v, %v, %v", o.tasks, o.messages, o.open)
	}
	o.acked("unknown")
}

func TestGone(t *testing.T) {
	if gone(time.Minute, 20*time.Second) || !gone(61*time.Second, 20*time.Second) {
		t.Error("an agent is given up after three heartbeats")
	}
}

func TestBody(t *testing.T) {
	tests := map[string]string{
		`{"type":"X"}`:                          `{"type":"X"}`,
		"A: b\r\nC: d\r\n\r\n" + `{"x":"\r\n"}`: `{"x":"\r\n"}`,
		"A: b\n\n{}":                            "{}",
		"A: b":                                  "",
		"":                                      "",
	}
	for frame, want := range tests {
		if got := string(body([]byte(frame))); got != want {
			t.Errorf("%q: %q", frame, got)
		}
	}
}
