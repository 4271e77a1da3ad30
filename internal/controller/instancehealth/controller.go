package instancehealth

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/controller/loop"
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/store"
)

// Room is what of the ECS room ends connections.
type Room interface {
	DisconnectAgent(ctx context.Context, s ecs.Scope, cluster, instance, connection string) error
	ForgetServer(ctx context.Context, id string) error
}

// Controller watches the servers' signs of life. Its keys are ids of servers.
type Controller struct {
	st   *store.Store
	room Room
	log  *slog.Logger

	mu   sync.Mutex
	seen map[string]time.Time // server → its last sign of life, by our clock
}

// New returns the controller over the records in st.
func New(st *store.Store, room Room, log *slog.Logger) *Controller {
	return &Controller{st: st, room: room, log: log, seen: map[string]time.Time{}}
}

// Loop is the controller as a loop.
func (c *Controller) Loop() *loop.Loop {
	return &loop.Loop{Name: "instancehealth", Log: c.log, Source: c.follow, Reconciler: c}
}

// follow names the servers that hold connections or give signs of life.
func (c *Controller) follow(ctx context.Context, add func(key string)) error {
	w := c.st.Watch(ecs.Servers, ecs.Instances)
	defer w.Close()
	for s := range ecs.Servers.List(w.Snapshot(), "") {
		c.sign(s.ID, true)
		add(s.ID)
	}
	for i := range ecs.Instances.List(w.Snapshot(), "") {
		c.connection(i, add)
	}
	for {
		batch, err := w.Next(ctx)
		if err != nil {
			return fmt.Errorf("watch servers: %w", err)
		}
		for _, ch := range batch.Changes {
			switch rec := ch.After.(type) {
			case *ecs.Server:
				c.sign(rec.ID, true)
				add(rec.ID)
			case *ecs.ContainerInstance:
				c.connection(rec, add)
			}
		}
	}
}

func (c *Controller) connection(i *ecs.ContainerInstance, add func(key string)) {
	if id := i.ConnectedServer(); id != "" {
		c.sign(id, false)
		add(id)
	}
}

// sign notes a sign of life; a server that is only heard of begins with a full
// term.
func (c *Controller) sign(id string, alive bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.seen[id]; alive || !known {
		c.seen[id] = time.Now()
	}
}

// Reconcile ends the connections of a server that has been silent for too long.
func (c *Controller) Reconcile(ctx context.Context, id string) (time.Duration, error) {
	c.mu.Lock()
	seen, known := c.seen[id]
	c.mu.Unlock()
	if left := Gone - time.Since(seen); known && left > 0 {
		return left, nil
	}
	for _, i := range heldBy(c.st.Snapshot(), id) {
		if err := c.room.DisconnectAgent(ctx, i.Scope, i.Cluster, i.ID, i.Connection); err != nil {
			return 0, fmt.Errorf("disconnect instance %s: %w", i.ID, err)
		}
		c.log.Info("agent lost its server", "instance", i.ID, "server", id)
	}
	if err := c.room.ForgetServer(ctx, id); err != nil {
		return 0, fmt.Errorf("forget server %s: %w", id, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.seen, id)
	return 0, nil
}

// heldBy are the instances whose agents are connected to a server.
func heldBy(r store.Reader, id string) []*ecs.ContainerInstance {
	var held []*ecs.ContainerInstance
	for i := range ecs.Instances.List(r, "") {
		if i.ConnectedServer() == id {
			held = append(held, i)
		}
	}
	return held
}
