package store

import "time"

// Changed returns a channel that is closed when By(index, value) may differ from what it is on the snapshot; with
// index "" the value is a prefix of keys. It costs no goroutine and needs no release, so it suits many waiters for
// few records each. Now and then it fires for nothing: read again, and call Changed on the snapshot read.
func (t *Table[T]) Changed(s *Snapshot, index, value string) <-chan struct{} {
	sub := subscription{table: s.schema.table(t.def), index: -1, value: value}
	if index != "" {
		sub.index = t.def.index(index)
	}
	return s.replica.changed(s, sub)
}

// subscription is something that callers wait on: an index value, or with index -1 a prefix of keys.
type subscription struct {
	table, index int
	value        string
}

// subscriptions holds the channels of those that wait, one per subscription however many wait.
type subscriptions struct {
	schema   *schema
	channels map[subscription]subscribed
	prefixes []int // per table, how many subscriptions are on prefixes
}

type subscribed struct {
	fired chan struct{}
	since time.Time
}

// maxSubscribed is the age at which a subscription fires for nothing, so that those that nobody waits on any more do
// not pile up.
const maxSubscribed = 10 * time.Minute

func newSubscriptions(s *schema) subscriptions {
	return subscriptions{
		schema:   s,
		channels: make(map[subscription]subscribed),
		prefixes: make([]int, len(s.definitions)),
	}
}

var fired = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// changed subscribes, unless what is asked for already differs from the snapshot.
func (r *replica) changed(s *Snapshot, sub subscription) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || !same(s, r.snapshot(), sub) {
		return fired
	}
	if c, ok := r.subs.channels[sub]; ok {
		return c.fired
	}
	c := subscribed{make(chan struct{}), time.Now()}
	r.subs.channels[sub] = c
	if sub.index < 0 {
		r.subs.prefixes[sub.table]++
	}
	return c.fired
}

// fire wakes those whom the events concern.
func (s *subscriptions) fire(events []event) {
	if len(s.channels) == 0 {
		return
	}
	for _, ev := range events {
		def := s.schema.definitions[ev.table]
		for i := range def.indexes {
			for _, e := range []*entry{ev.before, ev.after} {
				if e == nil {
					continue
				}
				for _, value := range def.indexes[i].keys(e.rec) {
					s.wake(subscription{ev.table, i, value})
				}
			}
		}
		for n := 0; n <= len(ev.key) && s.prefixes[ev.table] > 0; n++ {
			s.wake(subscription{ev.table, -1, ev.key[:n]})
		}
	}
}

func (s *subscriptions) wake(sub subscription) {
	c, ok := s.channels[sub]
	if !ok {
		return
	}
	close(c.fired)
	delete(s.channels, sub)
	if sub.index < 0 {
		s.prefixes[sub.table]--
	}
}

// expire wakes the subscriptions made before the time.
func (s *subscriptions) expire(before time.Time) {
	for sub, c := range s.channels {
		if c.since.Before(before) {
			s.wake(sub)
		}
	}
}

func (s *subscriptions) fireAll() { s.expire(time.Now().Add(time.Hour)) }
