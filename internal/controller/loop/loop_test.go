package loop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder notes when it was called, and answers what answer says.
type recorder struct {
	mu     sync.Mutex
	began  time.Time
	calls  []string // "key@offset"
	busy   map[string]bool
	answer func(call int) (time.Duration, error)
	takes  time.Duration
}

func (r *recorder) Reconcile(_ context.Context, key string) (time.Duration, error) {
	r.mu.Lock()
	if r.busy[key] {
		r.calls = append(r.calls, key+" twice at once")
	}
	r.busy[key] = true
	n := len(r.calls)
	r.calls = append(r.calls, fmt.Sprintf("%s@%v", key, time.Since(r.began)))
	r.mu.Unlock()
	time.Sleep(r.takes) //nolint:forbidigo // in a synctest bubble
	r.mu.Lock()
	r.busy[key] = false
	r.mu.Unlock()
	if r.answer == nil {
		return 0, nil
	}
	return r.answer(n)
}

// play runs a loop whose source follows the script, for as long as given.
func play(t *testing.T, r *recorder, workers int, script func(add func(string)), lasts time.Duration) []string {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r.began, r.busy = time.Now(), map[string]bool{}
		ctx, cancel := context.WithTimeout(t.Context(), lasts)
		defer cancel()
		l := &Loop{Name: "test", Log: slog.New(slog.DiscardHandler), Workers: workers, Reconciler: r,
			Source: func(ctx context.Context, add func(string)) error {
				script(add)
				<-ctx.Done()
				return ctx.Err()
			}}
		l.Run(ctx)
	})
	return r.calls
}

func TestKeysAreMerged(t *testing.T) {
	r := &recorder{takes: 10 * time.Millisecond}
	got := play(t, r, 2, func(add func(string)) {
		for range 5 {
			add("a")
		}
		time.Sleep(5 * time.Millisecond) //nolint:forbidigo // in a synctest bubble: it is being worked on
		add("a")
		add("a")
	}, time.Second)
	want := []string{"a@0s", "a@50ms"} // the second one after a rest of 4 × 10 ms
	if !slices.Equal(got, want) {
		t.Errorf("calls %v, want %v", got, want)
	}
}

func TestFailuresBackOff(t *testing.T) {
	r := &recorder{answer: func(call int) (time.Duration, error) {
		if call < 4 {
			return time.Hour, errors.New("no")
		}
		return 0, nil
	}}
	got := play(t, r, 1, func(add func(string)) { add("a") }, time.Minute)
	want := []string{"a@0s", "a@10ms", "a@30ms", "a@70ms", "a@150ms"}
	if !slices.Equal(got, want) {
		t.Errorf("calls %v, want %v", got, want)
	}
}

func TestChangeShortensBackOff(t *testing.T) {
	r := &recorder{answer: func(call int) (time.Duration, error) {
		if call < 12 {
			return 0, errors.New("no")
		}
		return 0, nil
	}}
	got := play(t, r, 1, func(add func(string)) {
		add("a")
		time.Sleep(25 * time.Second) //nolint:forbidigo // in a synctest bubble: in the wait after the twelfth failure, of 20.48 s
		add("a")
	}, time.Hour)
	if n := len(got); n != 13 || got[12] != "a@25s" {
		t.Errorf("calls %v, want the 13th at 25s", got)
	}
}

func TestAfter(t *testing.T) {
	r := &recorder{answer: func(call int) (time.Duration, error) {
		if call == 0 {
			return 5 * time.Second, nil
		}
		return 0, nil
	}}
	got := play(t, r, 1, func(add func(string)) {
		add("a")
		time.Sleep(time.Second) //nolint:forbidigo // in a synctest bubble
		add("b")
	}, time.Minute)
	want := []string{"a@0s", "b@1s", "a@5s"}
	if !slices.Equal(got, want) {
		t.Errorf("calls %v, want %v", got, want)
	}
}

func TestWorkersShareKeys(t *testing.T) {
	r := &recorder{takes: time.Second}
	got := play(t, r, 3, func(add func(string)) {
		for _, k := range []string{"a", "b", "c", "d"} {
			add(k)
		}
	}, time.Minute)
	slices.Sort(got)
	if len(got) != 4 {
		t.Fatalf("calls %v, want four", got)
	}
	atOnce := 0
	for _, c := range got {
		if c[1:] == "@0s" {
			atOnce++
		}
	}
	if atOnce != 3 {
		t.Errorf("calls %v, want three at once", got)
	}
}

func TestSourceIsCalledAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{began: time.Now(), busy: map[string]bool{}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		sources := 0
		l := &Loop{Name: "test", Log: slog.New(slog.DiscardHandler), Reconciler: r,
			Source: func(ctx context.Context, add func(string)) error {
				if sources++; sources == 1 {
					return errors.New("watch broke")
				}
				add("a")
				<-ctx.Done()
				return nil
			}}
		l.Run(ctx)
		if want := []string{"a@1s"}; !slices.Equal(r.calls, want) {
			t.Errorf("calls %v, want %v", r.calls, want)
		}
	})
}
