package ssmmessages

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/slipway/slipway/internal/ssmchannel"
)

// relay passes the two streams on until the session ends, tells both ends, and
// says why it ended.
func (s *Server) relay(se *session, client, agent *websocket.Conn) error {
	ctx, cancel := context.WithCancelCause(s.ctx)
	defer cancel(nil)
	idle := time.AfterFunc(s.cfg.Idle, func() { cancel(errIdle) })
	defer idle.Stop()
	var work sync.WaitGroup
	for _, l := range []*lane{
		{from: client, to: agent, stream: ssmchannel.TypeInput, broken: errClientGone, unsent: errAgentLost},
		{from: agent, to: client, stream: ssmchannel.TypeOutput, broken: errAgentLost, unsent: errClientGone},
	} {
		l.last, l.busy = -1, func() { idle.Reset(s.cfg.Idle) }
		// To cancel what reads or writes would break the sockets, over which both
		// ends are to be told: goodbye ends the lanes.
		work.Go(func() { cancel(l.run(context.WithoutCancel(ctx))) })
		work.Go(func() {
			if err := ping(ctx, l.from); err != nil {
				cancel(l.broken)
			}
		})
	}
	select {
	case <-se.ended:
		cancel(se.cause)
	case <-ctx.Done():
	}
	cause := context.Cause(ctx)
	if s.ctx.Err() != nil {
		cause = errServerGone
	}
	se.goodbye(cause, client, agent)
	work.Wait()
	return cause
}

// lane is one direction of a relay.
type lane struct {
	from, to       *websocket.Conn
	stream         string // the type of stream messages that go this way
	broken, unsent error  // when reading, and when writing, fails
	busy           func() // called at every message that is new
	last           int64  // highest number seen
}

func (l *lane) run(ctx context.Context) error {
	for {
		kind, frame, err := l.from.Read(ctx)
		if err != nil {
			return l.broken
		}
		if kind != websocket.MessageBinary {
			continue
		}
		m, err := ssmchannel.Peek(frame)
		if err != nil {
			continue
		}
		if l.over(m) {
			return &ssmchannel.ClosedError{}
		}
		if !l.passes(m) {
			continue
		}
		if err := l.to.Write(ctx, websocket.MessageBinary, frame); err != nil {
			return l.unsent
		}
	}
}

// passes tells whether a message goes on to the other end. One that is sent
// again does not count as activity.
func (l *lane) passes(m ssmchannel.Message) bool {
	switch m.Type {
	case ssmchannel.TypeAcknowledge:
		return true
	case l.stream:
		if m.Sequence > l.last {
			l.last = m.Sequence
			l.busy()
		}
		return true
	}
	return false
}

// over tells whether the agent says that the command has ended and the client
// has all of its output.
func (l *lane) over(m ssmchannel.Message) bool {
	if m.Type != ssmchannel.TypeState || l.stream != ssmchannel.TypeOutput {
		return false
	}
	var state ssmchannel.State
	return json.Unmarshal(m.Payload, &state) == nil && state.SessionState == ssmchannel.StateTerminating
}
