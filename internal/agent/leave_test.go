package agent

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agent/lifecycle"
	"github.com/slipway/slipway/internal/agent/link"
	"github.com/slipway/slipway/internal/agent/logdriver"
	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

// call is a signed call that a control plane received.
type call struct{ target, body string }

// controlPlane answers each call with the next of its answers, the last one for
// ever.
func controlPlane(t *testing.T, answers ...func(http.ResponseWriter)) (client *link.Client, calls chan call) {
	calls = make(chan call, 16)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s, err := sigv4.Parse(r)
		if err == nil {
			err = sigv4.NewVerifier().Verify(r, s, body, "", "SK", time.Now())
		}
		if err != nil {
			t.Error(err)
		}
		calls <- call{r.Header.Get("X-Amz-Target"), string(body)}
		answers[0](w)
		if len(answers) > 1 {
			answers = answers[1:]
		}
	}))
	t.Cleanup(srv.Close)
	creds := sigv4.Credentials{AccessKeyID: "AK", SecretAccessKey: "SK"}
	return link.NewClient(link.Config{Backend: srv.URL, Region: "us-east-1", Cluster: "prod", Credentials: creds}), calls
}

func answer(text string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { _, _ = io.WriteString(w, text) }
}

func leaving(client *link.Client) *agent {
	return &agent{client: client, engine: engine.New(engine.Config{}, engine.Effects{}, slog.New(slog.DiscardHandler)), cfg: Config{
		Cluster: "prod", Region: "us-east-1", Credentials: sigv4.Credentials{AccessKeyID: "AK", SecretAccessKey: "SK"},
		DrainOnTerm: time.Minute, Log: slog.New(slog.DiscardHandler),
	}}
}

func TestLeaveDrainsWhenTold(t *testing.T) {
	client, calls := controlPlane(t, answer(`{"failures":[{"arn":"arn","reason":"MISSING"}]}`), answer(`{"containerInstances":[{}],"failures":[]}`))
	a := leaving(client)
	told := make(chan struct{})
	a.cfg.Terminate = told
	close(told)
	if err := a.leave(t.Context(), "arn"); !errors.Is(err, errLeft) {
		t.Errorf("got %v", err)
	}
	for range 2 {
		c := <-calls
		want := `{"cluster":"prod","containerInstances":["arn"],"status":"DRAINING"}`
		if c.target != "AmazonEC2ContainerServiceV20141113.UpdateContainerInstancesState" || c.body != want {
			t.Errorf("called %+v", c)
		}
	}
}

func TestLeaveIsBounded(t *testing.T) {
	client, _ := controlPlane(t, func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) })
	a := leaving(client)
	told := make(chan struct{})
	a.cfg.Terminate, a.cfg.DrainOnTerm = told, time.Millisecond
	close(told)
	if err := a.leave(t.Context(), "arn"); !errors.Is(err, errLeft) {
		t.Errorf("got %v", err)
	}
}

func TestLeaveOnInterruption(t *testing.T) {
	client, calls := controlPlane(t, answer(`{}`))
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewEncoder(w).Encode(map[string]string{"action": "terminate", "time": "2026-01-02T03:04:05Z"}); err != nil {
			t.Error(err)
		}
	}))
	defer metadata.Close()
	a := leaving(client)
	a.cfg.SpotDraining, a.cfg.Metadata = true, metadata.URL
	if err := a.leave(t.Context(), "arn"); err != nil || (<-calls).target == "" {
		t.Errorf("got %v", err)
	}
}

func TestLeaveEndsWithTheAgent(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a := leaving(nil)
	a.cfg.Terminate, a.cfg.SpotDraining, a.cfg.Metadata = make(chan struct{}), true, "http://127.0.0.1:1"
	if err := a.leave(ctx, "arn"); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestServiceTasks(t *testing.T) {
	views := []engine.View{
		{Task: agentproto.Task{ServiceName: "web"}, Known: lifecycle.Running},
		{Task: agentproto.Task{Group: "service:web"}, Known: lifecycle.Created},
		{Task: agentproto.Task{ServiceName: "web"}, Known: lifecycle.Stopped},
		{Task: agentproto.Task{Group: "family:job"}, Known: lifecycle.Running},
	}
	if got := serviceTasks(views); got != 2 {
		t.Errorf("got %d", got)
	}
}

// TestToldBeforeItIsRegistered is of an agent that is to end while the control
// plane is away.
func TestToldBeforeItIsRegistered(t *testing.T) {
	client, calls := controlPlane(t, func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) })
	a := leaving(client)
	a.logs = &logdriver.Drivers{}
	told := make(chan struct{})
	a.cfg.Terminate = told
	go func() {
		<-calls
		close(told)
	}()
	if _, err := a.register(t.Context()); !errors.Is(err, errLeft) {
		t.Errorf("got %v", err)
	}
}
