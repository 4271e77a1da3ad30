package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/controller/expiry"
	"github.com/slipway/slipway/internal/controller/instancehealth"
	"github.com/slipway/slipway/internal/controller/loop"
	"github.com/slipway/slipway/internal/controller/servicetasks"
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/store"
)

// Config is what can be set.
type Config struct {
	Log *slog.Logger
	// Server names this process among those that share the store; agents'
	// connections begin with it and a slash. Needed only where the store is not
	// embedded.
	Server string
	// Settle is how long a task without a container health check is in RUNNING
	// before it counts as healthy. AWS waits 40 s; with 0 it counts at once.
	Settle time.Duration
	// Workers is the number of services worked on at the same time; 0 means 4.
	Workers int
	// Keep says how long what is over stays describable.
	Keep ecs.Keep
}

const (
	leaderName     = "controllers"
	defaultWorkers = 4
)

// Run runs the controllers whenever this process leads, until ctx ends or the
// store closes; then it waits for them and returns nil.
func Run(ctx context.Context, st *store.Store, room *ecs.Room, cfg Config) error {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Workers == 0 {
		cfg.Workers = defaultWorkers
	}
	if !st.Embedded() && cfg.Server == "" {
		return errors.New("run controllers: a server that shares its store needs a name")
	}
	var work sync.WaitGroup
	defer work.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !st.Embedded() {
		work.Go(func() { instancehealth.Announce(ctx, room, cfg.Server, cfg.Log) })
	}
	err := st.Lead(ctx, leaderName, func(ctx context.Context) error {
		cfg.Log.Info("controllers started")
		lead(ctx, st, room, cfg)
		return ctx.Err()
	})
	if ctx.Err() != nil || errors.Is(err, store.ErrClosed) {
		return nil
	}
	return fmt.Errorf("lead controllers: %w", err)
}

// lead runs every controller until ctx ends.
func lead(ctx context.Context, st *store.Store, room *ecs.Room, cfg Config) {
	loops := []*loop.Loop{
		servicetasks.New(st, room, servicetasks.Config{Log: cfg.Log, Settle: cfg.Settle, Workers: cfg.Workers}).Loop(),
		expiry.New(room, expiry.Config{Log: cfg.Log, Keep: cfg.Keep}).Loop(),
	}
	if !st.Embedded() {
		loops = append(loops, instancehealth.New(st, room, cfg.Log).Loop())
	}
	var work sync.WaitGroup
	defer work.Wait()
	for _, l := range loops {
		work.Go(func() { l.Run(ctx) })
	}
}
