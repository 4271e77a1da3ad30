package ssmchannel

import (
	"math"
	"slices"
	"time"

	"github.com/google/uuid"
)

// How much may be under way, in each direction of a session.
const (
	// MaxPayload is the most that one stream message of ours carries; 128 of them
	// are a mebibyte.
	MaxPayload = 8 << 10
	window     = 128
	// backlog is how many messages wait for those before them, or for the
	// handler. Clients of AWS keep up to 10,000 small ones under way.
	backlog = 10_000
)

// The times of the SSM agent and of the plugin, which compute when to send again
// as TCP does.
const (
	firstRoundTrip = 100 * time.Millisecond
	firstTimeout   = 200 * time.Millisecond
	maxTimeout     = time.Second
	clockTick      = 10 * time.Millisecond
)

// sender numbers what is sent and remembers it until it is acknowledged.
type sender struct {
	kind    string // TypeInput or TypeOutput
	next    int64
	waiting []outgoing // in order
	paused  bool

	roundTrip, variation float64
	timeout              time.Duration
}

// outgoing is a message that was not acknowledged yet.
type outgoing struct {
	seq    int64
	frame  []byte
	sentAt time.Time
	again  bool // it was sent more than once: its round trip tells nothing
}

func newSender(kind string) sender {
	return sender{kind: kind, roundTrip: float64(firstRoundTrip), timeout: firstTimeout}
}

func (s *sender) full() bool { return len(s.waiting) >= window }

// add makes the next message of the stream.
func (s *sender) add(now time.Time, kind Kind, flags uint64, payload []byte) (frame []byte) {
	if s.next == 0 {
		flags |= FlagSYN
	}
	m := Message{Type: s.kind, Schema: 1, Created: now, Sequence: s.next, Flags: flags, ID: uuid.New(), Kind: kind, Payload: payload}
	s.next++
	o := outgoing{seq: m.Sequence, frame: m.Encode(), sentAt: now}
	s.waiting = append(s.waiting, o)
	return o.frame
}

// acknowledged forgets the message with that number.
func (s *sender) acknowledged(now time.Time, seq int64) {
	i := slices.IndexFunc(s.waiting, func(o outgoing) bool { return o.seq == seq })
	if i < 0 {
		return
	}
	if !s.waiting[i].again {
		s.measure(now.Sub(s.waiting[i].sentAt))
	}
	s.waiting = slices.Delete(s.waiting, i, i+1)
}

func (s *sender) measure(trip time.Duration) {
	s.variation = 0.75*s.variation + 0.25*math.Abs(s.roundTrip-float64(trip))
	s.roundTrip = 0.875*s.roundTrip + 0.125*float64(trip)
	s.timeout = min(time.Duration(s.roundTrip+max(float64(clockTick), 4*s.variation)), maxTimeout)
}

// due takes out what should be sent again, and says when to look next; zero:
// when something was sent.
func (s *sender) due(now time.Time) (frames [][]byte, next time.Time) {
	if s.paused {
		return nil, time.Time{}
	}
	for i := range s.waiting {
		o := &s.waiting[i]
		if now.Sub(o.sentAt) >= s.timeout {
			o.sentAt, o.again = now, true
			frames = append(frames, o.frame)
		}
		if at := o.sentAt.Add(s.timeout); next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return frames, next
}

// receiver puts what comes in order.
type receiver struct {
	kind    string
	next    int64 // number of the first message that is not handed out yet
	handled int64 // number of the first message that is not handled yet
	early   map[int64]Message
	ready   []Message
}

func newReceiver(kind string) receiver {
	return receiver{kind: kind, early: map[int64]Message{}}
}

// add takes a message. Handled tells that it was handled before, so that its
// acknowledgement must have been lost.
func (r *receiver) add(m Message) (handled bool) {
	switch {
	case m.Sequence < r.handled:
		return true
	case m.Sequence < r.next, len(r.early)+len(r.ready) >= backlog && m.Sequence != r.next:
		return false
	}
	r.early[m.Sequence] = m
	for {
		m, ok := r.early[r.next]
		if !ok {
			return false
		}
		delete(r.early, r.next)
		r.ready = append(r.ready, m)
		r.next++
	}
}

// take is the next message for the handler.
func (r *receiver) take() (Message, bool) {
	if len(r.ready) == 0 {
		return Message{}, false
	}
	m := r.ready[0]
	r.ready = r.ready[1:]
	return m, true
}
