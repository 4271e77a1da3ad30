package store

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// replica is this process's copy of the records: it turns commits, in the order of their revisions, into snapshots,
// and tells watchers. Commits come from two sides, from Update as soon as etcd has acknowledged them and from the
// watch on etcd; whichever is first wins and the other is ignored, so each is applied once.
type replica struct {
	schema  *schema
	current atomic.Pointer[Snapshot]

	mu       sync.Mutex
	early    map[int64]revision // own commits that wait for those before them
	paused   bool               // a whole new state is being loaded: own commits wait for it
	waiters  []waiter
	watchers map[*Watcher]struct{}
	subs     subscriptions
	closed   bool
	closing  chan struct{}
}

// revision is one commit.
type revision struct {
	number  int64
	changes []change
}

// change is a new entry, or with a nil entry a deletion.
type change struct {
	location
	entry *entry
}

// event is a change as it was applied.
type event struct {
	location
	before, after *entry
}

type waiter struct {
	revision int64
	reached  chan struct{}
}

func newReplica(s *schema) *replica {
	r := &replica{
		schema:   s,
		early:    make(map[int64]revision),
		watchers: make(map[*Watcher]struct{}),
		subs:     newSubscriptions(s),
		closing:  make(chan struct{}),
	}
	r.current.Store(s.empty(r))
	return r
}

func (r *replica) snapshot() *Snapshot { return r.current.Load() }

// offer takes a commit of this process. It is applied now if nothing before it is missing, else when that arrives.
func (r *replica) offer(rev revision) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if rev.number <= r.snapshot().revision {
		return
	}
	r.early[rev.number] = rev
	r.drain()
}

// advance takes what the watch delivered: all commits up to the revision, as far as they touch the tables.
func (r *replica) advance(revs []revision, upTo int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	current := r.snapshot().revision
	if upTo <= current {
		return
	}
	revs = slices.DeleteFunc(revs, func(rev revision) bool { return rev.number <= current })
	r.apply(revs, upTo)
	for number := range r.early {
		if number <= upTo {
			delete(r.early, number)
		}
	}
	r.drain()
}

// drain applies the own commits that directly follow the snapshot.
func (r *replica) drain() {
	if r.paused {
		return
	}
	var revs []revision
	number := r.snapshot().revision
	for {
		rev, ok := r.early[number+1]
		if !ok {
			break
		}
		number++
		delete(r.early, number)
		revs = append(revs, rev)
	}
	if len(revs) > 0 {
		r.apply(revs, number)
	}
}

func (r *replica) apply(revs []revision, upTo int64) {
	current := r.snapshot()
	next := &Snapshot{schema: r.schema, replica: r, revision: upTo, tables: slices.Clone(current.tables)}
	var events []event
	for _, rev := range revs {
		for _, c := range rev.changes {
			if next.tables[c.table] == current.tables[c.table] {
				next.tables[c.table] = current.tables[c.table].edit()
			}
			if before := next.change(c); before != nil || c.entry != nil {
				events = append(events, event{c.location, before, c.entry})
			}
		}
	}
	r.publish(next, events)
}

// change applies c to a table that is being edited and returns what was there.
func (s *Snapshot) change(c change) (before *entry) {
	def := s.schema.definitions[c.table]
	if c.entry == nil {
		return s.tables[c.table].remove(def, c.key)
	}
	return s.tables[c.table].set(def, c.entry)
}

// pause holds back own commits while a whole new state is loaded, which might be older than they are.
func (r *replica) pause() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paused = true
}

// resume ends a pause without a new state.
func (r *replica) resume() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paused = false
	r.drain()
}

// replace takes a whole new state, after commits were missed, and ends the pause. The revision is lower than before
// if etcd was restored from a backup; what was committed since that is gone. Watchers hear of the net changes.
func (r *replica) replace(next *Snapshot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	current := r.snapshot()
	var events []event
	for i := range next.tables {
		events = difference(events, i, current.tables[i], next.tables[i])
	}
	for number := range r.early {
		if number <= next.revision || next.revision < current.revision {
			delete(r.early, number)
		}
	}
	r.publish(next, events)
	r.paused = false
	r.drain()
}

// difference appends the events that turn one version of a table into another.
func difference(events []event, table int, from, to *rows) []event {
	olds, news := from.underPrefix("", ""), to.underPrefix("", "")
	before, after := olds(), news()
	for before != nil || after != nil {
		switch {
		case after == nil || before != nil && before.key < after.key:
			events = append(events, event{location{table, before.key}, before, nil})
			before = olds()
		case before == nil || after.key < before.key:
			events = append(events, event{location{table, after.key}, nil, after})
			after = news()
		default:
			if before.mod != after.mod {
				events = append(events, event{location{table, after.key}, before, after})
			}
			before, after = olds(), news()
		}
	}
	return events
}

// publish makes next the current snapshot and tells everyone who waits for it.
func (r *replica) publish(next *Snapshot, events []event) {
	r.current.Store(next)
	if len(events) > 0 {
		for w := range r.watchers {
			w.add(next, events)
		}
		r.subs.fire(events)
	}
	r.waiters = slices.DeleteFunc(r.waiters, func(w waiter) bool {
		if w.revision > next.revision {
			return false
		}
		close(w.reached)
		return true
	})
}

// reached is closed once the snapshot holds the revision.
func (r *replica) reached(number int64) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	done := make(chan struct{})
	if r.snapshot().revision >= number {
		close(done)
	} else {
		r.waiters = append(r.waiters, waiter{number, done})
	}
	return done
}

// wait returns when the snapshot holds the revision.
func (r *replica) wait(ctx context.Context, number int64) error {
	if r.snapshot().revision >= number {
		return nil
	}
	select {
	case <-r.reached(number):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-r.closing:
		return ErrClosed
	}
}

// close ends all watchers.
func (r *replica) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.closed = true
	close(r.closing)
	r.subs.fireAll()
}

// watching is the number of watchers.
func (r *replica) watching() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.watchers)
}

// expire wakes subscriptions older than the time.
func (r *replica) expire(before time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.subs.expire(before)
}
