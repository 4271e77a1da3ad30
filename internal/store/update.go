package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	maxRefusals  = 100    // by etcd, because of another process's commits
	maxAttempts  = 10_000 // in all, most of them cheap: behind other commits of this process
	conflictMost = 50 * time.Millisecond
)

// errChanged: a guarded key is no longer what the attempt saw.
var errChanged = errors.New("guarded key changed")

// Update runs fn on a transaction and commits what it wrote. If a guarded key changes before the commit, fn runs
// again on a newer snapshot, so it must have no effect but on its tx. An error of fn ends the update, writes nothing,
// and is returned unchanged. Once the commit is on its way to etcd, the end of ctx no longer stops it: Update then
// waits a few seconds at most for the outcome, so that callers seldom face an unknown one.
func (s *Store) Update(ctx context.Context, fn func(tx *Tx) error) error {
	u := &attempts{store: s}
	defer func() { s.intents.leave(u.turn) }()
	for range maxAttempts {
		if err := ctx.Err(); err != nil {
			return err
		}
		tx := newTx(s.Snapshot())
		err := fn(tx)
		tx.done = true
		if err != nil {
			return err
		}
		if tx.err != nil {
			return tx.err
		}
		if !tx.changes() {
			return nil
		}
		if err := u.commit(ctx, tx); !errors.Is(err, errChanged) {
			return err
		}
		if u.refusals == maxRefusals {
			break
		}
	}
	return fmt.Errorf("%w: refused %d times", ErrConflict, u.refusals)
}

// attempts is what one Update carries from attempt to attempt.
type attempts struct {
	store    *Store
	turn     *turn // a place in the line for a key, or nil
	refusals int
}

// commit carries out one attempt; errChanged asks for another.
func (u *attempts) commit(ctx context.Context, tx *Tx) error {
	s := u.store
	if !tx.holds(s.Snapshot()) {
		return errChanged // etcd would only say the same, for the price of a round trip
	}
	release, wait, err := s.intents.claim(tx, u.turn)
	u.turn = wait
	if err != nil {
		return err
	}
	if wait != nil {
		select {
		case <-wait.called:
			return errChanged
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	out, err := s.carryOut(ctx, tx)
	release()
	if err != nil || out.committed {
		return err
	}
	u.refusals++
	s.metrics.conflicts.Inc()
	return s.catchUp(ctx, out.revision, u.refusals)
}

// carryOut sends the transaction to etcd and, if it was committed, makes it part of the snapshot.
func (s *Store) carryOut(ctx context.Context, tx *Tx) (outcome, error) {
	p, err := s.proposal(tx)
	if err != nil {
		return outcome{}, err
	}
	if err := s.disk.room(); err != nil {
		return outcome{}, err
	}
	start := time.Now()
	out, err := s.propose(ctx, p)
	if err == nil && out.committed {
		err = s.settle(ctx, p, out.revision)
	}
	s.metrics.committed(start, out, err)
	return out, err
}

// settle makes an acknowledged commit part of the snapshot.
func (s *Store) settle(ctx context.Context, p *proposal, number int64) error {
	s.replica.offer(p.numbered(number))
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	if err := s.replica.wait(ctx, number); err != nil {
		return fmt.Errorf("%w: committed as revision %d, but earlier changes have not arrived: %w",
			ErrUnavailable, number, err)
	}
	return nil
}

// catchUp waits until the snapshot holds what the attempt conflicted with, which etcd had at the revision, and then a
// random moment, so that rivals do not meet again.
func (s *Store) catchUp(ctx context.Context, number int64, attempt int) error {
	if err := s.awaitRevision(ctx, number); err != nil {
		return err
	}
	select {
	case <-time.After(rand.N(min(time.Millisecond<<min(attempt, 16), conflictMost))):
		return errChanged
	case <-ctx.Done():
		return ctx.Err()
	}
}

// awaitRevision waits until the snapshot holds a revision that another process may have made.
func (s *Store) awaitRevision(ctx context.Context, number int64) error {
	reached := s.replica.reached(number)
	tick := time.NewTicker(retryLeast)
	defer tick.Stop()
	for {
		select {
		case <-reached:
			return nil
		case <-tick.C:
			if !s.Embedded() {
				s.askProgress() // the revision may be of a key that is none of ours
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-s.ctx.Done():
			return ErrClosed
		}
	}
}
