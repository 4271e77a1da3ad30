package engine

import (
	"context"
	"errors"
	"time"
)

// Back-off between attempts to report: the ECS agent's.
const (
	firstRetry   = time.Second
	longestRetry = 30 * time.Second
	retryGrowth  = 1.3
	// submitters bounds how many tasks report at once.
	submitters = 10
)

// send submits the first unaccepted report, unless one is under way. The journal
// must know before that it is the first: after a restart nothing older may
// follow it.
func (t *task) send(ctx context.Context) {
	if t.sending || len(t.rec.Outbox) == 0 {
		return
	}
	t.sending = true
	t.save()
	r, durable := t.rec.Outbox[0], t.commit
	t.actions.Go(func() {
		if durable(ctx) != nil || !t.submit(ctx, r) {
			return
		}
		t.box.post(func() {
			t.sending, t.dirty = false, true
			t.rec.Outbox = t.rec.Outbox[1:]
		})
	})
}

// submit tries until the report is accepted or refused for good; false if ctx
// ended before.
func (t *task) submit(ctx context.Context, r Report) bool {
	for pause := firstRetry; ; pause = min(time.Duration(float64(pause)*retryGrowth), longestRetry) {
		err := t.submitOnce(ctx, r)
		switch {
		case err == nil:
			return true
		case ctx.Err() != nil:
			return false
		case errors.Is(err, ErrRefused):
			t.log.Warn("report dropped", "status", r.Status, "error", err)
			return true
		}
		t.log.Warn("report not accepted yet", "status", r.Status, "error", err, "pause", pause)
		if !sleep(ctx, pause) {
			return false
		}
	}
}

func (t *task) submitOnce(ctx context.Context, r Report) error {
	select {
	case t.engine.submits <- struct{}{}:
		defer func() { <-t.engine.submits }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return t.engine.fx.Reports.Submit(ctx, r)
}

// sleep waits; false if ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
