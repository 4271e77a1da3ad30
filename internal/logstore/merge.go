package logstore

import (
	"bytes"
	"container/heap"
	"iter"

	"github.com/cockroachdb/pebble/v2"
)

// Streams walks the events of several streams of a group in the order of their
// positions. It holds one iterator per stream: for many streams Group is better.
// *failure is set if it ends early.
func (s *Store) Streams(group uint64, streams []uint64, r Range, failure *error) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		*failure = s.merge(group, streams, r, nil, yield)
	}
}

// merge opens the index of one stream after the other and then walks them all.
func (s *Store) merge(group uint64, streams []uint64, r Range, open cursors, yield func(Event) bool) error {
	if len(streams) == 0 {
		heap.Init(&open)
		return s.resolve(group, r, func(find finder) error { return open.walk(find, yield) })
	}
	prefix := key(kindIndex, group, streams[0])
	lower, upper := r.From.append(bytes.Clone(prefix)), r.To.append(bytes.Clone(prefix))
	return s.iterate(lower, upper, func(it *pebble.Iterator) error {
		if it.First() {
			open = append(open, cursor{it, position(it.Key())})
		}
		return s.merge(group, streams[1:], r, open, yield)
	})
}

// cursor stands at an index entry of a stream.
type cursor struct {
	index *pebble.Iterator
	at    Position
}

// cursors is a heap of streams by the position of their next event.
type cursors []cursor

func (c cursors) walk(find finder, yield func(Event) bool) error {
	for len(c) > 0 {
		e, found, err := find(c[0].at)
		if err != nil || found && !yield(e) {
			return err
		}
		if c[0].index.Next() {
			c[0].at = position(c[0].index.Key())
			heap.Fix(&c, 0)
		} else {
			heap.Pop(&c)
		}
	}
	return nil
}

func (c cursors) Len() int           { return len(c) }
func (c cursors) Less(i, j int) bool { return c[i].at.Before(c[j].at) }
func (c cursors) Swap(i, j int)      { c[i], c[j] = c[j], c[i] }

// Push is never called: streams only end.
func (c *cursors) Push(x any) { *c = append(*c, x.(cursor)) }

// Pop removes the last one.
func (c *cursors) Pop() any {
	last := (*c)[len(*c)-1]
	*c = (*c)[:len(*c)-1]
	return last
}
