package health

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agent/lifecycle"
	"github.com/slipway/slipway/internal/agentproto"
)

// heard collects verdicts.
type heard struct {
	mu   sync.Mutex
	list []engine.HealthStatus
}

func (h *heard) add(s engine.HealthStatus) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, s)
}

func (h *heard) all() []engine.HealthStatus {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.list)
}

func seconds(n int64) int64 { return n * int64(time.Second) }

func check(retries int) agentproto.Healthcheck {
	return agentproto.Healthcheck{Test: []string{"CMD", "/ok"}, Interval: seconds(10), Timeout: seconds(5), Retries: retries}
}

// bubble runs f with a prober under synthetic time.
func bubble(t *testing.T, exec Exec, f func(p *Prober)) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		p := NewProber(exec)
		f(p)
		p.Close()
	})
}

func TestChecksBeginAnIntervalAfterTheLastEnded(t *testing.T) {
	var at []time.Duration
	begin := time.Time{}
	exec := func(context.Context, string, []string, io.Writer) (int, error) {
		at = append(at, time.Since(begin))
		<-time.After(3 * time.Second)
		return 0, nil
	}
	bubble(t, exec, func(p *Prober) {
		begin = time.Now()
		stop := p.Watch("c", check(1), func(engine.HealthStatus) {})
		<-time.After(40 * time.Second)
		stop()
		<-time.After(time.Minute)
	})
	if diff := cmp.Diff([]time.Duration{10 * time.Second, 23 * time.Second, 36 * time.Second}, at); diff != "" {
		t.Error(diff)
	}
}

func TestVerdictsCarryWhatTheCheckSaid(t *testing.T) {
	round := 0
	exec := func(_ context.Context, id string, args []string, out io.Writer) (int, error) {
		round++
		fmt.Fprintf(out, "%s %v %d", id, args, round)
		switch round {
		case 1, 4:
			return 0, nil
		case 6:
			return 0, errors.New(`exec failed: "/ok": no such file or directory`)
		}
		return 7, nil
	}
	var h heard
	bubble(t, exec, func(p *Prober) {
		p.Watch("c", check(2), h.add)
		<-time.After(65 * time.Second)
	})
	want := []engine.HealthStatus{
		{Verdict: lifecycle.Healthy, Output: "c [/ok] 1"},
		{Verdict: lifecycle.Unhealthy, ExitCode: 7, Output: "c [/ok] 3"},
		{Verdict: lifecycle.Healthy, Output: "c [/ok] 4"},
		{Verdict: lifecycle.Unhealthy, ExitCode: -1, Output: `exec failed: "/ok": no such file or directory`},
	}
	got := h.all()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(engine.HealthStatus{}, "Since")); diff != "" {
		t.Error(diff)
	}
	for i := 1; i < len(got); i++ {
		if !got[i].Since.After(got[i-1].Since) {
			t.Errorf("verdict %d is not newer", i)
		}
	}
}

func TestAHangingCheckIsKilledAndCounts(t *testing.T) {
	exec := func(ctx context.Context, _ string, _ []string, out io.Writer) (int, error) {
		io.WriteString(out, "waiting")
		<-ctx.Done()
		return 137, nil
	}
	var h heard
	bubble(t, exec, func(p *Prober) {
		p.Watch("c", check(1), h.add)
		<-time.After(16 * time.Second)
	})
	got := h.all()
	if len(got) != 1 || got[0].Verdict != lifecycle.Unhealthy || got[0].ExitCode != -1 || got[0].Output != "Health check exceeded timeout (5s): waiting" {
		t.Errorf("got %+v", got)
	}
}

// TestAnUnkillableCheckHarmsNobody: its container gets no further check, the
// others get theirs.
func TestAnUnkillableCheckHarmsNobody(t *testing.T) {
	var stuck, others atomic.Int32
	free := make(chan struct{})
	exec := func(_ context.Context, id string, _ []string, _ io.Writer) (int, error) {
		if id == "stuck" {
			stuck.Add(1)
			<-free
			return 0, nil
		}
		others.Add(1)
		return 0, nil
	}
	var h heard
	bubble(t, exec, func(p *Prober) {
		free = make(chan struct{})
		for range 2 * parallel {
			p.Watch("stuck", check(1), h.add)
		}
		<-time.After(time.Second)
		p.Watch("well", check(1), func(engine.HealthStatus) {})
		<-time.After(2 * time.Minute)
		if n := others.Load(); n < 9 {
			t.Errorf("%d checks of the other container", n)
		}
		close(free)
	})
	if n := stuck.Load(); n != 2*parallel {
		t.Errorf("%d checks began in containers whose last did not end", n)
	}
	for _, s := range h.all()[:2*parallel] {
		if s.Output != "Health check exceeded timeout (5s)" {
			t.Errorf("got %q", s.Output)
		}
	}
}

func TestFewChecksRunAtOnce(t *testing.T) {
	var now, most atomic.Int32
	exec := func(context.Context, string, []string, io.Writer) (int, error) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-time.After(time.Second)
		now.Add(-1)
		return 0, nil
	}
	var h heard
	bubble(t, exec, func(p *Prober) {
		for range 4 * parallel {
			p.Watch("c", check(1), h.add)
		}
		<-time.After(time.Minute)
	})
	if most.Load() != parallel || len(h.all()) != 4*parallel {
		t.Errorf("%d at once, %d verdicts", most.Load(), len(h.all()))
	}
}

func TestStoppedWatchSaysNothing(t *testing.T) {
	exec := func(ctx context.Context, _ string, _ []string, _ io.Writer) (int, error) {
		<-ctx.Done()
		return 1, nil
	}
	var h heard
	bubble(t, exec, func(p *Prober) {
		stop := p.Watch("c", check(1), h.add)
		none := p.Watch("c", agentproto.Healthcheck{Test: []string{"NONE"}}, h.add)
		<-time.After(11 * time.Second) // the check is under way
		stop()
		stop()
		none()
		<-time.After(time.Minute)
	})
	if got := h.all(); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
}
