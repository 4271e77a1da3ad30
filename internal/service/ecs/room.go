package ecs

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/store"
)

// Config is what the room needs to know of its surroundings.
type Config struct {
	Log *slog.Logger
	// PollEndpoint and TelemetryEndpoint give the http(s) URLs of the ACS and TCS
	// sockets for an agent that reached us at the given base URL
	// (scheme://host:port); agents append "/ws".
	PollEndpoint, TelemetryEndpoint func(base string) string
	// Registry tells whether an image is in our own registry, so that agents are
	// told to log in there.
	Registry func(image string) (registryID, region string, ours bool)
	// Zone gives the Availability Zone of an EC2 instance of ours; "" if unknown.
	Zone func(s Scope, ec2InstanceID string) string
	// Roles issues the credentials of tasks, as *iam.Room does; without it no role
	// can be assumed.
	Roles Roles
	// PassRole refuses a caller who may not hand the role to ECS, in the words of
	// AccessDeniedException; nil allows everybody.
	PassRole func(ctx context.Context, caller Caller, roleARN string) error
	// Sessions opens the sessions of ECS Exec; without it no agent is connected.
	Sessions Sessions
}

// Room holds the records of ECS in one store. It is safe for concurrent use;
// all state is in the store.
type Room struct {
	st  *store.Store
	cfg Config

	// placing serialises placement within this process: a placement that waits
	// here is cheaper than one that loses the race for an allocation record.
	placing sync.Mutex
	rng     *rand.Rand // guarded by placing
	// fleets are what placement knows of each cluster, by cluster key; guarded
	// by placing.
	fleets map[string]*clusterFleet
	queue  placementQueue
}

// New returns the room over st, which was opened with Tables().
func New(st *store.Store, cfg Config) *Room {
	return &Room{st: st, cfg: cfg, rng: rand.New(rand.NewPCG(rand.Uint64(), uint64(time.Now().UnixNano()))), fleets: map[string]*clusterFleet{}}
}

// Store is the store that the room is in; controllers watch it.
func (r *Room) Store() *store.Store { return r.st }

// Endpoints gives the URLs of the ACS and TCS sockets for an agent that reached
// us at base (scheme://host:port).
func (r *Room) Endpoints(base string) (poll, telemetry string) {
	return r.cfg.PollEndpoint(base), r.cfg.TelemetryEndpoint(base)
}
