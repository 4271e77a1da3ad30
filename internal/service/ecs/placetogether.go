package ecs

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/slipway/slipway/internal/schedule"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
)

// waitingPlacement is a placement that waits for its turn, and then its outcome.
// All but the request is written and read under Room.placing.
type waitingPlacement struct {
	request  *placementRequest
	fleet    *clusterFleet
	tasks    []*Task
	refusals []schedule.Refusal
	err      error
	done     bool
}

func (w *waitingPlacement) finish(err error) {
	w.done, w.err = true, err
	if err != nil {
		w.tasks, w.refusals = nil, nil
	}
}

// placementQueue holds the placements that came while another one was being
// committed. A commit costs a write to the disk whatever is in it, so whoever
// comes next takes all of them along.
type placementQueue struct {
	mu      sync.Mutex // guards waiting
	waiting []*waitingPlacement
}

func (q *placementQueue) add(w *waitingPlacement) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, w)
}

// remove takes one out that was not begun; false if it was.
func (q *placementQueue) remove(w *waitingPlacement) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, w)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// take returns the oldest placements that fit one transaction: at least one.
func (q *placementQueue) take() []*waitingPlacement {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, tasks := 0, 0
	for n < len(q.waiting) && (n == 0 || tasks+q.waiting[n].request.schedule.Count <= maxPlaceBatch) {
		tasks += q.waiting[n].request.schedule.Count
		n++
	}
	batch := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return batch
}

// placeTogether carries out placements in one transaction. If one of them lost a
// race against another server, each looks again by itself.
func (r *Room) placeTogether(ctx context.Context, batch []*waitingPlacement) {
	if r.tryPlacements(ctx, batch) {
		return
	}
	for _, w := range batch {
		for range maxPlacementRaces {
			if w.done || r.tryPlacements(ctx, []*waitingPlacement{w}) {
				break
			}
		}
		if !w.done {
			w.finish(errLostPlacement)
		}
	}
}

// tryPlacements decides and commits; false means that the race was lost and
// nothing was written.
func (r *Room) tryPlacements(ctx context.Context, batch []*waitingPlacement) bool {
	snap := r.st.Snapshot()
	for _, w := range batch {
		r.decide(snap, w)
	}
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		for _, w := range batch {
			if err := w.write(tx); err != nil {
				return err
			}
		}
		return nil
	})
	for _, w := range batch {
		if (err != nil || w.err != nil) && w.fleet != nil {
			w.fleet.distrust(w.tasks)
		}
		if !errors.Is(err, errLostPlacement) && !w.done {
			w.finish(cmp.Or(w.err, err))
		}
	}
	return !errors.Is(err, errLostPlacement)
}

// decide finds the instances, and ends the placement if it can come to nothing.
func (r *Room) decide(snap *store.Snapshot, w *waitingPlacement) {
	p := w.request
	t := &p.template
	w.tasks, w.refusals, w.err = nil, nil, nil
	w.fleet = r.fleetOf(snap, t.Scope, t.Cluster, t.LaunchType, namesRunningCount(p.schedule.Constraints))
	if p.needInstances && w.fleet.fleet.Active() == 0 {
		w.finish(ErrNoInstances())
		return
	}
	result, err := w.fleet.fleet.Place(&p.schedule, r.rng)
	if err != nil {
		w.finish(placementParameter(err))
		return
	}
	now := apiNow()
	w.refusals = result.Refusals
	for _, where := range result.Placements {
		w.tasks = append(w.tasks, t.at(w.fleet.known[where.Instance].inst, now))
	}
}

// write puts the tasks into the transaction. A refusal of the placement's own
// is its error alone; a task that no longer fits is everybody's.
func (w *waitingPlacement) write(tx *store.Tx) error {
	if w.done {
		return nil
	}
	w.err = nil
	if also := w.request.also; also != nil {
		if w.err = also(tx, w.tasks); w.err != nil {
			return nil
		}
	}
	return takeAll(tx, w.tasks, w.request.distinct())
}

// distinct tells whether no two tasks of the group may share an instance.
func (p *placementRequest) distinct() bool {
	return slices.ContainsFunc(p.schedule.Constraints, func(c schedule.Constraint) bool {
		return c.Type == ecsshape.PlacementConstraintTypeDistinctInstance
	})
}
