package store

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"
)

// reign is one call of Lead in the background.
type reign struct {
	started chan struct{} // a token each time it begins to lead
	ended   chan error    // why the context of the leader ended
	result  chan error    // of Lead
}

func startReign(ctx context.Context, s *Store, name string) *reign {
	r := &reign{make(chan struct{}, 10), make(chan error, 10), make(chan error, 1)}
	go func() {
		r.result <- s.Lead(ctx, name, func(ctx context.Context) error {
			r.started <- struct{}{}
			<-ctx.Done()
			r.ended <- context.Cause(ctx)
			return ctx.Err()
		})
	}()
	return r
}

// await receives within a generous time.
func await[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(time.Minute):
		t.Fatalf("waited in vain for %s", what)
	}
	return v
}

func (r *reign) leads() bool {
	select {
	case <-r.started:
		return true
	default:
		return false
	}
}

func TestLeadEmbedded(t *testing.T) {
	s := open(t, Config{})
	ctx, cancel := context.WithCancel(t.Context())
	first := startReign(ctx, s, "controllers")
	await(t, "the first leader", first.started)
	second := startReign(t.Context(), s, "controllers")
	other := startReign(t.Context(), s, "another name")
	await(t, "the leader of another name", other.started)
	if second.leads() {
		t.Error("two lead at once")
	}
	cancel()
	if err := await(t, "the first to end", first.result); !errors.Is(err, context.Canceled) {
		t.Errorf("Lead with an ended context: %v", err)
	}
	await(t, "the second leader", second.started)
	s.Close()
	if err := await(t, "the second to end", second.result); !errors.Is(err, ErrClosed) {
		t.Errorf("Lead of a closed store: %v", err)
	}
	if err := s.Lead(t.Context(), "controllers", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Lead on a closed store: %v", err)
	}
}

func TestLeadReturnsWhatTheFunctionReturns(t *testing.T) {
	e := startEtcd(t)
	wanted := errors.New("enough")
	for name, s := range map[string]*Store{"embedded": open(t, Config{}), "external": open(t, Config{Endpoints: e.endpoints()})} {
		for _, want := range []error{wanted, nil} {
			if err := s.Lead(t.Context(), "x", func(context.Context) error { return want }); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", name, err, want)
			}
		}
	}
}

func TestLeadershipIsHandedOver(t *testing.T) {
	t.Parallel()
	e := startEtcd(t)
	a, b := open(t, Config{Endpoints: e.endpoints()}), open(t, Config{Endpoints: e.endpoints()})
	first := startReign(t.Context(), a, "controllers")
	await(t, "the first leader", first.started)
	second := startReign(t.Context(), b, "controllers")
	put(t, b, pet{Owner: "a", Name: "1"}) // some time in which a second leader could show
	if second.leads() {
		t.Error("two lead at once")
	}
	start := time.Now()
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if err := await(t, "the first to end", first.result); !errors.Is(err, ErrClosed) {
		t.Errorf("Lead of a closed store: %v", err)
	}
	await(t, "the second leader", second.started)
	t.Logf("handed over in %v", time.Since(start))
}

// TestLeadershipIsLost cuts the leader off: it must learn of it, another must take over, and it must campaign again.
func TestLeadershipIsLost(t *testing.T) {
	t.Parallel()
	e := startEtcd(t)
	line := newRelay(t, e)
	a, b := open(t, Config{Endpoints: line.endpoints()}), open(t, Config{Endpoints: e.endpoints()})
	first := startReign(t.Context(), a, "controllers")
	await(t, "the first leader", first.started)
	second := startReign(t.Context(), b, "controllers")
	line.cut()
	if cause := await(t, "the leader to learn of its loss", first.ended); !errors.Is(cause, errLost) {
		t.Errorf("its context ended by %v", cause)
	}
	await(t, "the second leader", second.started)
	line.mend()
	b.Close()
	await(t, "the first to lead again", first.started)
}

// TestLeadSurvivesAnEtcdThatHalts has both the leader and those in line outlive an outage longer than the lease.
func TestLeadSurvivesAnEtcdThatHalts(t *testing.T) {
	t.Parallel()
	e := startEtcd(t)
	s := open(t, Config{Endpoints: e.endpoints()})
	r := startReign(t.Context(), s, "controllers")
	await(t, "the leader", r.started)
	e.signal(syscall.SIGSTOP)
	await(t, "the leader to learn of its loss", r.ended)
	e.signal(syscall.SIGCONT)
	await(t, "it to lead again", r.started)
}
