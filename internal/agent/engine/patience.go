package engine

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// signalTimeout bounds one attempt to send a signal.
const signalTimeout = 30 * time.Second

// Pauses between attempts at an effect that is away.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
)

// persist repeats do for as long as the container runtime does not answer.
func persist(ctx context.Context, do func(context.Context) error) error {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := do(ctx)
		if !errors.Is(err, ErrUnavailable) || !sleep(ctx, pause) {
			return err
		}
	}
}

// within bounds do, and words the time running out as the ECS agent does.
func within(ctx context.Context, limit time.Duration, state string, do func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := do(bounded)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil {
		return fmt.Errorf("DockerTimeoutError: Could not transition to %s; timed out after waiting %s", state, limit)
	}
	return err
}
