package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.etcd.io/etcd/client/v3/concurrency"
)

const (
	leaseSeconds  = 6               // how long a leader that vanished keeps the others waiting
	resignTimeout = 2 * time.Second // for giving up leadership; the lease ends it otherwise
)

// errLost ends the context of a leader that is one no more.
var errLost = errors.New("leadership was lost")

// Lead runs fn while this store is the one leader of that name, among all stores on the same etcd. It waits for its
// turn; when leadership is lost, the context of fn ends, and once fn has returned Lead waits again. Lead returns when
// ctx ends or the store closes, or with fn's error when fn returns by itself. With an embedded etcd there is no other
// process, so the turn comes at once.
//
// A leader that is cut off learns of it only after some seconds, so for a moment two may think that they lead. What
// fn writes must rest on guards of Update, not on being alone.
func (s *Store) Lead(ctx context.Context, name string, fn func(ctx context.Context) error) error {
	ctx, leave, err := s.leaders.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	for {
		var err error
		if s.Embedded() {
			err = s.leaders.alone(ctx, name, fn)
		} else {
			err = s.campaign(ctx, name, fn)
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !errors.Is(err, errLost):
			return err
		}
		s.log.Warn("leadership lost, campaigning again", "name", name, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(retryLeast):
		}
	}
}

// campaign leads once. It returns errLost if it could not, or no longer can.
func (s *Store) campaign(ctx context.Context, name string, fn func(ctx context.Context) error) error {
	background := context.WithoutCancel(ctx) // so that what ends ctx does not keep us from resigning
	session, err := s.session(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	defer session.Orphan()
	defer func() {
		ctx, cancel := context.WithTimeout(background, resignTimeout)
		defer cancel()
		_, _ = s.conn.Revoke(ctx, session.Lease()) // if it fails, the lease runs out
	}()
	turn, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() { // ends with turn, at the latest when this function returns
		select {
		case <-session.Done():
			cancel(errLost)
		case <-turn.Done():
		}
	}()
	election := concurrency.NewElection(session, s.cfg.Prefix+"lead/"+name)
	if err := election.Campaign(turn, s.marks.writer); err != nil {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	err = fn(turn)
	if errors.Is(context.Cause(turn), errLost) {
		return errLost
	}
	return err
}

// session makes a lease that is kept alive until it is revoked.
func (s *Store) session(ctx context.Context) (*concurrency.Session, error) {
	grant, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	lease, err := s.conn.Grant(grant, leaseSeconds)
	if err != nil {
		return nil, err
	}
	return concurrency.NewSession(s.conn.Client, concurrency.WithLease(lease.ID),
		concurrency.WithContext(context.WithoutCancel(ctx)))
}

// leaders are the running calls of Lead.
type leaders struct {
	mu      sync.Mutex
	names   map[string]chan struct{} // holds a token while one of this process leads, for an embedded etcd
	cancels map[*context.CancelCauseFunc]struct{}
	ended   bool
	calls   sync.WaitGroup
}

// enter counts a call in and gives it a context that also ends with the store.
func (l *leaders) enter(ctx context.Context) (context.Context, func(), error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return nil, nil, ErrClosed
	}
	ctx, cancel := context.WithCancelCause(ctx)
	if l.cancels == nil {
		l.cancels = make(map[*context.CancelCauseFunc]struct{})
	}
	l.cancels[&cancel] = struct{}{}
	l.calls.Add(1)
	return ctx, func() {
		cancel(nil)
		l.mu.Lock()
		delete(l.cancels, &cancel)
		l.mu.Unlock()
		l.calls.Done()
	}, nil
}

// alone leads within this process: calls with the same name take turns.
func (l *leaders) alone(ctx context.Context, name string, fn func(ctx context.Context) error) error {
	l.mu.Lock()
	if l.names == nil {
		l.names = make(map[string]chan struct{})
	}
	turn, ok := l.names[name]
	if !ok {
		turn = make(chan struct{}, 1)
		l.names[name] = turn
	}
	l.mu.Unlock()
	select {
	case turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-turn }()
	return fn(ctx)
}

// end makes all leaders resign and waits until they have.
func (l *leaders) end() {
	l.mu.Lock()
	l.ended = true
	for cancel := range l.cancels {
		(*cancel)(ErrClosed)
	}
	l.mu.Unlock()
	l.calls.Wait()
}
