package ecs

import (
	"context"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/store"
)

// leastKept is how long a stopped task can be described at least
// (task-lifecycle-explanation).
const leastKept = time.Hour

// ExpireStopped forgets up to most tasks that have been STOPPED for longer than
// keep, which counts as an hour if it is less, and RunTask tokens whose time is
// up. It returns how many records it deleted.
func (r *Room) ExpireStopped(ctx context.Context, now time.Time, keep time.Duration, most int) (int, error) {
	before := now.Add(-max(keep, leastKept))
	tasks := r.stoppedBefore(before, most)
	n, err := deleteInBatches(ctx, r.st, Tasks, tasks)
	if err != nil {
		return n, err
	}
	var tokens []string
	for k := range RunTokens.List(r.st.Snapshot(), "") {
		if len(tokens) == most-n {
			break
		}
		if now.Sub(k.At) > runTokenLifetime {
			tokens = append(tokens, k.Key())
		}
	}
	m, err := deleteInBatches(ctx, r.st, RunTokens, tokens)
	return n + m, err
}

func (r *Room) stoppedBefore(before time.Time, most int) []string {
	snap := r.st.Snapshot()
	var keys []string
	for c := range Clusters.List(snap, "") {
		for t := range Tasks.By(snap, IndexDesired, c.Scope.Key(c.Name, TaskStopped)) {
			if len(keys) == most {
				return keys
			}
			if t.Ended() && t.StoppedAt.Before(before) {
				keys = append(keys, t.Key())
			}
		}
	}
	return keys
}

// maxExpireBatch bounds a transaction of deletions.
const maxExpireBatch = 1000

func deleteInBatches[T any](ctx context.Context, st *store.Store, table *store.Table[T], keys []string) (n int, err error) {
	for batch := range slices.Chunk(keys, maxExpireBatch) {
		err := st.Update(ctx, func(tx *store.Tx) error {
			for _, key := range batch {
				table.Delete(tx, key)
			}
			return nil
		})
		if err != nil {
			return n, err
		}
		n += len(batch)
	}
	return n, nil
}
