package logstore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"

	"github.com/cockroachdb/pebble/v2"
)

// Event is an event as it is read. Message is valid until the next event of the
// same walk: copy what is kept.
type Event struct {
	Position
	Stream   uint64
	Ingested int64 // milliseconds since 1970
	Message  []byte
}

// Group walks the events of all streams of a group in the order of their
// positions. *failure is set if it ends early.
func (s *Store) Group(group uint64, r Range, failure *error) iter.Seq[Event] {
	prefix := key(kindEvent, group)
	lower, upper := r.From.append(bytes.Clone(prefix)), r.To.append(bytes.Clone(prefix))
	return func(yield func(Event) bool) {
		*failure = s.iterate(lower, upper, func(it *pebble.Iterator) error {
			for ok := it.First(); ok; ok = it.Next() {
				e, err := event(it)
				if err != nil || !yield(e) {
					return err
				}
			}
			return nil
		})
	}
}

// event reads the event at which it stands.
func event(it *pebble.Iterator) (Event, error) {
	v, err := it.ValueAndErr()
	if err != nil {
		return Event{}, fmt.Errorf("read event: %w", err)
	}
	if len(v) < eventHead {
		return Event{}, fmt.Errorf("read event: %d bytes", len(v))
	}
	return Event{
		Position: position(it.Key()), Stream: binary.BigEndian.Uint64(v),
		Ingested: int64(binary.BigEndian.Uint64(v[8:])), Message: v[eventHead:],
	}, nil
}

// Stream walks the events of one stream, backward from the end of the range if
// asked. *failure is set if it ends early.
func (s *Store) Stream(group, stream uint64, r Range, backward bool, failure *error) iter.Seq[Event] {
	prefix := key(kindIndex, group, stream)
	lower, upper := r.From.append(bytes.Clone(prefix)), r.To.append(bytes.Clone(prefix))
	return func(yield func(Event) bool) {
		*failure = s.iterate(lower, upper, func(index *pebble.Iterator) error {
			return s.resolve(group, r, func(find finder) error {
				first, next := index.First, index.Next
				if backward {
					first, next = index.Last, index.Prev
				}
				for ok := first(); ok; ok = next() {
					e, found, err := find(position(index.Key()))
					if err != nil || found && !yield(e) {
						return err
					}
				}
				return nil
			})
		})
	}
}

// finder returns the event at a position of a group, false if it has gone.
type finder func(at Position) (Event, bool, error)

// resolve calls f with a finder of the group's events in the range.
func (s *Store) resolve(group uint64, r Range, f func(finder) error) error {
	prefix := key(kindEvent, group)
	lower, upper := r.From.append(bytes.Clone(prefix)), r.To.append(bytes.Clone(prefix))
	return s.iterate(lower, upper, func(events *pebble.Iterator) error {
		var wanted []byte
		return f(func(at Position) (Event, bool, error) {
			wanted = at.append(append(wanted[:0], prefix...))
			if !events.SeekGE(wanted) || !bytes.Equal(events.Key(), wanted) {
				return Event{}, false, nil // an error ends the walk and shows on Close
			}
			e, err := event(events)
			return e, true, err
		})
	})
}

// Usage is how many bytes the events of a group take on disk, about: what was
// appended last is not counted yet.
func (s *Store) Usage(group uint64) (uint64, error) {
	leave, err := s.enter()
	if err != nil {
		return 0, err
	}
	defer leave()
	prefix := key(kindEvent, group)
	n, err := s.db.EstimateDiskUsage(prefix, after(prefix))
	if err != nil {
		return 0, fmt.Errorf("measure group: %w", err)
	}
	return n, nil
}
