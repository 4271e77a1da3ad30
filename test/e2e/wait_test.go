//go:build e2e

package e2e

import (
	"context"
	"testing"
	"time"
)

const (
	pollEvery = 50 * time.Millisecond
	// patience is no measure of speed: nothing that works comes near it.
	patience = 90 * time.Second
)

// pause waits until it is time to look again; false once ctx has ended.
func pause(ctx context.Context) bool {
	timer := time.NewTimer(pollEvery)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// eventually looks until what it sees is as wanted, and returns that.
func eventually[T any](t *testing.T, what string, look func() (T, bool)) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	for {
		seen, ok := look()
		if ok {
			return seen
		}
		if !pause(ctx) {
			t.Fatalf("%s did not come about; last seen: %+v", what, seen)
		}
	}
}
