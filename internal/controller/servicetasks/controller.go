package servicetasks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/controller/loop"
	"github.com/slipway/slipway/internal/controller/rollout"
	"github.com/slipway/slipway/internal/schedule"
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/store"
)

// Room is what of the ECS room starts and stops tasks.
type Room interface {
	PlaceServiceTasks(ctx context.Context, req ecs.PlaceRequest) ([]*ecs.Task, []schedule.Refusal, error)
	StopTasks(ctx context.Context, keys []string, stop ecs.Stop) error
}

// Config is what can be set.
type Config struct {
	Log *slog.Logger
	// Settle is how long a task without a container health check is in RUNNING
	// before it counts as healthy: see rollout.State.
	Settle time.Duration
	// Workers is the number of services that are worked on at the same time.
	Workers int
}

// Controller carries out what rollout decides.
type Controller struct {
	st      *store.Store
	room    Room
	cfg     Config
	waiting waiting
}

// New returns the controller over the records in st.
func New(st *store.Store, room Room, cfg Config) *Controller {
	return &Controller{st: st, room: room, cfg: cfg, waiting: waiting{services: map[string]*blocked{}}}
}

// Loop is the controller as a loop.
func (c *Controller) Loop() *loop.Loop {
	return &loop.Loop{Name: "servicetasks", Log: c.cfg.Log, Workers: c.cfg.Workers, Source: c.follow, Reconciler: c}
}

// errStale: a record of the decision has changed since.
var errStale = errors.New("records have changed")

// Reconcile looks at one service, by its store key.
func (c *Controller) Reconcile(ctx context.Context, key string) (time.Duration, error) {
	snap := c.st.Snapshot()
	svc, ok := ecs.Services.Get(snap, key)
	if !ok || svc.Status == ecs.StatusInactive {
		c.waiting.forget(key)
		return 0, nil
	}
	state := c.state(snap, svc)
	plan := rollout.Decide(state)
	wait, err := c.carryOut(ctx, &state, &plan)
	if errors.Is(err, errStale) {
		return time.Millisecond, nil
	}
	return soonest(plan.After, wait), err
}

// soonest is the shorter of two waits, where 0 is none.
func soonest(a, b time.Duration) time.Duration {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// carryOut does what the plan says: what is to go first, so that what comes finds
// the room, and records before the tasks that rest on them.
func (c *Controller) carryOut(ctx context.Context, s *rollout.State, plan *rollout.Plan) (time.Duration, error) {
	if err := c.stop(ctx, plan.Stops); err != nil {
		return 0, fmt.Errorf("stop tasks of service %s: %w", s.Service.Name, err)
	}
	if plan.Writes() {
		if err := c.write(ctx, s, plan); err != nil {
			return 0, err
		}
	}
	if plan.Start.Count == 0 {
		c.waiting.forget(s.Service.Key())
		return 0, nil
	}
	return c.start(ctx, s, plan)
}

// stop stops tasks, those with the same reason together.
func (c *Controller) stop(ctx context.Context, stops []rollout.Stop) error {
	var order []ecs.Stop
	keys := map[ecs.Stop][]string{}
	for _, s := range stops {
		if keys[s.Why] == nil {
			order = append(order, s.Why)
		}
		keys[s.Why] = append(keys[s.Why], s.Task.Key())
	}
	for _, why := range order {
		if err := c.room.StopTasks(ctx, keys[why], why); err != nil {
			return err
		}
	}
	return nil
}

// write commits the plan's records in one transaction, unless what they were made
// from has changed.
func (c *Controller) write(ctx context.Context, s *rollout.State, plan *rollout.Plan) error {
	err := c.st.Update(ctx, func(tx *store.Tx) error {
		if now, ok := ecs.Services.Get(tx, s.Service.Key()); !ok || now != s.Service {
			return errStale
		}
		for _, d := range plan.Deployments {
			if now, ok := ecs.Deployments.Get(tx, d.Key()); !ok || changed(now, d, s.Deployments) {
				return errStale
			}
			ecs.Deployments.Put(tx, d)
		}
		for _, t := range plan.Noted {
			if now, ok := ecs.Tasks.Get(tx, t.Key()); ok && !now.Noted {
				noted := *now
				noted.Noted = true
				ecs.Tasks.Put(tx, &noted)
			}
		}
		ecs.AppendServiceEvents(tx, s.Service, s.Now, plan.Events)
		switch {
		case plan.End:
			ecs.EndService(tx, s.Service, s.Now)
		case plan.Service != nil:
			ecs.Services.Put(tx, plan.Service)
		}
		return nil
	})
	if err != nil && !errors.Is(err, errStale) {
		return fmt.Errorf("write records of service %s: %w", s.Service.Name, err)
	}
	return err
}

// changed tells whether a deployment is not what was looked at. One that was not
// looked at as a live one, what a rollback goes back to, has to be INACTIVE still.
func changed(now, planned *ecs.Deployment, seen []*ecs.Deployment) bool {
	i := slices.IndexFunc(seen, func(d *ecs.Deployment) bool { return d.ID == planned.ID })
	if i < 0 {
		return now.Status != ecs.DeploymentInactive
	}
	return now != seen[i]
}

// start places tasks and tells of those that were started, or why the next one was
// not.
func (c *Controller) start(ctx context.Context, s *rollout.State, plan *rollout.Plan) (time.Duration, error) {
	svc := s.Service
	if plan.Service != nil {
		svc = plan.Service
	}
	placed, refusals, err := c.room.PlaceServiceTasks(ctx, ecs.PlaceRequest{
		Service: svc, Deployment: plan.Start.Deployment, Count: plan.Start.Count, Only: plan.Start.Instances,
	})
	messages := rollout.Started(svc, placed, plan.Start.Replacing)
	var wait time.Duration
	refused, isRefused := errors.AsType[*ecs.LaunchError](err)
	switch full := len(placed) == plan.Start.Count; {
	case isRefused:
		err, wait = nil, c.waiting.block(svc)
		messages = append(messages, c.complaint(svc, rollout.NotLaunched(svc, refused.Reason), false)...)
	case err != nil:
		err = fmt.Errorf("place tasks of service %s: %w", svc.Name, err)
	case full:
		c.waiting.forget(svc.Key())
	default:
		wait = c.waiting.block(svc)
		messages = append(messages, c.complaint(svc, rollout.Unplaced(svc, refusals), len(placed) > 0)...)
	}
	return wait, errors.Join(err, c.tell(ctx, svc, messages))
}

// complaint is the event of a placement that failed, unless it has been told.
func (c *Controller) complaint(svc *ecs.Service, message string, news bool) []string {
	snap := c.st.Snapshot()
	if now, ok := ecs.Services.Get(snap, svc.Key()); !ok || now.Status != ecs.StatusActive {
		return nil // it was deleted meanwhile, and that is why
	}
	if !news && rollout.Suppressed(ecs.RecentServiceEvents(snap, svc), message, false, time.Now()) > 0 {
		return nil
	}
	return []string{message}
}

func (c *Controller) tell(ctx context.Context, svc *ecs.Service, messages []string) error {
	if len(messages) == 0 {
		return nil
	}
	err := c.st.Update(ctx, func(tx *store.Tx) error {
		ecs.AppendServiceEvents(tx, svc, now(), messages)
		return nil
	})
	if err != nil {
		return fmt.Errorf("write events of service %s: %w", svc.Name, err)
	}
	return nil
}

// now is the time with the precision that the API shows.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
