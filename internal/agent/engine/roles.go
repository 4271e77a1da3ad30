package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/agentproto"
)

// credentialPatience is how long the ECS agent waits for execution credentials
// that a restart lost.
const credentialPatience = time.Minute

// roles keeps the credentials of tasks, in memory only.
type roles struct {
	mu      sync.Mutex
	held    map[roleKey]agentproto.RoleCredentials
	changed chan struct{} // closed and replaced by every put
}

type roleKey struct{ task, role string }

func newRoles() *roles {
	return &roles{held: map[roleKey]agentproto.RoleCredentials{}, changed: make(chan struct{})}
}

func (r *roles) put(task, role string, c *agentproto.RoleCredentials) {
	if c == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held[roleKey{task, role}] = *c
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *roles) get(task, role string) (agentproto.RoleCredentials, bool, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.held[roleKey{task, role}]
	return c, ok, r.changed
}

func (r *roles) forget(task string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.held, roleKey{task, agentproto.RoleTask})
	delete(r.held, roleKey{task, agentproto.RoleExecution})
}

// SetCredentials takes credentials that replace those of a task's role; false
// if the task is unknown.
func (e *Engine) SetCredentials(taskARN, role string, c agentproto.RoleCredentials) bool {
	e.mu.Lock()
	_, ok := e.tasks[taskARN]
	e.mu.Unlock()
	if ok {
		e.roles.put(taskARN, role, &c)
	}
	return ok
}

// executionRole is the credentials that a pull must use; nil for the instance's
// own. After a restart it waits for the control plane to send them again.
func (e *Engine) executionRole(ctx context.Context, taskARN string, how *agentproto.RegistryAuthentication) (*agentproto.RoleCredentials, error) {
	if how == nil || how.ECRAuthData == nil || !how.ECRAuthData.UseExecutionRole {
		return nil, nil
	}
	patience, cancel := context.WithTimeout(ctx, credentialPatience)
	defer cancel()
	for {
		c, ok, changed := e.roles.get(taskARN, agentproto.RoleExecution)
		if ok {
			return &c, nil
		}
		select {
		case <-changed:
		case <-patience.Done():
			return nil, fmt.Errorf("CannotPullContainerAuthError: the execution role's credentials are not available")
		}
	}
}
