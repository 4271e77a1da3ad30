package instancehealth

import (
	"context"
	"log/slog"
	"time"
)

// Times of the signs of life.
const (
	Every = 4 * time.Second  // between two signs of one server
	Gone  = 15 * time.Second // without a sign after which a server counts as gone
)

// Announcer writes signs of life.
type Announcer interface {
	AnnounceServer(ctx context.Context, id string) error
	ForgetServer(ctx context.Context, id string) error
}

// farewell bounds the last word of a server that ends.
const farewell = 2 * time.Second

// Announce renews a server's sign of life until ctx ends, and then takes it away.
func Announce(ctx context.Context, room Announcer, id string, log *slog.Logger) {
	tick := time.NewTicker(Every)
	defer tick.Stop()
	for {
		if err := room.AnnounceServer(ctx, id); err != nil && ctx.Err() == nil {
			log.Warn("server could not give a sign of life", "server", id, "error", err)
		}
		select {
		case <-tick.C:
			continue
		case <-ctx.Done():
		}
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
		if err := room.ForgetServer(last, id); err != nil {
			log.Debug("server could not take its sign of life away", "server", id, "error", err)
		}
		return
	}
}
