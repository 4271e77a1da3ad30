package store

import (
	"context"
	"errors"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	maintainEvery   = 10 * time.Second
	maintainTimeout = 2 * time.Minute
	compactAfter    = 5000            // revisions that make a compaction worth while
	compactAtLeast  = 5 * time.Minute // after which even a few are compacted
	defragSize      = 64 << 20        // a smaller database file is not worth defragmenting
	busyCommits     = 200             // revisions per round that make a defragmentation, which halts writes, wait
)

// maintain keeps etcd's history short and its file small until the store closes. Reads never go to etcd's history, so
// it serves only watches that fell behind, and those know how to do without. The history of an external etcd belongs
// to its owner, unless Config.Compact says otherwise; then one of the stores does it.
func (s *Store) maintain() {
	switch {
	case s.Embedded():
		s.maintainLoop(s.ctx)
	case s.cfg.Compact:
		_ = s.Lead(s.ctx, "compaction", func(ctx context.Context) error { // ends only with the store
			s.maintainLoop(ctx)
			return ctx.Err()
		})
	}
}

// housekeeping is what the rounds of maintenance remember.
type housekeeping struct {
	seen      int64 // the revision at the round before
	compacted int64
	at        time.Time // of the last compaction
}

func (s *Store) maintainLoop(ctx context.Context) {
	tick := time.NewTicker(maintainEvery)
	defer tick.Stop()
	h := &housekeeping{seen: s.Snapshot().revision, at: time.Now()}
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-s.full:
			err = s.makeRoom(ctx)
		case <-tick.C:
			err = s.keepHouse(ctx, h)
		}
		if err != nil && ctx.Err() == nil {
			s.log.Warn("store maintenance did not finish", "error", err)
		}
	}
}

// keepHouse is one round. What it compacts is a round old, so that no watch that keeps up is disturbed.
func (s *Store) keepHouse(ctx context.Context, h *housekeeping) error {
	ctx, cancel := context.WithTimeout(ctx, maintainTimeout)
	defer cancel()
	s.replica.expire(time.Now().Add(-maxSubscribed))
	now := s.Snapshot().revision
	grown := now - h.seen
	due := h.seen-h.compacted >= compactAfter || h.seen > h.compacted && time.Since(h.at) >= compactAtLeast
	if due {
		if err := s.compact(ctx, h.seen); err != nil {
			return err
		}
		h.compacted, h.at = h.seen, time.Now()
	}
	h.seen = now
	if !s.Embedded() {
		return nil
	}
	if err := s.disarm(ctx); err != nil {
		return err
	}
	if grown < busyCommits {
		return s.defragment(defragSize)
	}
	return nil
}

func (s *Store) compact(ctx context.Context, to int64, options ...clientv3.CompactOption) error {
	_, err := s.conn.Compact(ctx, to, options...)
	if errors.Is(err, rpctypes.ErrCompacted) {
		return nil
	}
	return err
}

// defragment gives back the free space of the embedded database's file if that is most of it.
func (s *Store) defragment(least int64) error {
	server := s.conn.embedded.server // its in-process client cannot defragment: it lacks the server's health service
	if size := server.Backend().Size(); size < least || server.Backend().SizeInUse() >= size/2 {
		return nil
	}
	return server.Defragment()
}

// makeRoom answers a used-up quota: without its history the database may well fit.
func (s *Store) makeRoom(ctx context.Context) error {
	if !s.Embedded() {
		return nil // that etcd is its owner's to mend
	}
	ctx, cancel := context.WithTimeout(ctx, maintainTimeout)
	defer cancel()
	if err := s.compact(ctx, s.Snapshot().revision, clientv3.WithCompactPhysical()); err != nil {
		return err
	}
	if err := s.defragment(0); err != nil {
		return err
	}
	return s.disarm(ctx)
}

// disarm lets etcd take writes again once there is room.
func (s *Store) disarm(ctx context.Context) error {
	server := s.conn.embedded.server
	for _, alarm := range server.Alarms() {
		if alarm.Alarm != etcdserverpb.AlarmType_NOSPACE {
			continue
		}
		if server.Backend().Size() > s.cfg.quota/10*9 {
			s.log.Error("the store's database has reached its quota", "bytes", s.cfg.quota)
			return nil
		}
		if _, err := s.conn.AlarmDisarm(ctx, (*clientv3.AlarmMember)(alarm)); err != nil {
			return err
		}
	}
	return nil
}
