package drain

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var silent = slog.New(slog.DiscardHandler)

func TestInstanceIsSetUntilAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls, start := 0, time.Now()
		err := Instance(t.Context(), func(context.Context) error {
			if calls++; calls < 4 {
				return errors.New("not now")
			}
			return nil
		}, silent)
		if took := time.Since(start); err != nil || calls != 4 || took != 3*time.Second {
			t.Errorf("got %v after %d calls and %s", err, calls, took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		if err := Instance(ctx, func(context.Context) error { return errors.New("never") }, silent); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("never accepted: %v", err)
		}
	})
}

func TestEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := time.Now().Add(10 * time.Second)
		left := func() int { return max(0, int(time.Until(end))) }
		if err := Empty(t.Context(), left); err != nil || time.Now().Before(end) {
			t.Errorf("got %v, %s early", err, time.Until(end))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := Empty(ctx, func() int { return 1 }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("never empty: %v", err)
		}
	})
}

// imds is a metadata service whose tokens end after two answers.
type imds struct {
	t      *testing.T
	answer atomic.Value // of the notice; empty: there is none
	left   atomic.Int32
	noPut  bool
}

func (i *imds) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token" && !i.noPut:
		if r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") == "" {
			i.t.Error("a token for how long?")
		}
		i.left.Store(2)
		_, _ = io.WriteString(w, "TOKEN")
	case r.Method == http.MethodPut:
		w.WriteHeader(http.StatusForbidden)
	case !i.noPut && (i.left.Add(-1) < 0 || r.Header.Get("X-Aws-Ec2-Metadata-Token") != "TOKEN"):
		w.WriteHeader(http.StatusUnauthorized)
	case r.URL.Path != "/latest/meta-data/spot/instance-action" || i.answer.Load() == nil:
		w.WriteHeader(http.StatusNotFound)
	default:
		_, _ = io.WriteString(w, i.answer.Load().(string))
	}
}

func TestInterruption(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		answer string
		want   Notice
		fails  bool
	}{
		"none":      {},
		"terminate": {answer: `{"action":"terminate","time":"2026-01-02T03:04:05Z"}`, want: Notice{"terminate", at}},
		"hibernate": {answer: `{"action":"hibernate","time":"2026-01-02T03:04:05Z"}`, want: Notice{"hibernate", at}},
		"unknown":   {answer: `{"action":"dance"}`, fails: true},
		"no JSON":   {answer: `terminate`, fails: true},
	} {
		for _, noPut := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				service := &imds{t: t, noPut: noPut}
				if c.answer != "" {
					service.answer.Store(c.answer)
				}
				srv := httptest.NewServer(service)
				defer srv.Close()
				m := NewMetadata(srv.URL + "/")
				for range 5 { // over the end of two tokens
					if got, err := m.Interruption(t.Context()); got != c.want || (err != nil) != c.fails {
						t.Fatalf("got %+v, %v", got, err)
					}
				}
			})
		}
	}
}

func TestOnInterruption(t *testing.T) {
	service := &imds{t: t}
	service.answer.Store(`{"action":"stop","time":"2026-01-02T03:04:05Z"}`)
	srv := httptest.NewServer(service)
	defer srv.Close()
	set := 0
	if err := OnInterruption(t.Context(), NewMetadata(srv.URL), func(context.Context) error { set++; return nil }, silent); err != nil || set != 1 {
		t.Errorf("got %v, set %d times", err, set)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	srv.Close()
	if err := OnInterruption(gone, NewMetadata(srv.URL), nil, silent); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
