package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	retryLeast   = 50 * time.Millisecond
	retryMost    = 2 * time.Second
	probeEvery   = 3 * time.Second
	probeTimeout = 2 * time.Second
)

// errMissed: etcd no longer has the history that the replica lacks.
var errMissed = errors.New("history was missed")

// errStale: the watch does not deliver what etcd has.
var errStale = errors.New("watch is stale")

// follow feeds the replica from etcd until the store closes.
func (s *Store) follow() {
	pause := retryLeast
	for s.ctx.Err() == nil {
		before := s.Snapshot().revision
		err := s.watch()
		if errors.Is(err, errMissed) {
			err = s.resync()
		}
		if s.Snapshot().revision != before {
			pause = retryLeast
		}
		if err != nil && s.ctx.Err() == nil {
			s.log.Warn("store lost its watch on etcd and tries again", "error", err, "in", pause)
		}
		select {
		case <-s.ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, retryMost)
	}
}

// watch follows etcd from the snapshot on. It returns when that ends, always with an error.
func (s *Store) watch() error {
	ctx, stop := context.WithCancelCause(s.watchContext())
	defer stop(nil)
	s.stopWatch.Store(&stop)
	events := s.conn.Watch(ctx, s.cfg.Prefix, clientv3.WithPrefix(), clientv3.WithRev(s.Snapshot().revision+1))
	for resp := range events {
		switch {
		case resp.CompactRevision > 0:
			return fmt.Errorf("%w: compacted up to revision %d", errMissed, resp.CompactRevision)
		case resp.Err() != nil:
			return resp.Err()
		case resp.IsProgressNotify():
			s.replica.advance(nil, resp.Header.Revision)
		default:
			s.deliver(resp.Events)
		}
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return errors.New("watch ended")
}

// watchContext is the context, and with it the stream, of the watch and of requests for its progress.
func (s *Store) watchContext() context.Context {
	if s.Embedded() {
		return s.ctx
	}
	return clientv3.WithRequireLeader(s.ctx) // a member cut off from the others must not keep us waiting
}

// deliver hands events to the replica. etcd never spreads one revision over two deliveries.
func (s *Store) deliver(events []*clientv3.Event) {
	known := s.Snapshot().revision
	var revs []revision
	for _, ev := range events {
		if ev.Kv.ModRevision <= known {
			continue
		}
		if len(revs) == 0 || revs[len(revs)-1].number != ev.Kv.ModRevision {
			revs = append(revs, revision{number: ev.Kv.ModRevision})
		}
		rev := &revs[len(revs)-1]
		if c, ok := s.changeOf(ev); ok {
			rev.changes = append(rev.changes, c)
		}
	}
	if len(revs) > 0 {
		s.replica.advance(revs, revs[len(revs)-1].number)
	}
}

// changeOf translates an event. A value that cannot be read counts as a deletion: going on without one record is
// better than going on without any.
func (s *Store) changeOf(ev *clientv3.Event) (change, bool) {
	if ev.Type == clientv3.EventTypeDelete {
		at, ok := s.locate(ev.Kv.Key)
		return change{location: at}, ok
	}
	s.marks.note(ev.Kv.Value, ev.Kv.ModRevision)
	c, ok, err := s.decode(ev.Kv)
	if err != nil {
		s.log.Error("store ignores a record that it cannot read", "error", err)
		at, ok := s.locate(ev.Kv.Key)
		return change{location: at}, ok
	}
	return c, ok
}

// resync loads everything anew after history was missed.
func (s *Store) resync() error {
	ctx, cancel := context.WithTimeout(s.ctx, openTimeout)
	defer cancel()
	if err := s.checkSchema(ctx); err != nil {
		return err
	}
	s.replica.pause()
	next, err := s.load(ctx)
	if err != nil {
		s.replica.resume()
		return err
	}
	s.resyncs.Add(1)
	s.replica.replace(next)
	s.log.Info("store loaded its records anew", "revision", next.revision)
	return nil
}

// probe watches over the watch on an external etcd: it must deliver within one round what etcd had in the last, and
// etcd must not fall behind what it once said, as one restored from a backup does.
func (s *Store) probe() {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	var due int64
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
		due = s.probeOnce(due)
	}
}

// probeOnce returns the revision that the snapshot must have reached at the next call.
func (s *Store) probeOnce(due int64) int64 {
	ctx, cancel := context.WithTimeout(s.ctx, probeTimeout)
	defer cancel()
	before := s.Snapshot().revision
	resp, err := s.conn.Get(ctx, s.schemaKey(), clientv3.WithKeysOnly())
	if err != nil {
		return 0
	}
	switch {
	case resp.Header.Revision < before:
		s.endWatch(fmt.Errorf("%w: etcd is at revision %d, this process at %d", errMissed, resp.Header.Revision, before))
		return 0
	case s.Snapshot().revision < due:
		s.endWatch(errStale)
		return 0
	}
	s.askProgress()
	return resp.Header.Revision
}

func (s *Store) endWatch(cause error) {
	if stop := s.stopWatch.Load(); stop != nil {
		(*stop)(cause)
	}
}

// askProgress makes etcd tell the watch which revision it has reached, for revisions that touch none of our keys. An
// error only means that there is no connection, which the watch itself finds out.
func (s *Store) askProgress() { _ = s.conn.RequestProgress(s.watchContext()) }
