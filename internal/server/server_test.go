package server_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"go.uber.org/goleak"

	"github.com/slipway/slipway/internal/server"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

const region = "eu-west-3"

// The registry's engine keeps a goroutine for events, asleep, that it offers no
// way to end.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/docker/go-events.(*Broadcaster).run"))
}

// plane is a control plane on a socket, over an embedded store.
type plane struct {
	*server.Server
	url    string
	client *http.Client
}

// start opens a control plane over a data directory; stop closes it.
func start(t *testing.T, dir string) (p *plane, stop func()) {
	t.Helper()
	s, err := server.Open(t.Context(), server.Config{
		DataDir: dir, Region: region, RegistryHost: "registry.test", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Listen(l, nil)
	p = &plane{Server: s, url: "http://" + l.Addr().String(), client: &http.Client{Transport: &http.Transport{}}}
	return p, func() {
		t.Helper()
		p.client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}

func open(t *testing.T) *plane {
	t.Helper()
	p, stop := start(t, t.TempDir())
	t.Cleanup(stop)
	return p
}

// send sends a request, signed for a service if there is a key.
func (p *plane) send(t *testing.T, method, path string, key *iam.Credentials, service string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, p.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != nil {
		creds := sigv4.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey}
		sigv4.Sign(r, nil, creds, region, service, time.Now())
	}
	resp, err := p.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// account asks STS which account a key is of.
func (p *plane) account(t *testing.T, key iam.Credentials) string {
	t.Helper()
	client := sts.New(sts.Options{
		Region: region, BaseEndpoint: &p.url, HTTPClient: p.client, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
	})
	out, err := client.GetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.Account)
}

func TestRoutes(t *testing.T) {
	p := open(t)
	root := p.Root.Credentials()
	for _, c := range []struct {
		name, method, path string
		status             int
		body               string // what it begins with
	}{
		{"health", http.MethodGet, "/healthz", 200, "ok\n"},
		{"metrics", http.MethodGet, "/metrics", 200, "# HELP "},
		{"the registry asks for a login", http.MethodGet, "/v2/", 401, `{"errors":[{"code":"UNAUTHORIZED"`},
		{"a socket of an agent asks for a signature", http.MethodGet, "/acs/ws", 400, `{"__type":"MissingAuthenticationTokenException"`},
		{"and so does telemetry", http.MethodGet, "/tcs/ws", 400, `{"__type":"MissingAuthenticationTokenException"`},
		{"all else is the AWS APIs", http.MethodPost, "/", 400, `{"__type":"MissingAuthenticationTokenException"`},
		{"health is only read", http.MethodPost, "/healthz", 400, `{"__type":"MissingAuthenticationTokenException"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body := p.send(t, c.method, c.path, nil, "")
			if status != c.status || !strings.HasPrefix(body, c.body) {
				t.Errorf("answer = %d %.200s, want %d %s…", status, body, c.status, c.body)
			}
		})
	}
	if got := p.account(t, root); got != p.Root.Account {
		t.Errorf("the root key is of account %s, want %s", got, p.Root.Account)
	}
}

func TestMetricsCountCalls(t *testing.T) {
	p := open(t)
	p.account(t, p.Root.Credentials())
	_, body := p.send(t, http.MethodGet, "/metrics", nil, "")
	for _, want := range []string{
		`slipway_api_request_seconds_count{operation="sts:GetCallerIdentity",status="200"} 1`,
		"slipway_store_commits_total", "go_goroutines", "process_open_fds",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s among the metrics", want)
		}
	}
}

func TestAccounts(t *testing.T) {
	p := open(t)
	root := p.Root.Credentials()
	status, body := p.send(t, http.MethodPost, server.AccountsPath, &root, server.AdminService)
	if status != 200 {
		t.Fatalf("answer = %d %s", status, body)
	}
	var fresh iam.Credentials
	if err := json.Unmarshal([]byte(body), &fresh); err != nil {
		t.Fatal(err)
	}
	if got := p.account(t, fresh); got != fresh.AccountID || got == p.Root.Account {
		t.Errorf("the new key is of account %s; the new account is %s, the root account %s", got, fresh.AccountID, p.Root.Account)
	}
	wrong := root
	wrong.SecretAccessKey += "x"
	for _, c := range []struct {
		name, service string
		key           *iam.Credentials
		code          string
	}{
		{"another account", server.AdminService, &fresh, "AccessDeniedException"},
		{"nobody", "", nil, "MissingAuthenticationTokenException"},
		{"a wrong secret", server.AdminService, &wrong, "InvalidSignatureException"},
		{"a signature for another service", "ecs", &root, "InvalidSignatureException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body := p.send(t, http.MethodPost, server.AccountsPath, c.key, c.service)
			if status != 400 || !strings.Contains(body, c.code) {
				t.Errorf("answer = %d %s, want %s", status, body, c.code)
			}
		})
	}
}

func TestStateOutlivesTheProcess(t *testing.T) {
	dir := t.TempDir()
	p, stop := start(t, dir)
	before := p.Root
	stop()
	if _, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://")); err == nil {
		t.Error("a closed server still listens")
	}
	p, stop = start(t, dir)
	defer stop()
	if p.Root.ID != before.ID || p.account(t, before.Credentials()) != before.Account {
		t.Errorf("root key %s of %s, was %s of %s", p.Root.ID, p.Root.Account, before.ID, before.Account)
	}
}
