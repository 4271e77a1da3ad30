//go:build integration

package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway/slipway/internal/agent/runtime/containerdtest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	containerdtest.Clean()
	os.Exit(code)
}

func newStore(t *testing.T) *Store {
	t.Helper()
	client, err := containerd.New(containerdtest.Start(t).Socket, containerd.WithDefaultNamespace("test"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return New(client, Config{Namespace: "test", Instance: "i-1", Attempts: 2, Backoff: time.Millisecond, Inactivity: time.Minute})
}

// guarded is a registry that counts requests and can be told to misbehave.
type guarded struct {
	host     string
	requests atomic.Int64
	blobs    atomic.Int64
	mu       sync.Mutex
	refuse   func(w http.ResponseWriter, r *http.Request) bool
}

func newRegistry(t *testing.T) *guarded {
	t.Helper()
	g := &guarded{}
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.requests.Add(1)
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
			g.blobs.Add(1)
		}
		g.mu.Lock()
		refuse := g.refuse
		g.mu.Unlock()
		if refuse == nil || !refuse(w, r) {
			inner.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	g.host = strings.TrimPrefix(srv.URL, "http://")
	return g
}

func (g *guarded) misbehave(f func(http.ResponseWriter, *http.Request) bool) {
	g.mu.Lock()
	g.refuse = f
	g.mu.Unlock()
}

func (g *guarded) push(t *testing.T, name, color string) string {
	t.Helper()
	ref := g.host + "/" + name
	containerdtest.Push(t, ref, containerdtest.Image{Config: v1.Config{Env: []string{"COLOR=" + color}, User: "root"}, Files: map[string]string{"color": color}})
	return ref
}

func TestPullResolvesToADigest(t *testing.T) {
	s, g := newStore(t), newRegistry(t)
	ref := g.push(t, "app:1", "red")
	var last atomic.Int64
	red, err := s.Pull(t.Context(), ref, PullOptions{Progress: func(n int64) { last.Store(n) }})
	if err != nil {
		t.Fatal(err)
	}
	if red.Name != g.host+"/app@"+red.Digest || red.Config.Env[0] != "COLOR=red" || red.Cached || last.Load() == 0 {
		t.Errorf("image = %+v, %d bytes reported", red, last.Load())
	}
	blobs := g.blobs.Load()
	again, err := s.Pull(t.Context(), ref, PullOptions{Behavior: Always})
	if err != nil || again.Digest != red.Digest || g.blobs.Load() != blobs {
		t.Errorf("second pull = %+v, %v; %d blobs more", again, err, g.blobs.Load()-blobs)
	}
	g.push(t, "app:1", "blue")
	blue, err := s.Pull(t.Context(), ref, PullOptions{Behavior: Always})
	if err != nil || blue.Config.Env[0] != "COLOR=blue" {
		t.Fatalf("moved tag = %+v, %v", blue, err)
	}
	old, err := s.Pull(t.Context(), g.host+"/app@"+red.Digest, PullOptions{})
	if err != nil || old.Config.Env[0] != "COLOR=red" {
		t.Errorf("by digest = %+v, %v", old, err)
	}
}

func TestPullBehaviors(t *testing.T) {
	s, g := newStore(t), newRegistry(t)
	ref := g.push(t, "app:1", "red")
	pull := func(b Behavior) (Image, int64, error) {
		before := g.requests.Load()
		img, err := s.Pull(t.Context(), ref, PullOptions{Behavior: b})
		return img, g.requests.Load() - before, err
	}
	if img, asked, err := pull(PreferCached); err != nil || img.Cached || asked == 0 {
		t.Fatalf("prefer-cached without image: %+v, %d requests, %v", img, asked, err)
	}
	for _, b := range []Behavior{PreferCached, Once} {
		if img, asked, err := pull(b); err != nil || !img.Cached || asked > 0 {
			t.Errorf("%s with image: %+v, %d requests, %v", b, img, asked, err)
		}
	}
	other := New(s.client, Config{Namespace: "test", Instance: "i-2"})
	before := g.requests.Load()
	if img, err := other.Pull(t.Context(), ref, PullOptions{Behavior: Once}); err != nil || img.Cached || g.requests.Load() == before {
		t.Errorf("once by an agent that never pulled it: %+v, %v", img, err)
	}
	g.misbehave(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	if img, _, err := pull(Default); err != nil || !img.Cached {
		t.Errorf("default, registry down: %+v, %v", img, err)
	}
	if _, _, err := pull(Always); err == nil {
		t.Error("always, registry down: no error")
	}
}

func TestConcurrentPullsShareOneDownload(t *testing.T) {
	s, g := newStore(t), newRegistry(t)
	ref := g.push(t, "app:1", "red")
	var wg sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		wg.Go(func() { _, errs[i] = s.Pull(t.Context(), ref, PullOptions{}) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if n := g.blobs.Load(); n != 3 { // configuration and two layers
		t.Errorf("%d blobs were fetched, want 3", n)
	}
}

func TestPullFailures(t *testing.T) {
	s, g := newStore(t), newRegistry(t)
	ref := g.push(t, "app:1", "red")
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	status := func(code int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(code); return true }
	}
	basic := func(w http.ResponseWriter, r *http.Request) bool {
		if user, pass, ok := r.BasicAuth(); ok && user == "AWS" && pass == "secret" {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
	with := func(pass string) PullOptions {
		return PullOptions{Auth: func(host string) (string, string, error) {
			if host != g.host {
				return "", "", fmt.Errorf("asked for %s", host)
			}
			return "AWS", pass, nil
		}}
	}
	for _, c := range []struct {
		name, ref    string
		o            PullOptions
		refuse       func(http.ResponseWriter, *http.Request) bool
		kind         Kind
		reason, want string
	}{
		{"no such tag", g.host + "/app:none", PullOptions{}, nil, NotFound, ReasonPull,
			"CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref " + g.host + "/app:none: " + g.host + "/app:none: not found"},
		{"no such repository", g.host + "/none:1", PullOptions{}, nil, NotFound, ReasonPull, "not found"},
		{"no such digest", g.host + "/app@sha256:" + strings.Repeat("0", 64), PullOptions{}, nil, NotFound, ReasonPull, "not found"},
		{"malformed", "UPPER CASE", PullOptions{}, nil, Invalid, ReasonManifest, "invalid reference format"},
		{"nobody listens", closed.Addr().String() + "/app:1", PullOptions{}, nil, Unreachable, ReasonPull, "has been retried 2 time(s)"},
		{"server error", ref, PullOptions{}, status(500), Unreachable, ReasonPull, "500 Internal Server Error"},
		{"forbidden", ref, PullOptions{}, status(403), Auth, ReasonAuth, "403 Forbidden"},
		{"credentials wanted", ref, PullOptions{}, basic, Auth, ReasonAuth, "no basic auth credentials"},
		{"wrong credentials", ref, with("wrong"), basic, Auth, ReasonAuth, "401 Unauthorized"},
		{"right credentials", ref, with("secret"), basic, 0, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			g.misbehave(c.refuse)
			c.o.Behavior = Always
			_, err := s.Pull(t.Context(), c.ref, c.o)
			if c.kind == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Kind != c.kind || e.Reason != c.reason || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error = %v (%+v), want kind %d, reason %s, %q", err, e, c.kind, c.reason, c.want)
			}
		})
	}
	t.Run("a pull that stands still is given up", func(t *testing.T) {
		s.cfg.Inactivity = 50 * time.Millisecond
		g.misbehave(nil)
		ref := g.push(t, "slow:1", "slow")
		stop := make(chan struct{})
		defer close(stop)
		g.misbehave(func(_ http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/blobs/") {
				return false
			}
			<-stop
			return true
		})
		_, err := s.Pull(t.Context(), ref, PullOptions{Behavior: Always})
		if !errors.Is(err, errInactive) {
			t.Errorf("error = %v", err)
		}
	})
	t.Run("a caller that goes away", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Pull(ctx, ref, PullOptions{}); !errors.Is(err, context.Canceled) {
			t.Errorf("error = %v", err)
		}
	})
}

func TestEndpointStandsInForTheRegistry(t *testing.T) {
	s, g := newStore(t), newRegistry(t)
	g.push(t, "team/app:1", "red")
	const host = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
	img, err := s.Pull(t.Context(), host+"/team/app:1", PullOptions{Endpoint: func(h string) string {
		if h == host {
			return "http://" + g.host
		}
		return ""
	}})
	if err != nil || img.Name != host+"/team/app@"+img.Digest {
		t.Errorf("image = %+v, %v", img, err)
	}
}

func TestCleanup(t *testing.T) {
	s, g := newStore(t), newRegistry(t)
	var pulled []Image
	for _, color := range []string{"red", "green", "blue"} {
		img, err := s.Pull(t.Context(), g.push(t, color+":1", color), PullOptions{})
		if err != nil {
			t.Fatal(err)
		}
		pulled = append(pulled, img)
	}
	if gone, err := s.Cleanup(t.Context(), CleanupOptions{MinAge: time.Hour, Max: 10}); err != nil || len(gone) > 0 {
		t.Errorf("young images: %v, %v", gone, err)
	}
	// Green was used long ago, red longer ago; blue is kept by its task.
	for i, age := range map[int]time.Duration{0: 3 * time.Hour, 1: 2 * time.Hour, 2: 4 * time.Hour} {
		backdate(t, s, pulled[i].Name, time.Now().Add(-age))
	}
	keep := func(name string) bool { return name == pulled[2].Name }
	future := -time.Hour // records were made just now: count even those as old
	gone, err := s.Cleanup(t.Context(), CleanupOptions{MinAge: future, Max: 1, Keep: keep})
	if err != nil || len(gone) != 1 {
		t.Fatalf("first sweep: %v, %v", gone, err)
	}
	if _, err := s.Lookup(t.Context(), g.host+"/blue:1"); err != nil {
		t.Errorf("kept image: %v", err)
	}
	if _, err := s.Cleanup(t.Context(), CleanupOptions{MinAge: future, Max: 5, Keep: keep}); err != nil {
		t.Fatal(err)
	}
	left, err := s.client.ImageService().List(s.context(t.Context()))
	if err != nil || len(left) != 2 { // blue's tag and digest
		t.Errorf("images left: %v, %v", left, err)
	}
	before := g.blobs.Load()
	if _, err := s.Pull(t.Context(), g.host+"/red:1", PullOptions{}); err != nil || g.blobs.Load() == before {
		t.Errorf("a deleted image can be pulled again: %v", err)
	}
}

func backdate(t *testing.T, s *Store, name string, at time.Time) {
	t.Helper()
	label := labelUsed + s.cfg.Instance
	img := images.Image{Name: name, Labels: map[string]string{label: at.UTC().Format(time.RFC3339)}}
	if _, err := s.client.ImageService().Update(s.context(t.Context()), img, "labels."+label); err != nil {
		t.Fatal(err)
	}
}
