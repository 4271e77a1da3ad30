package expiry

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/slipway/slipway/internal/service/ecs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sweeps notes what is asked of the room.
type sweeps struct {
	tasks, history int
	definitions    int
	kept           time.Duration
	full           int // sweeps that find as much as they may
	err            error
}

func (s *sweeps) ExpireStopped(_ context.Context, _ time.Time, keep time.Duration, most int) (int, error) {
	s.tasks++
	s.kept = keep
	if s.tasks <= s.full {
		return most, s.err
	}
	return 0, s.err
}

func (s *sweeps) ExpireServices(context.Context, time.Time, ecs.Keep) (int, error) {
	s.history++
	return 0, nil
}

func (s *sweeps) ExpireTaskDefinitions(context.Context) (int, error) {
	s.definitions++
	return 0, nil
}

func TestSweeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sweeps{full: 5}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		New(s, Config{Log: slog.New(slog.DiscardHandler)}).Loop().Run(ctx)
		// Five at one second each, then one a minute.
		if s.tasks != 15 || s.history != 1 || s.definitions != 15 || s.kept != time.Hour {
			t.Errorf("%d sweeps of tasks, %d of history, %d of definitions, kept %v; want 15, 1, 15, 1h", s.tasks, s.history, s.definitions, s.kept)
		}
	})
}

func TestFailedSweepIsRepeated(t *testing.T) {
	s := &sweeps{err: errors.New("no store")}
	if _, err := New(s, Config{}).Reconcile(t.Context(), keyTasks); !errors.Is(err, s.err) {
		t.Errorf("error %v, want the room's", err)
	}
}
