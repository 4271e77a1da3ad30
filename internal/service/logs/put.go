package logs

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway/slipway/internal/logstore"
)

// Limits of PutLogEvents (API reference, "PutLogEvents").
const (
	MaxBatchBytes = 1 << 20
	EventOverhead = 26 // bytes that each event counts besides its message
	maxSpan       = day
	maxAge        = 14 * day
	maxFuture     = 2 * 60 * 60 * 1000
)

// Entry is an event to put: its time in milliseconds since 1970, and its text.
type Entry = logstore.Entry

// Rejected says which events of a batch were left out, as indexes into the batch:
// those before the ends and those from the start on. nil: none.
type Rejected struct {
	TooOldEnd, ExpiredEnd, TooNewStart *int32
}

// Put appends a batch of events to a stream and returns when they are on disk. It
// fails with ErrGroupNotFound, ErrStreamNotFound, or an *Error about the batch;
// then nothing of it is kept. Events that are too old or too new are left out.
func (r *Room) Put(_ context.Context, s Scope, groupName, streamName string, batch []Entry) (*Stream, *Rejected, error) {
	if err := checkBatch(batch); err != nil {
		return nil, nil, err
	}
	r.puts.RLock()
	defer r.puts.RUnlock()
	g, st, err := streamNamed(r.st.Snapshot(), s, groupName, streamName)
	if err != nil {
		return nil, nil, err
	}
	at := now()
	kept, rejected := accept(batch, at, g.Retention)
	first, err := r.events.Append(uint64(g.ID), uint64(st.ID), at, kept)
	if errors.Is(err, logstore.ErrNoSpace) {
		return nil, nil, ErrNoSpace
	}
	if err != nil {
		return nil, nil, fmt.Errorf("put log events: %w", err)
	}
	r.tails.publish(g, st, at, first, kept)
	return st, rejected, nil
}

// checkBatch refuses a batch as a whole, in AWS's words.
func checkBatch(batch []Entry) error {
	size := 0
	for i, e := range batch {
		own := len(e.Message) + EventOverhead
		if own > MaxBatchBytes {
			return invalid("Log event too large: %d bytes exceeds limit of %d", own, MaxBatchBytes)
		}
		if i > 0 && e.Time < batch[i-1].Time {
			return invalid("Log events in a single PutLogEvents request must be in chronological order.")
		}
		size += own
	}
	if size > MaxBatchBytes {
		return invalid("Upload too large: %d bytes exceeds limit of %d", size, MaxBatchBytes)
	}
	if n := len(batch); n > 0 && batch[n-1].Time-batch[0].Time > maxSpan {
		return invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	return nil
}

// accept leaves out what is too old, expired or too new. The ends of
// RejectedLogEventsInfo are exclusive, its start is inclusive.
func accept(batch []Entry, now int64, retention int32) ([]Entry, *Rejected) {
	before := func(t int64) int {
		n := 0
		for n < len(batch) && batch[n].Time < t {
			n++
		}
		return n
	}
	old, expired := before(now-maxAge), 0
	if retention != 0 {
		expired = before(now - int64(retention)*day)
	}
	end := before(now + maxFuture + 1)
	var rejected Rejected
	if old > 0 {
		rejected.TooOldEnd = new(int32(old))
	}
	if expired > 0 {
		rejected.ExpiredEnd = new(int32(expired))
	}
	if end < len(batch) {
		rejected.TooNewStart = new(int32(end))
	}
	if rejected == (Rejected{}) {
		return batch, nil
	}
	return batch[min(max(old, expired), end):end], &rejected
}
