package hostile

import (
	"context"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/server"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/wire"
)

// checks is how many inputs each property tries here: every one of them is a
// call over a socket. The flag -rapid.checks asks for another number.
const checks = "60"

func TestMain(m *testing.M) {
	for name, value := range map[string]string{"rapid.checks": checks, "rapid.nofailfile": "true", "rapid.shrinktime": "5s"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// plane is a control plane on a loopback port.
type plane struct {
	srv  *server.Server
	addr string
	url  string
	http *http.Client
	ops  []wire.Served
}

// open starts a control plane that ends with the test.
func open(t *testing.T) *plane {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv, err := server.Open(t.Context(), server.Config{
		DataDir: t.TempDir(), Region: regions[0], Store: store.Config{},
		RegistryHost: l.Addr().String(), Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Listen(l, nil)
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	p := &plane{
		srv: srv, addr: l.Addr().String(), url: "http://" + l.Addr().String(),
		http: &http.Client{Transport: transport, Timeout: answerWithin}, ops: srv.Served(),
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := srv.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return p
}

// regions are where the accounts have their things; the first is the server's.
var regions = []string{"us-east-1", "eu-west-3"}

// account makes a fresh account and returns it in a region.
func (p *plane) account(t testing.TB, region string) *caller {
	t.Helper()
	_, key, err := p.srv.IAM.CreateAccount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &caller{plane: p, key: key, region: region}
}

// op finds a served operation, which must be there.
func (p *plane) op(action string) wire.Served {
	i := slices.IndexFunc(p.ops, func(op wire.Served) bool { return op.Action == action })
	return p.ops[i]
}

// healthy fails unless the server still commits and answers.
func (p *plane) healthy(t testing.TB) {
	t.Helper()
	resp, err := p.http.Get(p.url + "/healthz")
	if err != nil {
		t.Fatalf("the server is not healthy: %v", err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("the server is not healthy: %s %s %v", resp.Status, body, err)
	}
}
