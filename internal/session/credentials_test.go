package session_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/session"
	"github.com/slipway/slipway/internal/store"
)

const role = "arn:aws:iam::123456789012:role/app"

// issuer issues credentials of one role, for as long as it is there.
type issuer struct {
	mu   sync.Mutex
	life time.Duration
	gone bool
}

func (i *issuer) set(life time.Duration, gone bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.life, i.gone = life, gone
}

func (i *issuer) AssumeForTask(_ context.Context, t iam.TaskSession) (iam.Session, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.gone {
		return iam.Session{}, &iam.TaskRoleError{RoleARN: t.RoleARN}
	}
	return iam.Session{RoleARN: t.RoleARN, AccessKeyID: "ASIA", SecretAccessKey: "s", Token: t.Name, Expires: time.Now().Add(i.life)}, nil
}

// newRolePlane is a plane whose definition has a task role.
func newRolePlane(t *testing.T, heartbeat time.Duration) (*plane, *issuer) {
	t.Helper()
	roles := &issuer{life: ecs.RoleLife}
	p := newPlaneWith(t, func(c *ecs.Config) { c.Roles = roles }, func(c *session.Config) { c.Heartbeat = heartbeat })
	p.put(func(tx *store.Tx) {
		def, _ := ecs.TaskDefinitions.Get(tx, scope.Key("web", "0000000001"))
		next := *def
		next.Definition.TaskRoleArn = new(role)
		ecs.TaskDefinitions.Put(tx, &next)
	})
	return p, roles
}

func TestCredentialsComeWithTheTaskAndAreRenewed(t *testing.T) {
	p, roles := newRolePlane(t, 10*time.Millisecond)
	roles.set(time.Millisecond, false) // half a millisecond later they are due
	a := p.acs()
	p.until("connected", func() bool { return p.instance().AgentConnected })
	task := p.run()
	m := expect[agentproto.Payload](a, agentproto.TypePayload)
	first := m.Tasks[0].RoleCredentials
	if first == nil || first.RoleARN != role || first.SessionToken != task.ID || first.CredentialsID != task.TaskRole.CredentialsID || m.Tasks[0].ExecutionRoleCredentials != nil {
		t.Fatalf("credentials %+v", first)
	}
	a.ack(m)
	for range 3 {
		c := expect[agentproto.Credentials](a, agentproto.TypeCredentials)
		if c.TaskARN != task.ARN() || c.RoleType != agentproto.RoleTask || c.RoleCredentials.CredentialsID != first.CredentialsID || c.MessageID == "" {
			t.Errorf("renewed %+v", c)
		}
		a.send(agentproto.TypeCredentialsAck, agentproto.CredentialsAck{MessageID: c.MessageID, CredentialsID: c.RoleCredentials.CredentialsID})
	}
}

func TestCredentialsThatAreGoodAreNotRenewed(t *testing.T) {
	p, _ := newRolePlane(t, 5*time.Millisecond)
	a := p.acs()
	p.until("connected", func() bool { return p.instance().AgentConnected })
	p.run()
	a.ack(expect[agentproto.Payload](a, agentproto.TypePayload))
	for beats := 0; beats < 10; {
		e := a.next()
		switch e.Type {
		case agentproto.TypeCredentials:
			t.Fatal("renewed long before they end")
		case agentproto.TypeHeartbeat:
			beats++
			a.send(agentproto.TypeHeartbeatAck, agentproto.HeartbeatAck{})
		}
	}
}

func TestAgentThatBeginsGetsCredentialsAtOnce(t *testing.T) {
	p, _ := newRolePlane(t, time.Hour)
	a := p.acs()
	p.until("connected", func() bool { return p.instance().AgentConnected })
	task := p.run()
	a.ack(expect[agentproto.Payload](a, agentproto.TypePayload))
	report := func(status string) {
		t.Helper()
		if err := p.room.SubmitTaskState(t.Context(), scope, ecs.Caller{}, "default", task.ARN(), ecs.TaskReport{Status: status}); err != nil {
			t.Fatal(err)
		}
	}
	report("RUNNING")
	// types are those of the messages of a connection up to and with its manifest,
	// and of one more where there is one to come.
	types := func(sendCredentials string, more int) []string {
		t.Helper()
		q := p.acsQuery()
		q.Set("sendCredentials", sendCredentials)
		a, _, err := p.dial("/acs/ws", q, keyID, secret)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for len(out) == 0 || out[len(out)-1] != agentproto.TypeTaskManifest {
			out = append(out, a.next().Type)
		}
		for range more {
			out = append(out, a.next().Type)
		}
		return out
	}
	want := []string{agentproto.TypePayload, agentproto.TypeTaskManifest, agentproto.TypeCredentials}
	if got := types("true", 1); !slices.Equal(got, want) {
		t.Errorf("messages %v, want %v", got, want)
	}
	if got := types("false", 0); !slices.Equal(got, want[:2]) {
		t.Errorf("messages %v, want %v", got, want[:2])
	}
	// What is stopping needs them as well.
	if _, err := p.room.StopTask(t.Context(), scope, ecs.Caller{}, "default", task.ARN(), ""); err != nil {
		t.Fatal(err)
	}
	if got := types("true", 1); !slices.Equal(got, want) {
		t.Errorf("messages %v, want %v", got, want)
	}
}

func TestTaskGoesOnWithoutItsRole(t *testing.T) {
	p, roles := newRolePlane(t, 10*time.Millisecond)
	a := p.acs()
	p.until("connected", func() bool { return p.instance().AgentConnected })
	task := p.run()
	roles.set(time.Hour, true)
	again := p.acs() // the payload is sent again
	m := expect[agentproto.Payload](again, agentproto.TypePayload)
	if m.Tasks[0].ARN != task.ARN() || m.Tasks[0].RoleCredentials != nil || m.Tasks[0].DesiredStatus != agentproto.DesiredRunning {
		t.Errorf("payload %+v", m.Tasks[0])
	}
	a.conn.CloseNow()
	_, _, err := p.room.RunTask(t.Context(), scope, ecs.Caller{}, ecs.RunTaskRequest{TaskOptions: ecs.TaskOptions{TaskDefinition: "web"}, Count: 1})
	if e, ok := errors.AsType[*apierr.Error](err); !ok || e.Code != "ClientException" {
		t.Errorf("ran another one: %v", err)
	}
}
