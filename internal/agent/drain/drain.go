// Package drain takes an instance out of service before it goes away: when EC2
// announces that a Spot Instance is to be interrupted, and when the agent is told
// to end.
//
// It promises that DRAINING is asked for until it is accepted, and it refuses to
// stop tasks: that is the control plane's, for which DRAINING is the sign.
package drain

import (
	"context"
	"log/slog"
	"time"
)

// Pauses: the ECS agent's between looks at the metadata service and between
// attempts at DRAINING, and ours between looks at the tasks.
const (
	lookEvery  = time.Second
	againAfter = time.Second
	countEvery = 500 * time.Millisecond
)

// Instance sets the instance's status until that is accepted or ctx ends.
func Instance(ctx context.Context, set func(context.Context) error, log *slog.Logger) error {
	for {
		err := set(ctx)
		if err == nil {
			return nil
		}
		log.Warn("instance does not drain yet, trying again", "error", err)
		if !sleep(ctx, againAfter) {
			return ctx.Err()
		}
	}
}

// Empty waits until nothing is left, or ctx ends.
func Empty(ctx context.Context, left func() int) error {
	for left() > 0 {
		if !sleep(ctx, countEvery) {
			return ctx.Err()
		}
	}
	return nil
}

// OnInterruption waits for the notice of an interruption, and then sets the
// instance's status as Instance does. What the metadata service answers meanwhile
// does not matter.
func OnInterruption(ctx context.Context, m *Metadata, set func(context.Context) error, log *slog.Logger) error {
	for {
		notice, err := m.Interruption(ctx)
		switch {
		case err != nil:
			log.Debug("no word on interruption", "error", err)
		case notice.Action != "":
			log.Info("spot instance is to be interrupted, draining it", "action", notice.Action, "time", notice.Time)
			return Instance(ctx, set, log)
		}
		if !sleep(ctx, lookEvery) {
			return ctx.Err()
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
