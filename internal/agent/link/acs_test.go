package link

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agentproto"
)

func payload(id string, list ...agentproto.Task) agentproto.Payload {
	return agentproto.Payload{ClusterARN: clusterARN, ContainerInstanceARN: instanceARN, MessageID: id, SeqNum: 7, Tasks: list}
}

func ack(id string) agentproto.Ack {
	return agentproto.Ack{Cluster: clusterARN, ContainerInstance: instanceARN, MessageID: id}
}

// beat proves that everything sent before was handled: messages are handled one
// at a time.
func beat(s *socket, id string) {
	s.t.Helper()
	s.send(agentproto.TypeHeartbeat, agentproto.Heartbeat{Healthy: true, MessageID: id})
	s.expect(agentproto.TypeHeartbeatAck, agentproto.HeartbeatAck{MessageID: id})
}

func TestPollSocketIntroducesItself(t *testing.T) {
	b := newBackend(t)
	s := b.connect(&tasks{mark: -1}, (*Session).RunACS)
	want := map[string][]string{
		"agentHash": {"slipway"}, "agentVersion": {"1.105.1"}, "clusterArn": {"default"}, "containerInstanceArn": {instanceARN},
		"dockerVersion": {"DockerVersion: containerd 1.6.20"}, "protocolVersion": {"2"}, "sendCredentials": {"true"}, "seqNum": {"1"},
	}
	if diff := cmp.Diff(want, s.query); diff != "" || s.url != "/acs/ws" {
		t.Error(s.url, diff)
	}
	// A server that goes away is followed at once, without asking for
	// credentials again.
	if err := s.ws.Close(websocket.StatusGoingAway, "restart"); err != nil {
		t.Fatal(err)
	}
	s = b.next()
	if got := s.query["sendCredentials"][0]; got != "false" {
		t.Errorf("sendCredentials of the second connection: %s", got)
	}
	beat(s, "1")
	if n := len(b.calls); n != 1 {
		t.Errorf("DiscoverPollEndpoint was called %d times", n)
	}
}

func TestPayloadIsAcknowledgedWhenDurable(t *testing.T) {
	b := newBackend(t)
	durable := make(chan struct{})
	f := &tasks{mark: -1, receipt: engine.NewReceipt(func(ctx context.Context) error {
		select {
		case <-durable:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})}
	s := b.connect(f, (*Session).RunACS)
	task := agentproto.Task{ARN: taskARN, ExecutionRoleCredentials: &agentproto.RoleCredentials{CredentialsID: "c1", Expiration: "2026-11-22T20:00:00Z"}}
	s.send(agentproto.TypePayload, payload("m1", task))
	beat(s, "still reading") // the wait for the disk holds up nothing
	close(durable)
	s.expect(agentproto.TypeAck, ack("m1"))
	s.expect(agentproto.TypeCredentialsAck, agentproto.CredentialsAck{MessageID: "m1", CredentialsID: "c1", Expiration: "2026-11-22T20:00:00Z"})
	if diff := cmp.Diff([]agentproto.Task{task}, f.applied); diff != "" {
		t.Error(diff)
	}
}

func TestMessagesThatGetNoAnswer(t *testing.T) {
	cases := map[string]struct {
		kind      string
		message   any
		malformed bool
	}{
		"payload with a malformed task": {agentproto.TypePayload, payload("m1", agentproto.Task{}), true},
		"payload without id":            {agentproto.TypePayload, payload(""), false},
		"payload of another shape":      {agentproto.TypePayload, map[string]any{"tasks": 5}, false},
		"unknown type":                  {"SomethingNewMessage", map[string]string{"messageId": "m1"}, false},
		"credentials of no task":        {agentproto.TypeCredentials, agentproto.Credentials{MessageID: "m1", TaskARN: taskARN, RoleType: agentproto.RoleTask, RoleCredentials: agentproto.RoleCredentials{CredentialsID: "c"}}, false},
		"credentials of no role":        {agentproto.TypeCredentials, agentproto.Credentials{MessageID: "m1", TaskARN: taskARN, RoleType: "Other", RoleCredentials: agentproto.RoleCredentials{CredentialsID: "c"}}, false},
		"old manifest":                  {agentproto.TypeTaskManifest, agentproto.TaskManifest{MessageID: "m1", Timeline: 5}, false},
		"void verification":             {agentproto.TypeTaskStopVerificationAck, agentproto.TaskStopVerificationAck{MessageID: "old", StopTasks: []agentproto.TaskIdentifier{{TaskARN: taskARN, DesiredStatus: "STOPPED"}}}, false},
		"close":                         {agentproto.TypeClose, agentproto.Close{Message: "bye"}, false},
		"attachment":                    {typeConfirmAttachment, map[string]string{"messageId": "m1"}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t)
			f := &tasks{mark: 5, forgotten: true, receipt: engine.Receipt{Malformed: c.malformed}}
			s := b.connect(f, (*Session).RunACS)
			s.send(c.kind, c.message)
			beat(s, "next")
			if len(f.stopped) != 0 {
				t.Errorf("stopped %v", f.stopped)
			}
		})
	}
}

func TestErrorFrameKeepsTheSocket(t *testing.T) {
	b := newBackend(t)
	s := b.connect(&tasks{}, (*Session).RunACS)
	for _, frame := range []string{`{"ServerException":"oops"}`, `not JSON`, `[]`} {
		if err := s.ws.Write(t.Context(), websocket.MessageText, []byte(frame)); err != nil {
			t.Fatal(err)
		}
	}
	beat(s, "next")
}

func TestCredentialsAreRefreshed(t *testing.T) {
	b := newBackend(t)
	f := &tasks{}
	s := b.connect(f, (*Session).RunACS)
	c := agentproto.RoleCredentials{CredentialsID: "c1", AccessKeyID: "AK", Expiration: "later"}
	s.send(agentproto.TypeCredentials, agentproto.Credentials{MessageID: "m1", TaskARN: taskARN, RoleType: agentproto.RoleTask, RoleCredentials: c})
	s.expect(agentproto.TypeCredentialsAck, agentproto.CredentialsAck{MessageID: "m1", CredentialsID: "c1", Expiration: "later"})
	if diff := cmp.Diff([]agentproto.RoleCredentials{c}, f.roles); diff != "" {
		t.Error(diff)
	}
}

// TestManifest lets the control plane name one of three running tasks, and then
// confirm one of the two others.
func TestManifest(t *testing.T) {
	b := newBackend(t)
	f := &tasks{mark: -1}
	for i := range 3 {
		f.views = append(f.views, engine.View{Task: agentproto.Task{ARN: fmt.Sprint(taskARN, i)}, Desired: agentproto.DesiredRunning})
	}
	f.views = append(f.views, engine.View{Task: agentproto.Task{ARN: "stopping"}, Desired: agentproto.DesiredStopped})
	s := b.connect(f, (*Session).RunACS)
	s.send(agentproto.TypePayload, payload("m0")) // sets the mark to 7
	s.expect(agentproto.TypeAck, ack("m0"))
	s.send(agentproto.TypeTaskManifest, agentproto.TaskManifest{MessageID: "void", Timeline: 7})
	s.send(agentproto.TypeTaskManifest, agentproto.TaskManifest{
		MessageID: "m1", ClusterARN: clusterARN, ContainerInstanceARN: instanceARN, Timeline: 8,
		Tasks: []agentproto.TaskIdentifier{{TaskARN: taskARN + "0", DesiredStatus: "RUNNING"}, {TaskARN: taskARN + "1", DesiredStatus: "STOPPED"}},
	})
	s.expect(agentproto.TypeAck, ack("m1"))
	candidate := func(n int) agentproto.TaskIdentifier {
		return agentproto.TaskIdentifier{TaskARN: fmt.Sprint(taskARN, n), TaskClusterARN: clusterARN, DesiredStatus: "STOPPED"}
	}
	s.expect(agentproto.TypeTaskStopVerification, agentproto.TaskStopVerification{
		MessageID: "m1", StopCandidates: []agentproto.TaskIdentifier{candidate(1), candidate(2)},
	})
	s.send(agentproto.TypeTaskStopVerificationAck, agentproto.TaskStopVerificationAck{MessageID: "m1", StopTasks: []agentproto.TaskIdentifier{candidate(2)}})
	beat(s, "next")
	if diff := cmp.Diff([]string{taskARN + "2"}, f.stopped); diff != "" || f.Mark() != 8 {
		t.Error(f.Mark(), diff)
	}
}

func TestUpdatesAreRefused(t *testing.T) {
	b := newBackend(t)
	s := b.connect(&tasks{}, (*Session).RunACS)
	s.send(typePerformUpdate, payload("m1"))
	s.expect(agentproto.TypeNack, agentproto.Nack{Cluster: clusterARN, ContainerInstance: instanceARN, MessageID: "m1", Reason: "Updates are disabled"})
}

func TestInactiveInstance(t *testing.T) {
	for _, body := range []string{
		`{"InactiveInstanceException":"gone"}`,
		`{"type":"InactiveInstanceException","message":{"message":"gone"}}`,
	} {
		b := newBackend(t)
		b.refuse = body
		s := NewSession(b.client(), SessionConfig{ContainerInstanceARN: instanceARN, Marks: &tasks{}})
		if err := s.serveACS(t.Context()); !errors.Is(err, errInactive) {
			t.Errorf("%s: got %v", body, err)
		}
	}
}

func TestReconnecting(t *testing.T) {
	for code, want := range map[websocket.StatusCode]bool{
		websocket.StatusNormalClosure: true, websocket.StatusGoingAway: true, websocket.StatusInternalError: true,
		websocket.StatusPolicyViolation: false, websocket.StatusProtocolError: false,
	} {
		if got := permissible(fmt.Errorf("read: %w", websocket.CloseError{Code: code})); got != want {
			t.Errorf("close code %d: at once: %v", code, got)
		}
	}
	if permissible(fmt.Errorf("dial: refused")) {
		t.Error("a refused dial is repeated at once")
	}
	b := backoff{first: 250 * time.Millisecond, longest: time.Second, growth: 1.5}
	want := []time.Duration{250, 375, 562, 843, 1000, 1000}
	for _, ms := range want {
		got, mid := b.pause(), ms*time.Millisecond
		if got < mid*79/100 || got > mid*121/100 {
			t.Errorf("pause %v, want about %v", got, mid)
		}
	}
}
