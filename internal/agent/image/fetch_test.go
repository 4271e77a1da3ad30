package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// An unreachable registry is asked five times, with pauses of 1.1 to 5 s.
func TestAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(nil, Config{})
		start, calls := time.Now(), 0
		err := s.again(t.Context(), resolving, "r/a:1", func(context.Context) error { calls++; return errors.New("no route") })
		want := "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref r/a:1: no route"
		if err == nil || err.Error() != want || calls != 5 {
			t.Errorf("got %v after %d calls", err, calls)
		}
		least := 1100*time.Millisecond + 2200*time.Millisecond + 4400*time.Millisecond + 5*time.Second
		if took := time.Since(start); took < least || took > least*12/10 {
			t.Errorf("took %s", took)
		}
	})
}

func TestWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		forever := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		err := within(t.Context(), 2*time.Hour, "pulled", forever)
		if want := "DockerTimeoutError: Could not transition to pulled; timed out after waiting 2h0m0s"; err == nil || err.Error() != want {
			t.Errorf("got %v", err)
		}
		stopped, stop := context.WithCancel(t.Context())
		stop()
		if err := within(stopped, time.Hour, "pulled", forever); !errors.Is(err, context.Canceled) {
			t.Errorf("stopped: got %v", err)
		}
		if err := within(t.Context(), time.Hour, "pulled", func(context.Context) error { return nil }); err != nil {
			t.Errorf("done: got %v", err)
		}
	})
}

func TestManifestTimeout(t *testing.T) {
	hang := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer srv.Close()
	defer close(hang)
	s := New(nil, Config{ManifestTimeout: 50 * time.Millisecond})
	_, err := s.fetch(t.Context(), strings.TrimPrefix(srv.URL, "http://")+"/a:1", PullOptions{})
	if want := "DockerTimeoutError: Could not transition to MANIFEST_PULLED; timed out after waiting 50ms"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// What is wrong with a registry's certificate will still be wrong in a second.
func TestUntrustedRegistry(t *testing.T) {
	quiet := func(srv *httptest.Server) { srv.Config.ErrorLog = log.New(io.Discard, "", 0) }
	strange := httptest.NewUnstartedServer(nil)
	quiet(strange)
	strange.StartTLS()
	defer strange.Close()
	plain := httptest.NewUnstartedServer(nil)
	quiet(plain)
	plain.Start()
	defer plain.Close()
	for name, c := range map[string]struct{ endpoint, want string }{
		"certificate of nobody": {strange.URL, "x509: certificate signed by unknown authority"},
		"no TLS":                {strings.Replace(plain.URL, "http:", "https:", 1), "http: server gave HTTP response to HTTPS client"},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(nil, Config{Log: slog.New(slog.DiscardHandler)})
			_, err := s.fetch(t.Context(), "reg.example/a:1", PullOptions{Endpoint: func(string) string { return c.endpoint }})
			e, ok := errors.AsType[*Error](err)
			start := "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref reg.example/a:1: failed to do request: Head "
			if !ok || e.Kind != Untrusted || !strings.HasPrefix(err.Error(), start) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestFailureTexts(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		kind Kind
		want string
	}{
		"inactive": {errInactive, Unreachable, "CannotPullContainerError: inactivity time exceeded timeout while pulling image"},
		"disk full": {
			errors.New("failed to extract layer: write /x: no space left on device"), Full,
			"CannotPullContainerError: ref pull has been retried 3 time(s): failed to copy: failed to extract layer: write /x: no space left on device",
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := failure(copying, "r/a:1", 3, fmt.Errorf("%w", c.err))
			if e.Error() != c.want || e.Kind != c.kind || final(t.Context(), e) == (c.kind == Unreachable) {
				t.Errorf("got %v, kind %d", e, e.Kind)
			}
		})
	}
}

func TestRegistryIsReachedThroughTheClient(t *testing.T) {
	var asked atomic.Value
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.URL.String())
		w.WriteHeader(http.StatusNotFound)
	}))
	defer proxy.Close()
	to, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	s := New(nil, Config{HTTP: &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(to)}}})
	_, err = s.fetch(t.Context(), "reg.example/a:1", PullOptions{Endpoint: func(string) string { return "http://10.9.8.7" }})
	if e, ok := errors.AsType[*Error](err); !ok || e.Kind != NotFound || !strings.HasPrefix(fmt.Sprint(asked.Load()), "http://10.9.8.7/v2/a/manifests/") {
		t.Errorf("got %v, asked for %v", err, asked.Load())
	}
}
