package link

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agent/lifecycle"
	"github.com/slipway/slipway/internal/agentproto"
)

func TestPacks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(1, 400<<10), 0, 35).Draw(t, "sizes")
		var tasks []agentproto.TaskMetric
		for i, n := range sizes {
			tasks = append(tasks, agentproto.TaskMetric{TaskARN: fmt.Sprint(i), TaskDefinitionFamily: strings.Repeat("x", n)})
		}
		var got []agentproto.TaskMetric
		ended := 0
		for pack, last := range packs(tasks) {
			if ended > 0 {
				t.Fatal("a message after the last")
			}
			if last {
				ended++
			}
			frame, err := json.Marshal(pack)
			if err != nil || len(frame) >= 1_000_000 || len(pack) > 10 || len(pack) == 0 && len(tasks) > 0 {
				t.Fatalf("%d tasks in %d bytes, %v", len(pack), len(frame), err)
			}
			got = append(got, pack...)
		}
		if ended != 1 || !slices.EqualFunc(got, tasks, func(a, b agentproto.TaskMetric) bool { return a.TaskARN == b.TaskARN }) {
			t.Fatalf("%d messages were the last, %d of %d tasks", ended, len(got), len(tasks))
		}
	})
}

func TestOldRoundsAreDropped(t *testing.T) {
	q := newRounds()
	for i := range maxRounds + 3 {
		q.put(round{at: float64(i)})
	}
	for i := range maxRounds {
		if r, ok := q.take(); !ok || r.at != float64(i+3) {
			t.Fatalf("round %v %v, want %d", r.at, ok, i+3)
		}
	}
	if _, ok := q.take(); ok {
		t.Error("one too many")
	}
}

func checked(status lifecycle.Status, checked bool, verdict lifecycle.Health, since time.Time) engine.View {
	c := engine.ContainerView{Checked: checked}
	c.Status = status
	c.Health = engine.HealthStatus{Verdict: verdict, Since: since}
	return engine.View{
		Task: agentproto.Task{ARN: taskARN, TaskClusterARN: clusterARN, Family: "demo", Version: "1",
			Containers: []agentproto.Container{{Name: "web"}}},
		Known: status, Containers: []engine.ContainerView{c},
	}
}

func TestHealthOfRunningContainersIsSaid(t *testing.T) {
	now, before := time.UnixMilli(1795319944205), time.UnixMilli(1795319932423)
	cases := map[string]struct {
		view engine.View
		want []agentproto.ContainerHealth
	}{
		"healthy":   {checked(lifecycle.Running, true, lifecycle.Healthy, before), []agentproto.ContainerHealth{{ContainerName: "web", HealthStatus: "HEALTHY", StatusSince: 1795319932.423}}},
		"not yet":   {checked(lifecycle.Running, true, lifecycle.Unknown, time.Time{}), []agentproto.ContainerHealth{{ContainerName: "web", HealthStatus: "UNKNOWN", StatusSince: 1795319944.205}}},
		"unchecked": {checked(lifecycle.Running, false, lifecycle.Unknown, time.Time{}), nil},
		"stopped":   {checked(lifecycle.Stopped, true, lifecycle.Healthy, before), nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			h, ok := taskHealth(c.view, now)
			if diff := cmp.Diff(c.want, h.Containers); diff != "" || ok != (c.want != nil) {
				t.Error(ok, diff)
			}
		})
	}
}

// TestRoundWithoutMetrics is of an instance whose owner wants none measured
// (ECS_DISABLE_METRICS).
func TestRoundWithoutMetrics(t *testing.T) {
	f := &tasks{views: []engine.View{checked(lifecycle.Running, true, lifecycle.Healthy, time.UnixMilli(1000))}}
	r := NewSession(nil, SessionConfig{Tasks: f, Marks: f}).round(time.UnixMilli(2000))
	if len(r.metrics) != 0 || r.metrics == nil || !r.idle || len(r.health) != 1 {
		t.Errorf("got %+v", r)
	}
}

// TestRoundsOverTheSocket publishes one of 12 tasks, then loses the connection
// and publishes what was buffered.
func TestRoundsOverTheSocket(t *testing.T) {
	b := newBackend(t)
	metrics := make([]agentproto.TaskMetric, 12)
	for i := range metrics {
		metrics[i] = agentproto.TaskMetric{TaskARN: fmt.Sprintf("%s%02d", taskARN, i)}
	}
	f := &tasks{views: []engine.View{checked(lifecycle.Running, true, lifecycle.Unhealthy, time.UnixMilli(1000))}, metrics: metrics}
	s := b.connect(f, (*Session).RunTCS)
	first := decode[agentproto.PublishMetrics](t, s.frame(b), agentproto.TypePublishMetrics)
	second := decode[agentproto.PublishMetrics](t, s.frame(b), agentproto.TypePublishMetrics)
	health := decode[agentproto.PublishHealth](t, s.frame(b), agentproto.TypePublishHealth)
	decode[agentproto.PublishInstanceStatus](t, s.frame(b), agentproto.TypePublishInstanceStatus)
	if len(first.TaskMetrics) != 10 || first.Metadata.Fin || first.Metadata.Idle {
		t.Errorf("first: %d tasks, %+v", len(first.TaskMetrics), first.Metadata)
	}
	if len(second.TaskMetrics) != 2 || !second.Metadata.Fin || second.Metadata.MessageID == first.Metadata.MessageID {
		t.Errorf("second: %d tasks, %+v", len(second.TaskMetrics), second.Metadata)
	}
	if len(health.Tasks) != 1 || health.Tasks[0].Containers[0].HealthStatus != "UNHEALTHY" || !health.Metadata.Fin {
		t.Errorf("health: %+v", health)
	}

	b.mu.Lock()
	b.refuse = "not now"
	b.mu.Unlock()
	_ = s.ws.CloseNow()
	select {
	case <-b.refused: // so the old connection is over
	case <-time.After(30 * time.Second):
		t.Fatal("no attempt to connect again")
	}
	b.session.rounds.put(round{at: 1, idle: true, metrics: []agentproto.TaskMetric{}})
	b.session.rounds.put(round{at: 2, idle: true, metrics: []agentproto.TaskMetric{}})
	b.mu.Lock()
	b.refuse = ""
	b.mu.Unlock()
	next := b.next()
	for at := 1.0; at <= 2; at++ {
		m := decode[agentproto.PublishMetrics](t, next.frame(b), agentproto.TypePublishMetrics)
		if math.Abs(m.Timestamp-at) > 0 || !m.Metadata.Idle || !m.Metadata.Fin {
			t.Errorf("buffered round %v: %+v", at, m)
		}
	}
	decode[agentproto.PublishInstanceStatus](t, next.frame(b), agentproto.TypePublishInstanceStatus)
}

func decode[T any](t *testing.T, e agentproto.Envelope, kind string) (out T) {
	t.Helper()
	if e.Type != kind {
		t.Fatalf("got %s, want %s", e.Type, kind)
	}
	if err := json.Unmarshal(e.Message, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
