package logstore

import (
	"encoding/binary"
	"fmt"
	"io"
	"iter"

	"github.com/cockroachdb/pebble/v2"
)

// Latest is how far a stream has come, in milliseconds since 1970.
type Latest struct {
	Event    int64 // time of its last event
	Ingested int64 // when an event came last
}

func (l Latest) encode() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, latestSize), uint64(l.Event))
	return binary.BigEndian.AppendUint64(b, uint64(l.Ingested))
}

func decodeLatest(b []byte) (Latest, error) {
	if len(b) != latestSize {
		return Latest{}, fmt.Errorf("read latest times: %d bytes", len(b))
	}
	return Latest{int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))}, nil
}

// latestMerger keeps the greater times, so that appends need not read what they
// replace. Its name is on disk.
var latestMerger = &pebble.Merger{
	Name: "slipway.logs.latest",
	Merge: func(_, value []byte) (pebble.ValueMerger, error) {
		l, err := decodeLatest(value)
		return &merging{l}, err
	},
}

type merging struct{ Latest }

// MergeNewer takes in a value.
func (m *merging) MergeNewer(value []byte) error {
	l, err := decodeLatest(value)
	m.Event, m.Ingested = max(m.Event, l.Event), max(m.Ingested, l.Ingested)
	return err
}

// MergeOlder takes in a value; the order makes no difference.
func (m *merging) MergeOlder(value []byte) error { return m.MergeNewer(value) }

// Finish returns what is left.
func (m *merging) Finish(bool) ([]byte, io.Closer, error) { return m.encode(), nil, nil }

// Latest returns how far a stream has come, false if nothing was ever appended
// to it.
func (s *Store) Latest(group, stream uint64) (l Latest, ok bool, err error) {
	for _, latest := range s.latest(key(kindLatest, group, stream), &err) {
		l, ok = latest, true
	}
	return l, ok, err
}

// AllLatest walks how far the streams of a group have come. *err is set if it
// ends early.
func (s *Store) AllLatest(group uint64, err *error) iter.Seq2[uint64, Latest] {
	return s.latest(key(kindLatest, group), err)
}

func (s *Store) latest(prefix []byte, failure *error) iter.Seq2[uint64, Latest] {
	return func(yield func(uint64, Latest) bool) {
		*failure = s.iterate(prefix, after(prefix), func(it *pebble.Iterator) error {
			for ok := it.First(); ok; ok = it.Next() {
				v, err := it.ValueAndErr()
				if err != nil {
					return err
				}
				l, err := decodeLatest(v)
				if err != nil || !yield(number(it.Key(), 1), l) {
					return err
				}
			}
			return nil
		})
	}
}

// First returns the position of a stream's first event from a position on,
// false if there is none.
func (s *Store) First(group, stream uint64, from Position) (at Position, ok bool, err error) {
	prefix := key(kindIndex, group, stream)
	err = s.iterate(from.append(prefix), after(prefix), func(it *pebble.Iterator) error {
		if ok = it.First(); ok {
			at = position(it.Key())
		}
		return nil
	})
	return at, ok, err
}

// iterate calls f with an iterator of the keys from lower up to, not including,
// upper.
func (s *Store) iterate(lower, upper []byte, f func(*pebble.Iterator) error) (err error) {
	leave, err := s.enter()
	if err != nil {
		return err
	}
	defer leave()
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return fmt.Errorf("read log store: %w", err)
	}
	defer func() {
		if closing := it.Close(); err == nil && closing != nil {
			err = fmt.Errorf("read log store: %w", closing)
		}
	}()
	return f(it)
}
