package engine

import (
	"context"
	"crypto/subtle"
	"errors"
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
	byID    map[string]roleKey // by CredentialsID
	changed chan struct{}      // closed and replaced by every put
}

type roleKey struct{ task, role string }

func newRoles() *roles {
	return &roles{held: map[roleKey]agentproto.RoleCredentials{}, byID: map[string]roleKey{}, changed: make(chan struct{})}
}

func (r *roles) put(task, role string, c *agentproto.RoleCredentials) {
	if c == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	key := roleKey{task, role}
	delete(r.byID, r.held[key].CredentialsID)
	r.held[key], r.byID[c.CredentialsID] = *c, key
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
	for _, role := range []string{agentproto.RoleTask, agentproto.RoleExecution} {
		key := roleKey{task, role}
		delete(r.byID, r.held[key].CredentialsID)
		delete(r.held, key)
	}
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

var errNoExecutionRole = errors.New("the execution role's credentials are not available")

// executionRole is the credentials of the task's execution role; nil if it has
// none. After a restart it waits for the control plane to send them again.
func (e *Engine) executionRole(ctx context.Context, rec Record) (*agentproto.RoleCredentials, error) {
	if rec.ExecutionCredentialsID == "" {
		return nil, nil
	}
	patience, cancel := context.WithTimeout(ctx, credentialPatience)
	defer cancel()
	for {
		c, ok, changed := e.roles.get(rec.Task.ARN, agentproto.RoleExecution)
		if ok {
			return &c, nil
		}
		select {
		case <-changed:
		case <-patience.Done():
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, errNoExecutionRole
		}
	}
}

// Credentials returns what a container may fetch under the secret id of its URL:
// either role's of any task that the agent remembers, as last refreshed.
func (e *Engine) Credentials(id string) (agentproto.RoleCredentials, bool) {
	return e.roles.find(id)
}

func (r *roles) find(id string) (agentproto.RoleCredentials, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key, ok := r.byID[id]
	if !ok || id == "" {
		return agentproto.RoleCredentials{}, false
	}
	c, ok := r.held[key]
	return c, ok
}

// Role returns the present credentials of a task's role.
func (e *Engine) Role(taskARN, role string) (agentproto.RoleCredentials, bool) {
	c, ok, _ := e.roles.get(taskARN, role)
	return c, ok
}

// Pending tells whether the credentials with an id were lost with an earlier
// agent, so that the control plane is to send them again.
func (e *Engine) Pending(id string) bool {
	if _, ok := e.Credentials(id); ok || id == "" {
		return false
	}
	for _, v := range e.Tasks() {
		for _, known := range []string{v.TaskCredentialsID, v.ExecutionCredentialsID} {
			if subtle.ConstantTimeCompare([]byte(known), []byte(id)) == 1 {
				return true
			}
		}
	}
	return false
}
