package rollout

import (
	"time"

	"github.com/slipway/slipway/internal/schedule"
	"github.com/slipway/slipway/internal/service/ecs"
)

// State is all that a decision about one service looks at. Nothing in it is
// changed.
type State struct {
	Now         time.Time
	Settle      time.Duration // in RUNNING before a task without a check is healthy
	Service     *ecs.Service
	Deployments []*ecs.Deployment // PRIMARY and ACTIVE ones, in order of creation
	Tasks       []*ecs.Task       // of the service, those that are not STOPPED
	Died        []*ecs.Task       // of the service, those that died and are not Noted

	// Draining holds the DRAINING container instances with tasks of the service;
	// the value tells whether tasks of others but daemons are still there.
	Draining map[string]bool
	// Eligible holds, for a DAEMON service, the container instances that should
	// have a task; the value tells whether the agent is connected.
	Eligible map[string]bool
	// Blocked: placement has just found no room for a task of the service.
	Blocked bool

	// Instance describes a container instance to schedule.Victims; nil if unknown.
	Instance func(id string) *schedule.Instance
	// Previous finds what a rollback of a deployment goes back to: the newest one
	// before it that had completed, and its revision; nil if there is none.
	Previous func(*ecs.Deployment) (*ecs.Deployment, *ecs.Revision)
	// Events are the latest events of the service, the newest first.
	Events func() []*ecs.ServiceEvent
}

// Plan is what a decision wants done. Its records are new ones, to be written
// only if what they were made from is still there.
type Plan struct {
	Start       Start
	Stops       []Stop
	Service     *ecs.Service      // nil: unchanged
	Deployments []*ecs.Deployment // those that change
	Noted       []*ecs.Task       // to be marked as Noted
	End         bool              // the DRAINING service has ended
	Events      []string          // messages in order
	After       time.Duration     // look again then; 0: only when something changes
}

// Start says how many tasks of which deployment to start.
type Start struct {
	Deployment *ecs.Deployment // nil: none
	Count      int
	Replacing  int             // how many of them replace unhealthy ones
	Instances  map[string]bool // if not nil, only there, one each
}

// Stop is a task to stop, and the reason.
type Stop struct {
	Task *ecs.Task
	Why  ecs.Stop
}

// Empty tells whether there is nothing to do but to wait.
func (p *Plan) Empty() bool {
	return p.Start.Count == 0 && len(p.Stops) == 0 && !p.Writes()
}

// Writes tells whether records other than tasks change.
func (p *Plan) Writes() bool {
	return p.Service != nil || len(p.Deployments) > 0 || len(p.Noted) > 0 || p.End || len(p.Events) > 0
}
