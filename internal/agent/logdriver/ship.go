package logdriver

import (
	"context"
	"time"
)

const (
	// fullBatch is the largest part of a log that is read at once: a
	// PutLogEvents request.
	fullBatch = 1 << 20
	// smallBatch is what a shipper reads at once if bigBatches others hold more,
	// so that destinations which hang do not fill the memory.
	smallBatch = 64 << 10
	bigBatches = 8

	// settle is how long an ended container's log must be quiet to be complete:
	// the shim may still be copying when the exit is known.
	settle = 200 * time.Millisecond
	// lookAgain is the time after which lines without an end are looked at again.
	lookAgain = 100 * time.Millisecond

	firstRetry, lastRetry = 200 * time.Millisecond, 30 * time.Second

	// removeGrace is how long a log that is to be removed waits for a destination
	// that does not take it.
	removeGrace = 10 * time.Minute

	sayDropped = 10 * time.Second

	// sustained is how many bytes a second of one log are sent in the long run,
	// after a burst: a container that writes without end costs part of a core, not
	// all. (Measured: 8 ms of CPU for a megabyte, without the network.)
	sustained = 16 << 20
	burst     = 128 << 20
)

// shipper sends one log on. It is one goroutine's.
type shipper struct {
	*output

	size     int64     // of the file, last seen
	grown    time.Time // when it grew last
	closing  time.Time // when its end was first seen; zero = it goes on
	endless  int64     // size at which no line was ended; 0 = not known
	failures int
	stopping bool
	removing time.Time // since when the log is to be removed
	told     time.Time // when drops were last logged
	buf      []byte
	budget   int64 // bytes that may be sent at once
	counted  time.Time
	rested   time.Time // when there is budget again
}

// The two special answers of turn.
const (
	over    = -1 * time.Second // nothing more will come
	forever = time.Duration(1<<63 - 1)
)

// ship sends the log on until it is complete or ctx ends.
func (o *output) ship(ctx context.Context) {
	// What is under way when ctx ends may end well, so that it is not sent twice.
	send, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(flushFor, cancel) })()
	// Docker's drivers take no context: to close them ends their writes.
	defer context.AfterFunc(send, func() { _ = o.dest.close() })()
	s := &shipper{output: o, grown: time.Now(), budget: burst, counted: time.Now()}
	if o.blocking {
		pumped := make(chan struct{})
		pumping, stop := context.WithCancel(ctx)
		go func() { defer close(pumped); o.pump(pumping) }()
		defer func() { stop(); <-pumped }()
	}
	for {
		wait := s.turn(send)
		switch {
		case wait == over:
			return
		case ctx.Err() != nil && (s.stopping && wait != 0 || send.Err() != nil):
			_ = o.dest.close() // the process ends
			return
		case ctx.Err() != nil:
			s.stopping = true
		default:
			s.pause(ctx, wait)
		}
	}
}

// pause waits for a time or for news, which do not hurry a destination that
// failed or a line that has no end.
func (s *shipper) pause(ctx context.Context, wait time.Duration) {
	if wait == 0 {
		return
	}
	wake := s.wake
	if s.failures > 0 || wait == lookAgain {
		wake = nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-timer.C:
	}
}

// turn sends what is due and says when to look again; 0 is at once.
func (s *shipper) turn(ctx context.Context) time.Duration {
	now := time.Now()
	empty := s.drained() // before the size is looked at: what leaves the FIFO after is in a size to come
	file, size, err := s.look(now)
	if err != nil {
		return s.failed("log not read", err)
	}
	if file != nil {
		defer file.Close()
	}
	closed, done := s.ending(now, size, empty)
	if done {
		return over
	}
	acked := s.overtake(file, size)
	pending := size - acked
	if wait := s.due(now, acked, pending, closed); wait != 0 {
		return wait
	}
	return s.deliver(ctx, file, acked, pending, closed && s.quiet(now))
}

// due is how long what is pending can wait.
func (s *shipper) due(now time.Time, acked, pending int64, closed bool) time.Duration {
	switch {
	case pending == 0 && closed:
		return settle
	case pending == 0:
		s.buf = nil
		return forever
	case s.rested.After(now):
		return s.rested.Sub(now)
	case closed, s.stopping, pending >= fullBatch:
		return 0
	case s.endless == s.size: // such as a prompt: only growth makes it a line
		return forever
	}
	s.mu.Lock()
	since, known := s.clock.at(acked)
	s.mu.Unlock()
	if !known {
		return 0
	}
	return max(0, since.Add(s.dest.limits().interval).Sub(now))
}
