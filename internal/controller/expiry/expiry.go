package expiry

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/slipway/slipway/internal/controller/loop"
	"github.com/slipway/slipway/internal/service/ecs"
)

// Room is what of the ECS room forgets.
type Room interface {
	ExpireStopped(ctx context.Context, now time.Time, keep time.Duration, most int) (int, error)
	ExpireServices(ctx context.Context, now time.Time, keep ecs.Keep) (int, error)
	ExpireTaskDefinitions(ctx context.Context) (int, error)
}

// Config says how long what is over is kept; zero means AWS's term or, where AWS
// promises none, a day.
type Config struct {
	Log   *slog.Logger
	Tasks time.Duration
	ecs.Keep
}

const (
	day          = 24 * time.Hour
	everyTasks   = time.Minute
	everyHistory = time.Hour
	atOnce       = 5000 // stopped tasks of one sweep
)

// The keys of the controller: one for each pace.
const (
	keyTasks   = "tasks"
	keyHistory = "history"
)

// Controller sweeps now and then.
type Controller struct {
	room Room
	cfg  Config
}

// New returns the controller over the room.
func New(room Room, cfg Config) *Controller {
	cfg.Tasks = orElse(cfg.Tasks, time.Hour)
	cfg.Services = orElse(cfg.Services, day)
	cfg.Clusters = orElse(cfg.Clusters, day)
	cfg.Deployments = orElse(cfg.Deployments, 90*day)
	return &Controller{room: room, cfg: cfg}
}

func orElse(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// Loop is the controller as a loop.
func (c *Controller) Loop() *loop.Loop {
	return &loop.Loop{Name: "expiry", Log: c.cfg.Log, Reconciler: c, Source: func(ctx context.Context, add func(string)) error {
		add(keyTasks)
		add(keyHistory)
		<-ctx.Done()
		return ctx.Err()
	}}
}

// Reconcile sweeps once.
func (c *Controller) Reconcile(ctx context.Context, key string) (time.Duration, error) {
	if key == keyHistory {
		if _, err := c.room.ExpireServices(ctx, time.Now(), c.cfg.Keep); err != nil {
			return 0, fmt.Errorf("expire services: %w", err)
		}
		return everyHistory, nil
	}
	if _, err := c.room.ExpireTaskDefinitions(ctx); err != nil {
		return 0, fmt.Errorf("expire task definitions: %w", err)
	}
	n, err := c.room.ExpireStopped(ctx, time.Now(), c.cfg.Tasks, atOnce)
	if err != nil {
		return 0, fmt.Errorf("expire stopped tasks: %w", err)
	}
	if n >= atOnce {
		return time.Second, nil
	}
	return everyTasks, nil
}
