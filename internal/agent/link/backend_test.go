package link

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

const (
	secret      = "secret"
	instanceARN = "arn:aws:ecs:us-east-1:123456789012:container-instance/default/0123456789abcdef0123456789abcdef"
	clusterARN  = "arn:aws:ecs:us-east-1:123456789012:cluster/default"
	taskARN     = "arn:aws:ecs:us-east-1:123456789012:task/default/1f"
)

// backend is a control plane on a real socket. It verifies every signature.
type backend struct {
	t      *testing.T
	server *httptest.Server

	mu     sync.Mutex
	calls  []call
	answer map[string]func(body []byte) (int, any) // by operation

	session *Session      // of connect
	refuse  string        // body of a refused upgrade; "" to accept
	refused chan struct{} // has an element after a refusal
	sockets chan *socket
}

type call struct {
	operation string
	body      string
}

// socket is the server's end of a web socket.
type socket struct {
	t     *testing.T
	ws    *websocket.Conn
	query map[string][]string
	url   string
}

func newBackend(t *testing.T) *backend {
	t.Helper()
	b := &backend{t: t, answer: map[string]func([]byte) (int, any){}, refused: make(chan struct{}, 1), sockets: make(chan *socket, 10)}
	b.server = httptest.NewServer(b)
	t.Cleanup(b.server.Close)
	b.answer["DiscoverPollEndpoint"] = func([]byte) (int, any) {
		return 200, map[string]string{"endpoint": b.server.URL + "/acs/", "telemetryEndpoint": b.server.URL + "/tcs"}
	}
	return b
}

func (b *backend) client() *Client {
	return NewClient(Config{
		Backend: b.server.URL, Region: "us-east-1", Cluster: "default",
		Credentials: sigv4.Credentials{AccessKeyID: "AKID", SecretAccessKey: secret},
		Version:     Version{Agent: "1.105.1", Hash: "slipway", Runtime: "containerd 1.6.20"},
	})
}

// verify checks a signature as the control plane does.
func (b *backend) verify(r *http.Request, body []byte, service string) {
	s, err := sigv4.Parse(r)
	if err == nil {
		err = sigv4.NewVerifier().Verify(r, s, body, service, secret, time.Now())
	}
	if err != nil {
		b.t.Errorf("signature of %s %s: %v", r.Method, r.URL, err)
	}
}

// ServeHTTP is the API and both sockets.
func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Error(err)
	}
	if strings.HasSuffix(r.URL.Path, "/ws") {
		b.verify(r, nil, "ecs")
		b.upgrade(w, r)
		return
	}
	target := r.Header.Get("X-Amz-Target")
	service := "ecs"
	if strings.HasPrefix(target, ecrTarget) {
		service = "ecr"
	}
	b.verify(r, body, service)
	_, operation, _ := strings.Cut(target, ".")
	b.mu.Lock()
	b.calls = append(b.calls, call{operation, string(body)})
	answer := b.answer[operation]
	b.mu.Unlock()
	status, out := http.StatusBadRequest, any(map[string]string{"__type": "com.amazonaws.ecs#UnknownOperationException", "message": operation})
	if answer != nil {
		status, out = answer(body)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(out); err != nil {
		b.t.Error(err)
	}
}

func (b *backend) upgrade(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	refuse := b.refuse
	b.mu.Unlock()
	if refuse != "" {
		http.Error(w, refuse, http.StatusBadRequest)
		select {
		case b.refused <- struct{}{}:
		default:
		}
		return
	}
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		b.t.Error(err)
		return
	}
	s := &socket{t: b.t, ws: ws, query: r.URL.Query(), url: r.URL.Path}
	b.sockets <- s
}

// next waits for a socket.
func (b *backend) next() *socket {
	b.t.Helper()
	select {
	case s := <-b.sockets:
		return s
	case <-time.After(30 * time.Second):
		b.t.Fatal("no connection came")
		return nil
	}
}

func (s *socket) send(kind string, message any) {
	s.t.Helper()
	frame, err := agentproto.Encode(kind, message)
	if err == nil {
		err = s.ws.Write(s.t.Context(), websocket.MessageText, frame)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *socket) receive() []byte {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	_, frame, err := s.ws.Read(ctx)
	if err != nil {
		s.t.Fatalf("receive: %v", err)
	}
	return frame
}

// expect receives a message of that type and shape.
func (s *socket) expect(kind string, want any) {
	s.t.Helper()
	e, err := agentproto.Decode(s.receive())
	if err != nil {
		s.t.Fatal(err)
	}
	wanted, err := json.Marshal(want)
	if err != nil {
		s.t.Fatal(err)
	}
	if e.Type != kind || !bytes.Equal(e.Message, wanted) {
		s.t.Fatalf("got %s %s\nwant %s %s", e.Type, e.Message, kind, wanted)
	}
}

// tasks stands for the engine.
type tasks struct {
	mu        sync.Mutex
	applied   []agentproto.Task
	stopped   []string
	roles     []agentproto.RoleCredentials
	views     []engine.View
	metrics   []agentproto.TaskMetric
	receipt   engine.Receipt
	forgotten bool // SetCredentials knows no task
	mark      int64
}

func (f *tasks) Apply(_ context.Context, list []agentproto.Task) (engine.Receipt, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.applied = append(f.applied, list...)
	return f.receipt, nil
}

func (f *tasks) Stop(arn string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopped = append(f.stopped, arn)
}

func (f *tasks) SetCredentials(_, _ string, c agentproto.RoleCredentials) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.roles = append(f.roles, c)
	return !f.forgotten
}

func (f *tasks) Tasks() []engine.View { return f.views }

func (f *tasks) Mark() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mark
}

func (f *tasks) SetMark(n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mark = n
}

// connect runs a session against the backend and returns the ends of its
// sockets; run is RunACS or RunTCS.
func (b *backend) connect(f *tasks, run func(*Session, context.Context) error) *socket {
	b.t.Helper()
	s := NewSession(b.client(), SessionConfig{
		ContainerInstanceARN: instanceARN, Tasks: f, Marks: f, Log: slog.New(slog.DiscardHandler),
		Runtime: func(context.Context) error { return nil },
		Metrics: func() []agentproto.TaskMetric { return f.metrics },
	})
	b.session = s
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = run(s, ctx)
	}()
	b.t.Cleanup(func() {
		cancel()
		<-done
	})
	return b.next()
}
