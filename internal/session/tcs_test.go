package session_test

import (
	"testing"

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
