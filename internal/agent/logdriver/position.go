package logdriver

import (
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// look opens the log and notes its size. A log without a file is an empty one.
func (s *shipper) look(now time.Time) (*os.File, int64, error) {
	file, err := os.Open(s.logPath())
	if errors.Is(err, os.ErrNotExist) {
		return nil, s.position(), nil
	}
	if err != nil {
		return nil, 0, err
	}
	size, err := size0(file)
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	if size != s.size {
		s.size, s.grown = size, now
	}
	s.mu.Lock()
	s.clock.note(size, now)
	s.mu.Unlock()
	return file, size, nil
}

func (s *shipper) position() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acked
}

// ending tells whether the output is complete, and ends the shipping when
// everything is sent, or removal can wait no longer.
func (s *shipper) ending(now time.Time, size int64, empty bool) (closed, done bool) {
	closed, done = s.ended(now, size, empty)
	if !done {
		return closed, false
	}
	if err := s.dest.close(); err != nil {
		s.log.Warn("log destination not closed", "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.rec.Closed { // the container has started again
		return false, false
	}
	err := s.closeFIFO()
	if s.rec.Removed {
		err = errors.Join(err, s.delete())
	}
	if err != nil {
		s.log.Warn("log not closed", "error", err)
	}
	s.queued = false
	return true, true
}

// quiet tells whether nothing has come for a while since the container ended.
func (s *shipper) quiet(now time.Time) bool {
	return now.Sub(s.grown) >= settle && now.Sub(s.closing) >= settle
}

// drained tells whether nothing waits in the FIFO.
func (s *shipper) drained() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fifoEmpty()
}

func (s *shipper) ended(now time.Time, size int64, empty bool) (closed, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rec.Removed && s.removing.IsZero() {
		s.removing = now
	}
	if !s.rec.Closed {
		s.closing = time.Time{}
	} else if s.closing.IsZero() {
		s.closing = now
	}
	sent := s.rec.Closed && s.acked == size && empty && s.quiet(now)
	late := s.rec.Removed && now.Sub(s.removing) > removeGrace
	return s.rec.Closed, sent || late
}

// overtake gives the offset to go on at: past what was cut off or is too old.
func (s *shipper) overtake(file *os.File, size int64) int64 {
	acked := s.position()
	if file == nil {
		return acked
	}
	to := acked
	if size < acked { // the log began anew
		to, acked = 0, 0
		s.acknowledge(0)
	}
	if !s.blocking && size-to > s.maxLag {
		to = size - s.maxLag
	}
	if data, err := unix.Seek(int(file.Fd()), to, unix.SEEK_DATA); err == nil && data > to {
		to = data
	}
	if to == acked {
		return acked
	}
	to = nextLine(file, to, size)
	s.drop(to - acked)
	s.acknowledge(to)
	return to
}

// nextLine is the offset after the first newline from before at on, or at if
// there is none near.
func nextLine(file *os.File, at, size int64) int64 {
	b := make([]byte, min(smallBatch, size-at+1))
	n, err := file.ReadAt(b, at-1)
	if err != nil && !errors.Is(err, io.EOF) {
		return at
	}
	for i, c := range b[:n] {
		if c == '\n' {
			return at + int64(i)
		}
	}
	return at
}

func (s *shipper) drop(n int64) {
	s.mu.Lock()
	s.dropped += n
	total := s.dropped
	s.mu.Unlock()
	if now := time.Now(); now.Sub(s.told) >= sayDropped {
		s.told = now
		s.log.Warn("log dropped: its destination is slower than its container", "bytes", total)
	}
}
