package session_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/coder/websocket"

	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/session"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/wire"
)

const (
	keyID   = "AKIAEXAMPLE000000001"
	secret  = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	patient = 20 * time.Second
)

var scope = ecs.Scope{Account: "123456789012", Region: "eu-west-3"}

// instance is the ID of the one container instance of the tests.
var instance = fmt.Sprintf("%032x", 1)

type keyring map[string]wire.Credential

func (k keyring) Key(_ context.Context, id, _ string) (wire.Credential, bool, error) {
	c, ok := k[id]
	return c, ok, nil
}

// Authorize refuses the keys that are allowed only some actions.
func (k keyring) Authorize(_ context.Context, _ *wire.Call, cred wire.Credential, _ string, _ []string) error {
	if cred.Allow != nil {
		return &wire.Denied{Text: "no"}
	}
	return nil
}

// plane is a control plane with one cluster, one instance and one definition.
type plane struct {
	t    *testing.T
	room *ecs.Room
	srv  *session.Server
	keys keyring
	url  string
}

func newPlane(t *testing.T, change func(*session.Config)) *plane {
	t.Helper()
	return newPlaneWith(t, nil, change)
}

func newPlaneWith(t *testing.T, room func(*ecs.Config), change func(*session.Config)) *plane {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()}, ecs.Tables()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	rooms := ecs.Config{Registry: func(image string) (id, region string, ours bool) {
		return scope.Account, scope.Region, strings.HasPrefix(image, "registry.test/")
	}}
	if room != nil {
		room(&rooms)
	}
	p := &plane{t: t, room: ecs.New(st, rooms)}
	p.keys = keyring{keyID: {AccessKeyID: keyID, SecretAccessKey: secret, Principal: wire.Principal{
		ARN: "arn:aws:iam::123456789012:root", Account: scope.Account,
	}}}
	cfg := session.Config{Mux: wire.NewMux(wire.Config{Keys: p.keys, Authorizer: p.keys}), Room: p.room, ServerID: "s1", Grace: -1}
	if change != nil {
		change(&cfg)
	}
	p.srv = session.New(cfg)
	mux := http.NewServeMux()
	mux.Handle("/acs/ws", p.srv.ACS())
	mux.Handle("/tcs/ws", p.srv.TCS())
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	t.Cleanup(p.srv.Close)
	p.url = server.URL
	p.put(func(tx *store.Tx) {
		ecs.Clusters.Put(tx, &ecs.Cluster{Scope: scope, Name: "default", Status: ecs.StatusActive})
		ecs.Instances.Put(tx, &ecs.ContainerInstance{
			Scope: scope, Cluster: "default", ID: instance, EC2InstanceID: "i-1", Status: ecs.StatusActive,
			Registered: ecs.Resources{CPU: 1 << 20, Memory: 1 << 20},
		})
		ecs.TaskDefinitions.Put(tx, &ecs.TaskDefinition{
			Scope: scope, Family: "web", Revision: 1, Status: ecs.StatusActive,
			Definition: ecsshape.TaskDefinition{ContainerDefinitions: []ecsshape.ContainerDefinition{{
				Name: new("app"), Image: new("registry.test/app:1"), Memory: new(int32(64)), HealthCheck: &ecsshape.HealthCheck{Command: []string{"CMD", "true"}},
			}}},
		})
	})
	return p
}

func (p *plane) put(fn func(tx *store.Tx)) {
	p.t.Helper()
	if err := p.room.Store().Update(p.t.Context(), func(tx *store.Tx) error { fn(tx); return nil }); err != nil {
		p.t.Fatal(err)
	}
}

func (p *plane) run() *ecs.Task {
	p.t.Helper()
	tasks, failures, err := p.room.RunTask(p.t.Context(), scope, ecs.Caller{}, ecs.RunTaskRequest{
		TaskOptions: ecs.TaskOptions{TaskDefinition: "web"}, Count: 1,
	})
	if err != nil || len(tasks) != 1 {
		p.t.Fatal(tasks, failures, err)
	}
	return tasks[0]
}

func (p *plane) instance() *ecs.ContainerInstance {
	p.t.Helper()
	inst, ok := ecs.Instances.Get(p.room.Store().Snapshot(), scope.Key("default", instance))
	if !ok {
		p.t.Fatal("instance is gone")
	}
	return inst
}

// until waits for the records to be as they should.
func (p *plane) until(what string, ok func() bool) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patient)
	defer cancel()
	w := p.room.Store().Watch()
	defer w.Close()
	for !ok() {
		if _, err := w.Next(ctx); err != nil {
			p.t.Fatalf("waiting until %s: %v", what, err)
		}
	}
}

// agent speaks the protocol over one socket.
type agent struct {
	t    *testing.T
	conn *websocket.Conn
}

func (p *plane) acsQuery() url.Values {
	return url.Values{
		"agentHash": {"a8b3e7d3"}, "agentVersion": {"1.105.1"}, "clusterArn": {"default"},
		"containerInstanceArn": {scope.ARN("container-instance/default/" + instance)},
		"dockerVersion":        {"DockerVersion: 20.10.24"}, "protocolVersion": {"2"}, "sendCredentials": {"true"}, "seqNum": {"1"},
	}
}

func (p *plane) tcsQuery() url.Values {
	return url.Values{
		"agentVersion": {"1.105.1"}, "cluster": {"default"},
		"containerInstance": {scope.ARN("container-instance/default/" + instance)},
	}
}

// dial opens a socket signed as agents do; on a refusal the response tells why.
func (p *plane) dial(path string, q url.Values, id, key string) (*agent, *http.Response, error) {
	p.t.Helper()
	to := p.url + path + "?" + q.Encode()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, to, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	empty := sha256.Sum256(nil)
	creds := aws.Credentials{AccessKeyID: id, SecretAccessKey: key}
	err = v4.NewSigner().SignHTTP(p.t.Context(), creds, req, hex.EncodeToString(empty[:]), "ecs", scope.Region, time.Now())
	if err != nil {
		p.t.Fatal(err)
	}
	conn, res, err := websocket.Dial(p.t.Context(), to, &websocket.DialOptions{HTTPHeader: req.Header})
	if err != nil {
		return nil, res, err
	}
	conn.SetReadLimit(8 << 20)
	p.t.Cleanup(func() { conn.CloseNow() })
	return &agent{p.t, conn}, res, nil
}

func (p *plane) acs() *agent {
	p.t.Helper()
	a, _, err := p.dial("/acs/ws", p.acsQuery(), keyID, secret)
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

func (p *plane) tcs() *agent {
	p.t.Helper()
	a, _, err := p.dial("/tcs/ws", p.tcsQuery(), keyID, secret)
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

// next reads one message.
func (a *agent) next() agentproto.Envelope {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), patient)
	defer cancel()
	_, frame, err := a.conn.Read(ctx)
	if err != nil {
		a.t.Fatalf("read: %v", err)
	}
	e, err := agentproto.Decode(frame)
	if err != nil {
		a.t.Fatal(err)
	}
	return e
}

// expect reads messages until one of the kind comes, and decodes it.
func expect[T any](a *agent, kind string) T {
	a.t.Helper()
	for {
		e := a.next()
		if e.Type == kind {
			var m T
			if err := json.Unmarshal(e.Message, &m); err != nil {
				a.t.Fatal(err)
			}
			return m
		}
	}
}

func (a *agent) send(kind string, message any) {
	a.t.Helper()
	frame, err := agentproto.Encode(kind, message)
	if err != nil {
		a.t.Fatal(err)
	}
	a.write(frame)
}

func (a *agent) write(frame []byte) {
	a.t.Helper()
	if err := a.conn.Write(a.t.Context(), websocket.MessageText, frame); err != nil {
		a.t.Fatal(err)
	}
}

func (a *agent) ack(m agentproto.Payload) {
	a.t.Helper()
	a.send(agentproto.TypeAck, agentproto.Ack{Cluster: m.ClusterARN, ContainerInstance: m.ContainerInstanceARN, MessageID: m.MessageID})
}

// signed is a telemetry frame as the stock agent writes it.
func signed(kind string, message any) []byte {
	frame, err := agentproto.Encode(kind, message)
	if err != nil {
		panic(err)
	}
	head := strings.Join([]string{
		"Authorization: AWS4-HMAC-SHA256 Credential=AKIA/20261122/eu-west-3/ecs/aws4_request, SignedHeaders=host;x-amz-date, Signature=00",
		"Host: 127.0.0.1:1", "X-Amz-Date: 20261122T035545Z", "", "",
	}, "\r\n")
	return append([]byte(head), frame...)
}
