package ecs

import (
	"context"

	"github.com/slipway/slipway/internal/store"
)

// TaskHealth is what an agent says of the health checks of one task.
type TaskHealth struct {
	Task       string            // ARN
	Containers map[string]string // name -> HEALTHY, UNHEALTHY or UNKNOWN
}

// RecordHealth writes down the verdicts that an instance's agent sent about its
// own tasks. Agents repeat them every 20 s; what is known costs no write.
func (r *Room) RecordHealth(ctx context.Context, s Scope, cluster, instance string, reports []TaskHealth) error {
	snap := r.st.Snapshot()
	fresh := map[string]TaskHealth{}
	for _, rep := range reports {
		id, ok := s.lastOf(rep.Task, "task")
		key := s.Key(cluster, id)
		t, found := Tasks.Get(snap, key)
		if ok && found && t.Instance == instance && t.withHealth(rep.Containers) != t {
			fresh[key] = rep
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	return r.st.Update(ctx, func(tx *store.Tx) error {
		for key, rep := range fresh {
			t, ok := Tasks.Get(tx, key)
			if !ok {
				continue
			}
			if next := t.withHealth(rep.Containers); next != t {
				Tasks.Put(tx, next)
			}
		}
		return nil
	})
}

// withHealth is the task with the verdicts of its containers; t itself when they
// change nothing. A stopped task keeps what it had.
func (t *Task) withHealth(verdicts map[string]string) *Task {
	if t.Ended() {
		return t
	}
	next := t.clone()
	for i := range next.Containers {
		switch v := verdicts[next.Containers[i].Name]; v {
		case HealthHealthy, HealthUnhealthy, HealthUnknown:
			next.Containers[i].Health = v
		}
	}
	next.HealthStatus = next.health()
	if next.same(t) {
		return t
	}
	next.Version++
	return next
}
