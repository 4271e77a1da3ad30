package logdriver

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"time"
)

// deliver sends one batch.
func (s *shipper) deliver(ctx context.Context, file *os.File, acked, pending int64, final bool) time.Duration {
	want, free := s.allowance(pending)
	defer free()
	lines, err := s.read(file, acked, want, final)
	if err == nil && len(lines) == 0 && want < pending {
		lines, err = s.read(file, acked, min(pending, int64(s.dest.limits().line)+4), final)
	}
	if err != nil {
		return s.failed("log not read", err)
	}
	if len(lines) == 0 {
		s.endless = s.size
		return lookAgain
	}
	taken, err := s.dest.send(ctx, lines, final)
	if taken > 0 {
		s.acknowledge(lines[taken-1].end)
	}
	if err != nil {
		return s.failed("log not sent", err)
	}
	s.failures = 0
	if taken == 0 {
		return lookAgain
	}
	return s.spend(lines[taken-1].end - acked)
}

// spend takes what was sent off the budget, and says how long to wait for more.
func (s *shipper) spend(n int64) time.Duration {
	now := time.Now()
	s.budget = min(burst, s.budget+int64(now.Sub(s.counted).Seconds()*sustained)) - n
	s.counted = now
	if s.budget >= 0 {
		return 0
	}
	s.rested = now.Add(time.Duration(-s.budget) * time.Second / sustained)
	return time.Until(s.rested)
}

// allowance is how much may be read at once.
func (s *shipper) allowance(pending int64) (want int64, free func()) {
	if pending > smallBatch {
		select {
		case s.big <- struct{}{}:
			return min(pending, fullBatch), func() { <-s.big }
		default:
		}
	}
	return min(pending, smallBatch), func() {}
}

func (s *shipper) read(file *os.File, at, want int64, final bool) ([]line, error) {
	if int64(cap(s.buf)) < want {
		s.buf = make([]byte, want)
	}
	n, err := file.ReadAt(s.buf[:want], at)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	s.mu.Lock()
	marks := s.clock.from(at)
	s.mu.Unlock()
	return split(string(s.buf[:n]), at, s.dest.limits().line, marks, final), nil
}

// failed logs the first of a row of failures and says when to try again.
func (s *shipper) failed(what string, err error) time.Duration {
	if s.failures == 0 {
		s.log.Warn("shipping stopped", "why", what, "error", err)
	}
	wait := min(lastRetry, firstRetry<<min(s.failures, 10))
	s.failures++
	return wait/2 + rand.N(wait/2+1)
}
