package session_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/session"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/wire"
)

func TestConnectMarksTheInstance(t *testing.T) {
	p := newPlane(t, nil)
	a := p.acs()
	p.until("connected", func() bool { return p.instance().AgentConnected })
	inst := p.instance()
	if inst.AgentVersion != "1.105.1" || inst.AgentHash != "a8b3e7d3" || inst.DockerVersion != "DockerVersion: 20.10.24" || inst.Version != 1 {
		t.Errorf("instance %+v", inst)
	}
	// Amazon's agent ends its connections so, and waits minutes for the answer.
	if err := a.conn.Close(websocket.StatusNormalClosure, "ConnectionExpired"); err != nil {
		t.Errorf("goodbye: %v", err)
	}
	p.until("disconnected", func() bool { return !p.instance().AgentConnected })
}

func TestTasksReachTheAgentOneByOne(t *testing.T) {
	p := newPlane(t, nil)
	a := p.acs()
	expect[agentproto.TaskManifest](a, agentproto.TypeTaskManifest)
	first, second := p.run(), p.run()
	got := map[string]agentproto.Payload{}
	for range 2 {
		m := expect[agentproto.Payload](a, agentproto.TypePayload)
		if len(m.Tasks) != 1 || m.MessageID == "" || m.SeqNum == 0 || m.GeneratedAt == 0 {
			t.Fatalf("payload %+v", m)
		}
		if m.ClusterARN != scope.ARN("cluster/default") || m.ContainerInstanceARN != p.instance().ARN() {
			t.Errorf("payload is for %s %s", m.ClusterARN, m.ContainerInstanceARN)
		}
		got[m.Tasks[0].ARN] = m
		a.ack(m)
	}
	for _, task := range []*ecs.Task{first, second} {
		m := got[task.ARN()]
		if len(m.Tasks) != 1 || m.Tasks[0].DesiredStatus != "RUNNING" || m.Tasks[0].Containers[0].Image != "registry.test/app:1" {
			t.Errorf("payload of %s: %+v", task.ARN(), m)
		}
	}
	if _, err := p.room.StopTask(t.Context(), scope, ecs.Caller{}, "", first.ID, ""); err != nil {
		t.Fatal(err)
	}
	m := expect[agentproto.Payload](a, agentproto.TypePayload)
	if m.Tasks[0].ARN != first.ARN() || m.Tasks[0].DesiredStatus != "STOPPED" || len(m.Tasks[0].Containers) != 0 {
		t.Errorf("stop %+v", m.Tasks)
	}
}

func TestReconnectSendsEverythingAgainInNumbersThatGrow(t *testing.T) {
	p := newPlane(t, nil)
	first := p.acs()
	expect[agentproto.TaskManifest](first, agentproto.TypeTaskManifest)
	running, stopping := p.run(), p.run()
	if _, err := p.room.StopTask(t.Context(), scope, ecs.Caller{}, "", stopping.ID, ""); err != nil {
		t.Fatal(err)
	}
	var highest int64
	for range 3 {
		a := p.acs()
		stop := expect[agentproto.Payload](a, agentproto.TypePayload)
		start := expect[agentproto.Payload](a, agentproto.TypePayload)
		manifest := expect[agentproto.TaskManifest](a, agentproto.TypeTaskManifest)
		if stop.Tasks[0].ARN != stopping.ARN() || start.Tasks[0].ARN != running.ARN() {
			t.Errorf("stops do not come first: %s, %s", stop.Tasks[0].ARN, start.Tasks[0].ARN)
		}
		for _, n := range []int64{stop.SeqNum, start.SeqNum, manifest.Timeline} {
			if n <= highest {
				t.Errorf("number %d after %d", n, highest)
			}
			highest = n
		}
		want := map[string]string{running.ARN(): "RUNNING", stopping.ARN(): "STOPPED"}
		for _, task := range manifest.Tasks {
			if want[task.TaskARN] != task.DesiredStatus {
				t.Errorf("manifest says %+v", task)
			}
			delete(want, task.TaskARN)
		}
		if len(want) > 0 {
			t.Errorf("manifest lacks %v", want)
		}
		a.ack(start)
		a.conn.CloseNow()
	}
}

func TestStopVerificationConfirmsOnlyWhatHasNoBusinessHere(t *testing.T) {
	p := newPlane(t, nil)
	first := p.acs()
	expect[agentproto.TaskManifest](first, agentproto.TypeTaskManifest)
	keep := p.run()
	stopping := p.run()
	if _, err := p.room.StopTask(t.Context(), scope, ecs.Caller{}, "", stopping.ID, ""); err != nil {
		t.Fatal(err)
	}
	unknown := scope.ARN("task/default/ffffffffffffffffffffffffffffffff")
	a := p.acs()
	m := expect[agentproto.TaskManifest](a, agentproto.TypeTaskManifest)
	var candidates []agentproto.TaskIdentifier
	for _, arn := range []string{keep.ARN(), stopping.ARN(), unknown} {
		candidates = append(candidates, agentproto.TaskIdentifier{TaskARN: arn, DesiredStatus: "STOPPED"})
	}
	a.send(agentproto.TypeTaskStopVerification, agentproto.TaskStopVerification{MessageID: m.MessageID, StopCandidates: candidates})
	ack := expect[agentproto.TaskStopVerificationAck](a, agentproto.TypeTaskStopVerificationAck)
	if ack.MessageID != m.MessageID || len(ack.StopTasks) != 2 || ack.StopTasks[0].TaskARN != stopping.ARN() || ack.StopTasks[1].TaskARN != unknown {
		t.Errorf("answer %+v", ack)
	}
}

func TestHeartbeatsComeWithoutEnd(t *testing.T) {
	p := newPlane(t, func(c *session.Config) { c.Heartbeat = 10 * time.Millisecond })
	q := p.acsQuery()
	q.Set("protocolVersion", "1") // such an agent is never given up
	a, _, err := p.dial("/acs/ws", q, keyID, secret)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for range 10 { // silent for longer than a newer agent may be
		h := expect[agentproto.Heartbeat](a, agentproto.TypeHeartbeat)
		if !h.Healthy || h.MessageID == "" || seen[h.MessageID] {
			t.Fatalf("heartbeat %+v", h)
		}
		seen[h.MessageID] = true
	}
}

func TestSilentAgentIsGivenUp(t *testing.T) {
	p := newPlane(t, func(c *session.Config) { c.Heartbeat = 10 * time.Millisecond })
	a := p.acs()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	for {
		if _, _, err := a.conn.Read(ctx); err != nil {
			break
		}
	}
	if ctx.Err() != nil {
		t.Error("a silent agent is kept")
	}
	p.until("disconnected", func() bool { return !p.instance().AgentConnected })
}

func TestUnknownMessagesAreLeftAlone(t *testing.T) {
	p := newPlane(t, nil)
	a := p.acs()
	expect[agentproto.TaskManifest](a, agentproto.TypeTaskManifest)
	a.send("SomethingNewRequest", map[string]string{"a": "b"})
	a.write([]byte("no JSON"))
	a.write([]byte(`{"type":"AckRequest","message":[]}`))
	a.send(agentproto.TypeCredentialsAck, agentproto.CredentialsAck{MessageID: "m", CredentialsID: "c"})
	p.run()
	expect[agentproto.Payload](a, agentproto.TypePayload)
}

func TestNewerConnectionEndsTheOlder(t *testing.T) {
	p := newPlane(t, nil)
	older := p.acs()
	expect[agentproto.TaskManifest](older, agentproto.TypeTaskManifest)
	newer := p.acs()
	expect[agentproto.TaskManifest](newer, agentproto.TypeTaskManifest)
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	for {
		_, _, err := older.conn.Read(ctx)
		if err == nil {
			continue
		}
		if websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
			t.Errorf("older connection ended with %v", err)
		}
		break
	}
	p.run()
	expect[agentproto.Payload](newer, agentproto.TypePayload)
	if !p.instance().AgentConnected {
		t.Error("the end of the older connection disconnected the instance")
	}
}

func TestDeregistrationEndsTheSocket(t *testing.T) {
	p := newPlane(t, nil)
	a := p.acs()
	expect[agentproto.TaskManifest](a, agentproto.TypeTaskManifest)
	p.put(func(tx *store.Tx) {
		inst, _ := ecs.Instances.Get(tx, scope.Key("default", instance))
		next := *inst
		next.Status = ecs.StatusInactive
		ecs.Instances.Put(tx, &next)
	})
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	if _, _, err := a.conn.Read(ctx); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Errorf("socket ended with %v", err)
	}
	_, res, err := p.dial("/acs/ws", p.acsQuery(), keyID, secret)
	if err == nil {
		t.Fatal("an inactive instance was let in")
	}
	text, _ := io.ReadAll(res.Body)
	if res.StatusCode != 400 || !strings.Contains(string(text), `"type":"InactiveInstanceException"`) {
		t.Errorf("%d %s", res.StatusCode, text)
	}
}

func TestRefusals(t *testing.T) {
	p := newPlane(t, nil)
	p.keys["AKIAINSTANCE2"] = wire.Credential{AccessKeyID: "AKIAINSTANCE2", SecretAccessKey: secret, Principal: wire.Principal{
		ARN: "arn:aws:sts::123456789012:assumed-role/ecsInstanceRole/i-2", Account: scope.Account,
	}}
	p.keys["AKIAREADER"] = wire.Credential{AccessKeyID: "AKIAREADER", SecretAccessKey: secret, Allow: []string{"ecs:Describe*"},
		Principal: wire.Principal{ARN: "arn:aws:iam::123456789012:user/r", Account: scope.Account}}
	tests := map[string]struct {
		id, key, cluster, instance string
		status                     int
		kind                       string
	}{
		"unknown instance":  {keyID, secret, "default", scope.ARN("container-instance/default/ffff"), 400, "InactiveInstanceException"},
		"no ARN":            {keyID, secret, "default", "x", 400, "InvalidInstanceException"},
		"other account":     {keyID, secret, "default", "arn:aws:ecs:eu-west-3:999999999999:container-instance/default/1", 400, "InvalidInstanceException"},
		"unknown cluster":   {keyID, secret, "nope", scope.ARN("container-instance/nope/" + instance), 400, "InvalidClusterException"},
		"wrong secret":      {keyID, "wrong", "default", scope.ARN("container-instance/default/" + instance), 400, "InvalidSignatureException"},
		"unknown key":       {"AKIANOBODY", secret, "default", scope.ARN("container-instance/default/" + instance), 400, "UnrecognizedClientException"},
		"another instance":  {"AKIAINSTANCE2", secret, "default", scope.ARN("container-instance/default/" + instance), 403, "AccessDeniedException"},
		"not allowed":       {"AKIAREADER", secret, "default", scope.ARN("container-instance/default/" + instance), 400, "AccessDeniedException"},
		"cluster of old is": {keyID, secret, "other", scope.ARN("container-instance/default/" + instance), 0, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			q := p.acsQuery()
			q.Set("clusterArn", tt.cluster)
			q.Set("containerInstanceArn", tt.instance)
			_, res, err := p.dial("/acs/ws", q, tt.id, tt.key)
			if tt.status == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil {
				t.Fatal("let in")
			}
			text, _ := io.ReadAll(res.Body)
			if res.StatusCode != tt.status || !strings.Contains(string(text), tt.kind) {
				t.Errorf("%d %s", res.StatusCode, text)
			}
		})
	}
}

// More than any socket buffers waits for an agent that does not read; the other
// one gets all of its tasks all the same.
func TestAgentThatDoesNotReadSlowsNobody(t *testing.T) {
	p := newPlane(t, nil)
	other := strings.Repeat("2", 32)
	p.put(func(tx *store.Tx) {
		inst, _ := ecs.Instances.Get(tx, scope.Key("default", instance))
		next := *inst
		next.ID, next.EC2InstanceID = other, "i-2"
		ecs.Instances.Put(tx, &next)
		def, _ := ecs.TaskDefinitions.Get(tx, scope.Key("web", "0000000001"))
		big := *def
		big.Family = "big"
		big.Definition.ContainerDefinitions = []ecsshape.ContainerDefinition{{
			Name: new("app"), Image: new("app:1"), Memory: new(int32(1)), Command: []string{strings.Repeat("x", 200_000)},
		}}
		ecs.TaskDefinitions.Put(tx, &big)
	})
	deaf := p.acs()
	q := p.acsQuery()
	q.Set("containerInstanceArn", scope.ARN("container-instance/default/"+other))
	hearing, _, err := p.dial("/acs/ws", q, keyID, secret)
	if err != nil {
		t.Fatal(err)
	}
	mine := 0
	for range 8 {
		tasks, failures, err := p.room.RunTask(t.Context(), scope, ecs.Caller{}, ecs.RunTaskRequest{
			TaskOptions: ecs.TaskOptions{TaskDefinition: "big"}, Count: 10,
		})
		if err != nil || len(failures) > 0 {
			t.Fatal(failures, err)
		}
		for _, task := range tasks {
			if task.Instance == other {
				mine++
			}
		}
	}
	for range mine {
		hearing.ack(expect[agentproto.Payload](hearing, agentproto.TypePayload))
	}
	if mine == 0 || mine == 80 {
		t.Errorf("%d of 80 tasks were for the agent that reads", mine)
	}
	deaf.conn.CloseNow()
}

func TestPayloadComesAtOnce(t *testing.T) {
	p := newPlane(t, nil)
	a := p.acs()
	expect[agentproto.TaskManifest](a, agentproto.TypeTaskManifest)
	var spent time.Duration
	for range 20 {
		p.run()
		committed := time.Now()
		m := expect[agentproto.Payload](a, agentproto.TypePayload)
		spent += time.Since(committed)
		a.ack(m)
	}
	t.Logf("from commit to the agent: %s on average", spent/20)
}

func TestCloseSaysGoodbye(t *testing.T) {
	p := newPlane(t, nil)
	a := p.acs()
	expect[agentproto.TaskManifest](a, agentproto.TypeTaskManifest)
	done := make(chan struct{})
	go func() { p.srv.Close(); close(done) }()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	_, _, err := a.conn.Read(ctx)
	if websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("ended with %v", err)
	}
	<-done
	if p.instance().AgentConnected {
		t.Error("instance still counts as connected")
	}
	if _, res, err := p.dial("/acs/ws", p.acsQuery(), keyID, secret); err == nil || res.StatusCode != 503 {
		t.Errorf("closed server answers %v", err)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		t.Error("no close frame")
	}
}
