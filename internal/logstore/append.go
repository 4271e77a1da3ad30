package logstore

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Entry is an event to append.
type Entry struct {
	Time    int64 // milliseconds since 1970, not negative
	Message string
}

// Append adds entries to a stream and returns when they are on disk. ingested is
// the time of ingestion, in milliseconds; first is the sequence number of the
// first entry, and the others follow it.
func (s *Store) Append(group, stream uint64, ingested int64, entries []Entry) (first uint64, err error) {
	if len(entries) == 0 {
		return 0, nil
	}
	leave, err := s.enter()
	if err != nil {
		return 0, err
	}
	defer leave()
	defer survive(&err)
	if err := s.room(); err != nil {
		return 0, err
	}
	if first, err = s.sequence.take(s.db, len(entries)); err != nil {
		return 0, err
	}
	b := s.db.NewBatchWithSize(batchSize(entries))
	defer b.Close()
	if err := fillBatch(b, group, stream, ingested, first, entries); err != nil {
		return 0, fmt.Errorf("append events: %w", err)
	}
	if err := b.Commit(pebble.Sync); err != nil {
		return 0, fmt.Errorf("append events: %w", err)
	}
	return first, nil
}

// batchSize is about what a batch of the entries takes.
func batchSize(entries []Entry) int {
	size := 64
	for i := range entries {
		size += len(entries[i].Message) + eventKey + eventHead + indexKey + 12
	}
	return size
}

func fillBatch(b *pebble.Batch, group, stream uint64, ingested int64, first uint64, entries []Entry) error {
	last := int64(0)
	for i := range entries {
		e := &entries[i]
		at := Position{e.Time, first + uint64(i)}
		last = max(last, e.Time)
		op := b.SetDeferred(eventKey, eventHead+len(e.Message))
		at.append(binary.BigEndian.AppendUint64(append(op.Key[:0], kindEvent), group))
		v := binary.BigEndian.AppendUint64(op.Value[:0], stream)
		v = binary.BigEndian.AppendUint64(v, uint64(ingested))
		copy(op.Value[len(v):], e.Message)
		if err := op.Finish(); err != nil {
			return err
		}
		op = b.SetDeferred(indexKey, 0)
		at.append(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(append(op.Key[:0], kindIndex), group), stream))
		if err := op.Finish(); err != nil {
			return err
		}
	}
	return b.Merge(key(kindLatest, group, stream), Latest{Event: last, Ingested: ingested}.encode(), nil)
}
