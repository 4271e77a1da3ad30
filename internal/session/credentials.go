package session

import (
	"context"
	"time"

	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/store"
)

// renewRetry is when credentials that could not be issued are tried again: their
// role may be back, and the task goes on meanwhile.
const renewRetry = 5 * time.Minute

// renewals says when the credentials of which task are due, by task id. It holds
// only tasks with roles of which the agent was told.
type renewals map[string]time.Time

// credentials puts fresh credentials into a payload, and notes when the next ones
// are due: at once for an agent that asked for all that it had, which is what
// sendCredentials is for.
func (a *acs) credentials(ctx context.Context, t *ecs.Task, p *agentproto.Task) {
	switch _, told := a.renew[t.ID]; {
	case !t.HasRoles():
		return
	case p.DesiredStatus != agentproto.DesiredRunning:
		// The message of a stop has no room for them; what is stopping may need them.
		if a.forgot && !told {
			a.renew[t.ID] = time.Time{}
		}
		return
	}
	issued, next := a.issue(ctx, t)
	for _, c := range issued {
		if c.Type == agentproto.RoleTask {
			p.RoleCredentials = &c.RoleCredentials
		} else {
			p.ExecutionRoleCredentials = &c.RoleCredentials
		}
	}
	if a.forgot && t.LastStatus != ecs.TaskPending {
		next = time.Time{}
	}
	a.renew[t.ID] = next
}

// issue makes credentials of the task's roles and says when to do it again: at
// half of the life of those that end first.
func (a *acs) issue(ctx context.Context, t *ecs.Task) ([]ecs.RoleCredentials, time.Time) {
	now := time.Now()
	issued, err := a.srv.cfg.Room.IssueCredentials(ctx, t)
	next := now.Add(ecs.RoleLife)
	for _, c := range issued {
		if half := now.Add(c.Expires.Sub(now) / 2); half.Before(next) {
			next = half
		}
	}
	if err != nil {
		a.srv.log.Warn("credentials not issued", "task", t.ARN(), "error", err)
		if soon := now.Add(renewRetry); soon.Before(next) {
			next = soon
		}
	}
	return issued, next
}

// refresh sends new credentials of the tasks whose time has come, of running
// ones and of those that are stopping, and forgets tasks that have ended.
func (a *acs) refresh(ctx context.Context, snap *store.Snapshot, index string) error {
	if len(a.renew) == 0 {
		return nil
	}
	now := time.Now()
	live := renewals{}
	for t := range ecs.Tasks.By(snap, ecs.IndexInstance, index) {
		at, told := a.renew[t.ID]
		if !told {
			continue
		}
		live[t.ID] = at
		if at.After(now) {
			continue
		}
		issued, next := a.issue(ctx, t)
		live[t.ID] = next
		for _, c := range issued {
			if err := a.sendCredentials(ctx, t, c); err != nil {
				return err
			}
		}
	}
	a.renew = live
	return nil
}

func (a *acs) sendCredentials(ctx context.Context, t *ecs.Task, c ecs.RoleCredentials) error {
	return send(ctx, a.conn, agentproto.TypeCredentials, agentproto.Credentials{
		MessageID:       a.messageID(a.seq.next()),
		TaskARN:         t.ARN(),
		TaskClusterARN:  a.of.clusterARN(),
		RoleType:        c.Type,
		RoleCredentials: c.RoleCredentials,
	})
}
