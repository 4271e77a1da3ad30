package ssmchannel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Socket carries the frames of a channel. Write may be called by several
// goroutines at once.
type Socket interface {
	Read(ctx context.Context) ([]byte, error)
	Write(ctx context.Context, frame []byte) error
}

// ClosedError says that the service ended the session.
type ClosedError struct {
	Output string // what the client is to be shown, "" if nothing
}

// Error says why, if it was said.
func (e *ClosedError) Error() string {
	if e.Output == "" {
		return "session is closed"
	}
	return "session is closed: " + e.Output
}

// Channel is one end of a session's data channel.
type Channel struct {
	socket Socket
	agent  bool

	mu      sync.Mutex // guards the rest
	out     sender
	in      receiver
	changed chan struct{} // closed at every change
	closed  error         // why no more comes
}

// NewAgent returns the agent's end.
func NewAgent(s Socket) *Channel { return newChannel(s, true, TypeOutput, TypeInput) }

// NewClient returns the client's end.
func NewClient(s Socket) *Channel { return newChannel(s, false, TypeInput, TypeOutput) }

func newChannel(s Socket, agent bool, out, in string) *Channel {
	return &Channel{socket: s, agent: agent, out: newSender(out), in: newReceiver(in), changed: make(chan struct{})}
}

// change tells everyone who waits to look again. c.mu is held.
func (c *Channel) change() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// until waits for cond, which is asked with c.mu held, and returns with c.mu
// held unless there is an error.
func (c *Channel) until(ctx context.Context, cond func() bool) error {
	c.mu.Lock()
	for !cond() {
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		c.mu.Lock()
	}
	return nil
}

// Send sends a payload of the stream; it waits while too much is under way. A
// payload longer than MaxPayload is cut into several messages.
func (c *Channel) Send(ctx context.Context, kind Kind, payload []byte) error {
	for len(payload) > MaxPayload {
		if err := c.send(ctx, kind, 0, payload[:MaxPayload]); err != nil {
			return err
		}
		payload = payload[MaxPayload:]
	}
	return c.send(ctx, kind, 0, payload)
}

// SendJSON sends a payload that is one of this package's.
func (c *Channel) SendJSON(ctx context.Context, kind Kind, payload any) error {
	b, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("encode %T: %w", payload, err)
	}
	return c.send(ctx, kind, 0, b)
}

// SendEnd says that the stream of a kind has no more bytes.
func (c *Channel) SendEnd(ctx context.Context, kind Kind) error {
	return c.send(ctx, kind, FlagFIN, nil)
}

func (c *Channel) send(ctx context.Context, kind Kind, flags uint64, payload []byte) error {
	if err := c.until(ctx, func() bool { return !c.out.full() || c.closed != nil }); err != nil {
		return err
	}
	if c.closed != nil {
		defer c.mu.Unlock()
		return c.closed
	}
	frame := c.out.add(time.Now(), kind, flags, payload)
	paused := c.out.paused
	c.change()
	c.mu.Unlock()
	if paused {
		return nil // it is sent when the other end is back
	}
	return c.write(ctx, frame)
}

// Tell sends a message outside of the stream, once.
func (c *Channel) Tell(ctx context.Context, m Message) error { return c.write(ctx, m.Encode()) }

func (c *Channel) write(ctx context.Context, frame []byte) error {
	if err := c.socket.Write(ctx, frame); err != nil {
		return fmt.Errorf("write to the data channel: %w", err)
	}
	return nil
}

// Flush waits until all that was sent has been handled at the other end.
func (c *Channel) Flush(ctx context.Context) error {
	if err := c.until(ctx, func() bool { return len(c.out.waiting) == 0 || c.closed != nil }); err != nil {
		return err
	}
	defer c.mu.Unlock()
	return c.closed
}

// Run works on the channel until the session is closed (*ClosedError), the
// socket ends, ctx does, or handle fails, and says which. handle is called for
// one message of the other end's stream after the other and may take its time;
// it must return when its context ends.
func (c *Channel) Run(ctx context.Context, handle func(context.Context, Message) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	var work sync.WaitGroup
	work.Go(func() { stop(c.resend(ctx)) })
	work.Go(func() { stop(c.deliver(ctx, handle)) })
	err := c.read(ctx)
	c.mu.Lock()
	c.closed = err
	c.change()
	c.mu.Unlock()
	// A client shows what it was sent before the end; an agent has nobody to
	// work for any more.
	if _, ok := errors.AsType[*ClosedError](err); !ok || c.agent {
		stop(err)
	}
	work.Wait()
	return context.Cause(ctx)
}

func (c *Channel) read(ctx context.Context) error {
	for {
		frame, err := c.socket.Read(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("read from the data channel: %w", err)
		}
		m, err := Decode(frame)
		if err != nil {
			continue
		}
		if err := c.receive(ctx, m); err != nil {
			return err
		}
	}
}

func (c *Channel) receive(ctx context.Context, m Message) error {
	switch m.Type {
	case c.in.kind:
		c.incoming(ctx, m)
	case TypeAcknowledge:
		var a Acknowledgement
		if json.Unmarshal(m.Payload, &a) == nil {
			c.update(func() { c.out.acknowledged(time.Now(), a.Sequence) })
		}
	case TypePause, TypeStart:
		c.update(func() { c.out.paused = m.Type == TypePause })
	case TypeClosed:
		var end Closed
		if err := json.Unmarshal(m.Payload, &end); err != nil {
			return &ClosedError{} // whatever it says, it is the end
		}
		return &ClosedError{end.Output}
	}
	return nil
}

func (c *Channel) update(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	c.change()
}

// incoming takes a message of the other end's stream. One that was handled
// before is acknowledged once more.
func (c *Channel) incoming(ctx context.Context, m Message) {
	handled := false
	c.update(func() { handled = c.in.add(m) })
	if handled {
		c.acknowledge(ctx, m)
	}
}

// acknowledge tells the other end that a message was handled. If that cannot be
// written, who reads the socket finds out that it has ended, and why.
func (c *Channel) acknowledge(ctx context.Context, m Message) {
	_ = c.Tell(ctx, New(TypeAcknowledge, Acknowledgement{Type: m.Type, ID: m.ID, Sequence: m.Sequence, Sequential: true}))
}

// deliver hands out the messages in order and acknowledges them.
func (c *Channel) deliver(ctx context.Context, handle func(context.Context, Message) error) error {
	for {
		var m Message
		var ok bool
		err := c.until(ctx, func() bool {
			m, ok = c.in.take()
			return ok || c.closed != nil
		})
		if err != nil {
			return err
		}
		closed := c.closed
		c.mu.Unlock()
		if !ok {
			return closed
		}
		if err := handle(ctx, m); err != nil {
			return err
		}
		c.mu.Lock()
		c.in.handled = m.Sequence + 1
		c.mu.Unlock()
		c.acknowledge(ctx, m)
	}
}

// resend sends again what was not acknowledged in time.
func (c *Channel) resend(ctx context.Context) error {
	for {
		c.mu.Lock()
		frames, next := c.out.due(time.Now())
		changed, closed := c.changed, c.closed
		c.mu.Unlock()
		if closed != nil {
			// Who delivers says when the channel has ended.
			<-ctx.Done()
			return context.Cause(ctx)
		}
		for _, f := range frames {
			if c.write(ctx, f) != nil {
				break // who reads the socket says why
			}
		}
		if err := sleep(ctx, next, changed); err != nil {
			return err
		}
	}
}

// sleep waits for a time, unless it is zero, or for a change.
func sleep(ctx context.Context, until time.Time, changed <-chan struct{}) error {
	var alarm <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		alarm = timer.C
		changed = nil // what is new is due later than what is there
	}
	select {
	case <-alarm:
	case <-changed:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}
