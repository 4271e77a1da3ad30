package store

import (
	"context"
	"sync"
)

// Watcher follows tables: a snapshot first, then every later change, without a gap. What happens between two calls of
// Next is merged per record, so a watcher that falls behind costs memory bounded by the number of records and misses
// steps in between, never the outcome. Every commit visits every watcher: where many parties wait for few records
// each, use Table.Changed, or one watcher that hands out.
type Watcher struct {
	replica *replica
	tables  []bool // per table of the schema: followed?

	mu       sync.Mutex
	snapshot *Snapshot // as of the last batch
	latest   *Snapshot
	pending  []*Change // in the order in which keys first changed; nil where changes cancelled out
	places   map[location]int
	wake     chan struct{} // holds one token while there is something to deliver
	once     sync.Once
	done     chan struct{}
}

// Change is the net change of one record. Before and After are *T of the table, or nil for a record that was not
// there or is no more; never both nil.
type Change struct {
	Table, Key    string
	Before, After any
}

// Batch is what changed since the batch before, and the snapshot that it leads to.
type Batch struct {
	Snapshot *Snapshot
	Changes  []Change
}

// Watch follows the tables, or all tables if none is given. Close the watcher when done.
func (s *Store) Watch(tables ...AnyTable) *Watcher {
	r := s.replica
	w := &Watcher{
		replica: r,
		tables:  make([]bool, len(r.schema.definitions)),
		places:  make(map[location]int),
		wake:    make(chan struct{}, 1),
		done:    make(chan struct{}),
	}
	for i := range w.tables {
		w.tables[i] = len(tables) == 0
	}
	for _, t := range tables {
		w.tables[r.schema.table(t.definition())] = true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	w.snapshot = r.snapshot()
	r.watchers[w] = struct{}{}
	return w
}

// Snapshot is the state that the batches delivered so far lead to.
func (w *Watcher) Snapshot() *Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.snapshot
}

// Next waits for changes and returns all there are. It fails when ctx ends, and with [ErrClosed] when the watcher or
// the store is closed.
func (w *Watcher) Next(ctx context.Context) (Batch, error) {
	for {
		select {
		case <-w.wake:
			if b, ok := w.take(); ok {
				return b, nil
			}
		case <-ctx.Done():
			return Batch{}, ctx.Err()
		case <-w.done:
			return Batch{}, ErrClosed
		case <-w.replica.closing:
			return Batch{}, ErrClosed
		}
	}
}

// Close ends the watcher and frees what it holds; a waiting Next returns.
func (w *Watcher) Close() {
	w.once.Do(func() {
		close(w.done)
		w.replica.mu.Lock()
		delete(w.replica.watchers, w)
		w.replica.mu.Unlock()
	})
}

// take empties the pending changes; there may be none left, when all of them cancelled out.
func (w *Watcher) take() (Batch, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.latest == nil {
		return Batch{}, false
	}
	b := Batch{Snapshot: w.latest, Changes: make([]Change, 0, len(w.places))}
	for _, c := range w.pending {
		if c != nil {
			b.Changes = append(b.Changes, *c)
		}
	}
	w.snapshot, w.latest, w.pending = w.latest, nil, nil
	clear(w.places)
	return b, len(b.Changes) > 0
}

// add merges events into what is pending.
func (w *Watcher) add(latest *Snapshot, events []event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range events {
		if w.tables[events[i].table] {
			w.merge(&events[i])
			w.latest = latest
		}
	}
	if w.latest == nil {
		return
	}
	w.latest = latest
	w.tidy()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *Watcher) merge(ev *event) {
	place, ok := w.places[ev.location]
	if !ok {
		w.places[ev.location] = len(w.pending)
		w.pending = append(w.pending, &Change{
			Table:  w.replica.schema.definitions[ev.table].name,
			Key:    ev.key,
			Before: record(ev.before),
			After:  record(ev.after),
		})
		return
	}
	c := w.pending[place]
	c.After = record(ev.after)
	if c.Before == nil && c.After == nil {
		w.pending[place] = nil
		delete(w.places, ev.location)
	}
}

func record(e *entry) any {
	if e == nil {
		return nil
	}
	return e.rec
}

// tidy squeezes out cancelled changes once they are the larger part.
func (w *Watcher) tidy() {
	if len(w.pending) < 2*len(w.places)+64 {
		return
	}
	moved := make(map[int]int, len(w.places))
	kept := make([]*Change, 0, len(w.places))
	for i, c := range w.pending {
		if c != nil {
			moved[i] = len(kept)
			kept = append(kept, c)
		}
	}
	for at, i := range w.places {
		w.places[at] = moved[i]
	}
	w.pending = kept
}
