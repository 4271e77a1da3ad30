package session_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/session"
)

func TestEveryPublicationIsAcknowledgedAndHealthRecorded(t *testing.T) {
	p := newPlane(t, nil)
	p.acs()
	p.until("connected", func() bool { return p.instance().AgentConnected })
	task := p.run()
	a := p.tcs()
	a.write(signed(agentproto.TypePublishMetrics, agentproto.PublishMetrics{
		Metadata: agentproto.MetricsMetadata{Cluster: "default", Fin: true},
		TaskMetrics: []agentproto.TaskMetric{{TaskARN: task.ARN(), ContainerMetrics: []agentproto.ContainerMetric{{
			ContainerName: "app", CPUStatsSet: &agentproto.StatsSet{Max: 42},
		}}}},
	}))
	expect[agentproto.TelemetryAck](a, agentproto.TypeAckMetric)
	of := session.Instance{Scope: scope, Cluster: "default", ID: instance}
	m, at, ok := p.srv.Utilisation(of, task.ARN())
	if !ok || at.IsZero() || m.ContainerMetrics[0].CPUStatsSet.Max != 42 {
		t.Errorf("utilisation %+v %v", m, ok)
	}

	publish := func(status string) {
		a.write(signed(agentproto.TypePublishHealth, agentproto.PublishHealth{
			Tasks: []agentproto.TaskHealth{{TaskARN: task.ARN(), Containers: []agentproto.ContainerHealth{{ContainerName: "app", HealthStatus: status}}}},
		}))
		expect[agentproto.TelemetryAck](a, agentproto.TypeAckHealth)
	}
	read := func() *ecs.Task {
		got, _ := ecs.Tasks.Get(p.room.Store().Snapshot(), task.Key())
		return got
	}
	publish("HEALTHY")
	if got := read(); got.HealthStatus != "HEALTHY" || got.Containers[0].Health != "HEALTHY" || got.Version != 2 {
		t.Errorf("task %+v", got)
	}
	revision := p.room.Store().Snapshot().Revision()
	publish("HEALTHY")
	if p.room.Store().Snapshot().Revision() != revision {
		t.Error("a repeated verdict was written")
	}
	publish("UNHEALTHY")
	if got := read(); got.HealthStatus != "UNHEALTHY" {
		t.Errorf("task is %s", got.HealthStatus)
	}

	a.write(signed(agentproto.TypePublishInstanceStatus, agentproto.PublishInstanceStatus{
		Statuses: []agentproto.InstanceStatus{{Type: "ContainerRuntime", Status: "OK"}},
	}))
	expect[agentproto.TelemetryAck](a, agentproto.TypeAckInstanceStatus)
	if s := p.srv.Status(of); len(s) != 1 || s[0].Status != "OK" {
		t.Errorf("status %+v", s)
	}
}

func TestOnlyWhatTheInstanceRunsIsKept(t *testing.T) {
	var published [][]agentproto.TaskMetric
	p := newPlane(t, func(c *session.Config) {
		c.Metrics = func(_ session.Instance, m *agentproto.PublishMetrics) { published = append(published, m.TaskMetrics) }
	})
	p.acs()
	p.until("connected", func() bool { return p.instance().AgentConnected })
	task := p.run()
	counter := func(n int64) *agentproto.CounterSet { return &agentproto.CounterSet{Sum: n, SampleCount: 1} }
	container := func(name string, n int64) agentproto.ContainerMetric {
		return agentproto.ContainerMetric{
			ContainerName: name, ContainerARN: "made up",
			StorageStatsSet: &agentproto.StorageSet{ReadSizeBytes: counter(n), WriteSizeBytes: counter(n + 1)},
			NetworkStatsSet: &agentproto.NetworkSet{RxBytes: counter(n + 2), TxBytesPerSecond: &agentproto.StatsSet{Max: 7}},
			RestartStatsSet: &agentproto.RestartSet{RestartCount: 3},
		}
	}
	strangers := []agentproto.TaskMetric{{TaskARN: "x"}, {TaskARN: scope.ARN("task/default/" + strings.Repeat("f", 32))}, {TaskARN: task.ARN() + "/x"}}
	a := p.tcs()
	a.write(signed(agentproto.TypePublishMetrics, agentproto.PublishMetrics{
		Metadata: agentproto.MetricsMetadata{Fin: true},
		TaskMetrics: append(strangers, agentproto.TaskMetric{TaskARN: task.ARN(), ContainerMetrics: []agentproto.ContainerMetric{
			container("nobody", 9), container("app", 1), container("app", 9),
		}}),
	}))
	expect[agentproto.TelemetryAck](a, agentproto.TypeAckMetric)
	of := session.Instance{Scope: scope, Cluster: "default", ID: instance}
	m, _, ok := p.srv.Utilisation(of, task.ARN())
	want := container("app", 1)
	want.ContainerARN = task.ContainerARN(&task.Containers[0])
	if diff := cmp.Diff([]agentproto.ContainerMetric{want}, m.ContainerMetrics); !ok || diff != "" {
		t.Errorf("kept %v %s", ok, diff)
	}
	if m.TaskDefinitionFamily != "web" || m.TaskDefinitionVersion != "1" || len(published) != 1 || len(published[0]) != 1 {
		t.Errorf("kept %+v, published %+v", m, published)
	}
	for _, stranger := range strangers {
		if _, _, ok := p.srv.Utilisation(of, stranger.TaskARN); ok {
			t.Errorf("%s is kept", stranger.TaskARN)
		}
	}
	a.write(signed(agentproto.TypePublishInstanceStatus, agentproto.PublishInstanceStatus{
		Statuses: slices.Repeat([]agentproto.InstanceStatus{{Type: strings.Repeat("x", 5000)}}, 100),
	}))
	expect[agentproto.TelemetryAck](a, agentproto.TypeAckInstanceStatus)
	if s := p.srv.Status(of); len(s) != 16 || len(s[0].Type) != 1024 {
		t.Errorf("%d statuses of %d bytes", len(s), len(s[0].Type))
	}
}

func TestTelemetryWithoutHeadersOrSense(t *testing.T) {
	p := newPlane(t, nil)
	a := p.tcs()
	for _, frame := range []string{"", "Authorization: x\r\n\r\n", "Authorization: x", "\r\n\r\n{", `{"type":"X"}`, `{"type":"PublishHealthRequest","message":7}`} {
		a.write([]byte(frame))
	}
	expect[agentproto.TelemetryAck](a, agentproto.TypeAckHealth) // even of the last one
	a.send(agentproto.TypePublishMetrics, agentproto.PublishMetrics{Metadata: agentproto.MetricsMetadata{Idle: true, Fin: true}})
	expect[agentproto.TelemetryAck](a, agentproto.TypeAckMetric)
}
