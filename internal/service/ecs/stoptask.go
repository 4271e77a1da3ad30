package ecs

import (
	"context"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/store"
)

// StopTask asks for a task to stop. Its agent does that and reports it; where
// no agent can, the task is STOPPED at once. A task that stops already keeps the
// reason that it has. Its tags are deleted (API reference, StopTask).
func (r *Room) StopTask(ctx context.Context, s Scope, _ Caller, cluster, task, reason string) (*Task, error) {
	snap := r.st.Snapshot()
	c, err := activeCluster(snap, s, cluster)
	if err != nil {
		return nil, err
	}
	id, err := s.taskID(c.Name, task)
	if err != nil {
		return nil, err
	}
	key := s.Key(c.Name, id)
	err = r.st.Update(ctx, func(tx *store.Tx) error {
		t, ok := Tasks.Get(tx, key)
		if !ok {
			return ErrInvalidParameter("The referenced task was not found.")
		}
		stopInTx(tx, t, StopByUser(reason), apiNow(), dropTags)
		return nil
	})
	if err != nil {
		return nil, err
	}
	t, ok := Tasks.Get(r.st.Snapshot(), key)
	if !ok {
		return nil, ErrInvalidParameter("The referenced task was not found.")
	}
	return t, nil
}

func dropTags(t *Task) { t.Tags = nil }

// maxStopBatch bounds a transaction that stops tasks: each takes up to four
// keys.
const maxStopBatch = 500

// StopTasks decides that tasks are to stop, by their store keys. Unknown tasks,
// and those that stop already, are left as they are. Up to 500 are decided in
// one transaction.
func (r *Room) StopTasks(ctx context.Context, keys []string, stop Stop) error {
	for batch := range slices.Chunk(keys, maxStopBatch) {
		now := apiNow()
		err := r.st.Update(ctx, func(tx *store.Tx) error {
			for _, key := range batch {
				if t, ok := Tasks.Get(tx, key); ok {
					stopInTx(tx, t, stop, now)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// stopInTx is the one way in which the control plane stops a task. A task that
// no agent can know of any more ends at once.
func stopInTx(tx *store.Tx, t *Task, stop Stop, now time.Time, also ...func(*Task)) {
	next := t.clone()
	if !t.Ended() {
		next.want(stop, now)
	}
	for _, f := range also {
		f(next)
	}
	orphan := !t.Ended() && t.orphaned(tx)
	if orphan {
		next.end(now)
	}
	if next.same(t) {
		return
	}
	next.Version++
	if orphan {
		release(tx, next)
		return
	}
	Tasks.Put(tx, next)
}

// orphaned tells whether nobody will ever report the task's end: it was not
// placed, or its instance is deregistered.
func (t *Task) orphaned(r store.Reader) bool {
	if t.Instance == "" {
		return true
	}
	inst, ok := Instances.Get(r, t.Scope.Key(t.Cluster, t.Instance))
	return !ok || inst.Status == StatusInactive
}

// StopTasksOfInstance ends all tasks of an instance that is gone: they are
// STOPPED at once, for nobody will report it.
func (r *Room) StopTasksOfInstance(ctx context.Context, s Scope, cluster, instance string, stop Stop) error {
	value := s.Key(cluster, instance)
	for {
		more := false
		now := apiNow()
		err := r.st.Update(ctx, func(tx *store.Tx) error {
			more = false
			n := 0
			for t := range Tasks.By(tx, IndexInstance, value) {
				if n == maxStopBatch {
					more = true
					break
				}
				n++
				endInTx(tx, t.Key(), stop, now)
			}
			return nil
		})
		if err != nil || !more {
			return err
		}
	}
}

func endInTx(tx *store.Tx, key string, stop Stop, now time.Time) {
	t, ok := Tasks.Get(tx, key)
	if !ok || t.Ended() {
		return
	}
	next := t.clone()
	next.want(stop, now)
	next.end(now)
	next.Version++
	release(tx, next)
}
