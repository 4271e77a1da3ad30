package ecs

import (
	"context"
	"time"

	"github.com/slipway/slipway/internal/store"
)

// ProtectedTask is the protection of one task: off when ExpiresAt is zero.
type ProtectedTask struct {
	ARN       string
	ExpiresAt time.Time
}

// Limits of UpdateTaskProtection and GetTaskProtection (API reference,
// task-scale-in-protection).
const (
	maxProtectTasks     = 10
	maxGetProtection    = 100
	defaultProtection   = 120  // minutes
	maxProtection       = 2880 // minutes
	protectionForbidden = "The task is not part of a service, or it is stopping. Only running tasks of a service can be protected."
)

// Protected tells whether the task is protected from scale-in at the time.
func (t *Task) Protected(now time.Time) bool {
	return t.Protection != nil && now.Before(t.Protection.ExpiresAt)
}

// protectable: only tasks of services, which somebody might scale in.
func (t *Task) protectable() bool { return t.Service != "" && t.DesiredStatus == TaskRunning }

// GetTaskProtection tells which of the tasks are protected, and until when.
func (r *Room) GetTaskProtection(_ context.Context, s Scope, cluster string, refs []string) ([]ProtectedTask, []Failure, error) {
	snap := r.st.Snapshot()
	found, err := protectionTasks(snap, s, cluster, refs, maxGetProtection)
	if err != nil {
		return nil, nil, err
	}
	protected, failures := []ProtectedTask{}, []Failure{}
	now := apiNow()
	for _, f := range found {
		if failure, bad := f.unprotectable(); bad {
			failures = append(failures, failure)
			continue
		}
		protected = append(protected, f.task.protection(now))
	}
	return protected, failures, nil
}

// UpdateTaskProtection protects tasks for some minutes (120 when nil), or ends
// their protection, all in one transaction.
func (r *Room) UpdateTaskProtection(ctx context.Context, s Scope, cluster string, refs []string, enabled bool, minutes *int32) ([]ProtectedTask, []Failure, error) {
	expires := int32(defaultProtection)
	if enabled && minutes != nil {
		expires = *minutes
	}
	if expires < 1 || expires > maxProtection {
		return nil, nil, ErrInvalidParameter("expiresInMinutes should be between 1 and %d.", maxProtection)
	}
	var protected []ProtectedTask
	var failures []Failure
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		protected, failures = []ProtectedTask{}, []Failure{}
		found, err := protectionTasks(tx, s, cluster, refs, maxProtectTasks)
		if err != nil {
			return err
		}
		now := apiNow()
		for _, f := range found {
			if failure, bad := f.unprotectable(); bad {
				failures = append(failures, failure)
				continue
			}
			next := f.task.clone()
			next.Protection = nil
			if enabled {
				next.Protection = &Protection{ExpiresAt: now.Add(time.Duration(expires) * time.Minute)}
			}
			if !next.same(f.task) {
				Tasks.Put(tx, next)
			}
			protected = append(protected, next.protection(now))
		}
		return nil
	})
	return protected, failures, err
}

func protectionTasks(r store.Reader, s Scope, cluster string, refs []string, most int) ([]foundTask, error) {
	c, err := activeCluster(r, s, cluster)
	switch {
	case err != nil:
		return nil, err
	case len(refs) == 0:
		return nil, ErrInvalidParameter("Tasks cannot be empty.")
	case len(refs) > most:
		return nil, ErrInvalidParameter("Tasks cannot have more than %d elements.", most)
	}
	return findTasks(r, s, c.Name, refs)
}

func (f foundTask) unprotectable() (Failure, bool) {
	switch {
	case f.task == nil:
		return Failure{ARN: f.arn, Reason: "MISSING"}, true
	case !f.task.protectable():
		return Failure{ARN: f.arn, Reason: "TASK_NOT_VALID", Detail: protectionForbidden}, true
	}
	return Failure{}, false
}

func (t *Task) protection(now time.Time) ProtectedTask {
	p := ProtectedTask{ARN: t.ARN()}
	if t.Protected(now) {
		p.ExpiresAt = t.Protection.ExpiresAt
	}
	return p
}
