package logstore

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// DeleteGroup removes all events of a group.
func (s *Store) DeleteGroup(group uint64) error {
	return s.change("delete group", func(b *pebble.Batch) error {
		for _, kind := range []byte{kindEvent, kindIndex, kindLatest} {
			prefix := key(kind, group)
			if err := b.DeleteRange(prefix, after(prefix), nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// change commits what f writes, durably.
func (s *Store) change(what string, f func(*pebble.Batch) error) (err error) {
	leave, err := s.enter()
	if err != nil {
		return err
	}
	defer leave()
	defer survive(&err)
	b := s.db.NewBatch()
	defer b.Close()
	if err := f(b); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if b.Empty() {
		return nil
	}
	if err := b.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// portion is how many events of a stream are deleted in one commit.
const portion = 2000

// DeleteStream removes all events of a stream. They lie between those of other
// streams, so they go one by one, in portions.
func (s *Store) DeleteStream(group, stream uint64) error {
	for more := true; more; {
		err := s.change("delete stream", func(b *pebble.Batch) (err error) {
			more, err = s.deletePortion(b, group, stream)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) deletePortion(b *pebble.Batch, group, stream uint64) (more bool, err error) {
	prefix := key(kindIndex, group, stream)
	upper := after(prefix)
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: upper})
	if err != nil {
		return false, err
	}
	n := 0
	for ok := it.First(); ok && n < portion; ok = it.Next() {
		at := position(it.Key())
		if err := b.Delete(at.append(key(kindEvent, group)), nil); err != nil {
			return false, closing(it, err)
		}
		upper = at.Next().append(key(kindIndex, group, stream))
		n++
	}
	if err := it.Close(); err != nil {
		return false, err
	}
	if n < portion {
		upper = after(prefix)
		if err := b.Delete(key(kindLatest, group, stream), nil); err != nil {
			return false, err
		}
	}
	return n == portion, b.DeleteRange(prefix, upper, nil)
}

// closing closes the iterator on the way out with err.
func closing(it *pebble.Iterator, err error) error {
	if e := it.Close(); err == nil {
		return e
	}
	return err
}

// Trim removes the events of a group that are older than a time, in milliseconds.
func (s *Store) Trim(group uint64, before int64) error {
	return s.change("trim group", func(b *pebble.Batch) error {
		prefix := key(kindEvent, group)
		it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: At(before).append(key(kindEvent, group))})
		if err != nil {
			return err
		}
		found := it.First()
		if err := it.Close(); err != nil || !found {
			return err
		}
		if err := b.DeleteRange(prefix, At(before).append(key(kindEvent, group)), nil); err != nil {
			return err
		}
		return s.trimStreams(b, group, before)
	})
}

// trimStreams does for the streams' indexes what Trim does for the events. It
// steps from stream to stream, whatever lies in them.
func (s *Store) trimStreams(b *pebble.Batch, group uint64, before int64) error {
	prefix := key(kindIndex, group)
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return err
	}
	for ok := it.First(); ok; {
		own := key(kindIndex, group, number(it.Key(), 1))
		if position(it.Key()).Time < before {
			if err := b.DeleteRange(own, At(before).append(key(kindIndex, group, number(it.Key(), 1))), nil); err != nil {
				return closing(it, err)
			}
		}
		ok = it.SeekGE(after(own))
	}
	return it.Close()
}
