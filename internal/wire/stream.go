package wire

import (
	"context"
	"fmt"
	"net/http"
	"reflect"

	"github.com/slipway/slipway/internal/wire/awsjson"
	"github.com/slipway/slipway/internal/wire/eventstream"
	"github.com/slipway/slipway/internal/wire/shape"
)

// Stream is an answer that comes event by event. It calls send until it is done
// or send fails, which happens when the client has gone; ctx ends then too. An
// [apierr.Error] ends the stream with an exception of that code.
type Stream[Event any] func(ctx context.Context, send func(*Event) error) error

// StreamHandler does the work of an operation that answers with an event stream.
// What it refuses itself is an answer like any other; the stream begins after it.
type StreamHandler[In, Event any] func(ctx context.Context, call *Call, in *In) (Stream[Event], error)

// HandleStream binds h to op, whose output has one member and that an event
// stream: a *Event, a structure with one member per kind of event of which each
// event sets one. Only JSON protocols have event streams. It panics as Handle
// does.
func HandleStream[In, Out, Event any](m *Mux, op *Operation[In, Out], h StreamHandler[In, Event], opts ...HandleOption) {
	event := m.room(op.Service).planner.Plan(reflect.TypeFor[Event]())
	Handle(m, op, func(context.Context, *Call, *In) (*Out, error) { return nil, nil }, append(opts, func(b *bound) {
		b.serve = func(ctx context.Context, call *Call, in any) (any, error) {
			stream, err := h(ctx, call, in.(*In))
			if err != nil {
				return nil, err
			}
			return &streamed{event: event, run: func(ctx context.Context, send func(any) error) error {
				return stream(ctx, func(e *Event) error { return send(e) })
			}}, nil
		}
	})...)
}

// streamed is an answer yet to be sent.
type streamed struct {
	event *shape.Plan
	run   func(ctx context.Context, send func(any) error) error
}

// stream sends the events of s as they come.
func (m *Mux) stream(a *answer, s *streamed) int {
	h := a.w.Header()
	h[http.CanonicalHeaderKey(RequestIDHeader)] = []string{a.r.id}
	h["Content-Type"] = []string{eventstream.ContentType}
	a.w.WriteHeader(http.StatusOK)
	var b []byte
	send := func(headers []eventstream.Header, payload []byte) error {
		b = eventstream.Append(b[:0], headers, payload)
		if _, err := a.w.Write(b); err != nil {
			return fmt.Errorf("send event: %w", err)
		}
		if err := http.NewResponseController(a.w).Flush(); err != nil {
			return fmt.Errorf("send event: %w", err)
		}
		return nil
	}
	if err := m.events(a, s, send); err != nil {
		m.cfg.Log.Debug("event stream ended", "request", a.r.id, "err", err)
	}
	return http.StatusOK
}

// frameWriter sends one frame.
type frameWriter func(headers []eventstream.Header, payload []byte) error

// events sends the initial response, which RPC protocols have even if it is
// empty (Smithy, "Event streams"), the events, and the exception at the end.
func (m *Mux) events(a *answer, s *streamed, send frameWriter) error {
	if err := send(headersOf("initial-response"), []byte("{}")); err != nil {
		return err
	}
	var sending error
	err := m.guarded(a, s, func(e any) error {
		name, payload := encodeEvent(s.event, reflect.ValueOf(e).Elem())
		sending = send(headersOf(name), payload)
		return sending
	})
	if err == nil || sending != nil || a.r.Context().Err() != nil {
		return sending
	}
	e := m.visible(a.r, a.t, err)
	payload := append(awsjson.AppendString([]byte(`{"message":`), e.Message), '}')
	return send([]eventstream.Header{
		{Name: eventstream.HeaderMessageType, Value: eventstream.TypeException},
		{Name: eventstream.HeaderExceptionType, Value: e.Code},
		{Name: eventstream.HeaderContentType, Value: "application/json"},
	}, payload)
}

// guarded runs the stream. A panic is an error like any other.
func (m *Mux) guarded(a *answer, s *streamed, send func(any) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in event stream: %v", p)
		}
	}()
	return s.run(a.r.Context(), send)
}

func headersOf(event string) []eventstream.Header {
	return []eventstream.Header{
		{Name: eventstream.HeaderMessageType, Value: eventstream.TypeEvent},
		{Name: eventstream.HeaderEventType, Value: event},
		{Name: eventstream.HeaderContentType, Value: "application/json"},
	}
}

// encodeEvent writes the member that is set. It panics when none is: that is a
// mistake of the program.
func encodeEvent(p *shape.Plan, v reflect.Value) (name string, payload []byte) {
	for i := range p.Fields {
		f := &p.Fields[i]
		if fv := v.Field(f.Index); !fv.IsNil() {
			return f.Name, awsjson.Append(nil, f.Plan, fv.Elem())
		}
	}
	panic(fmt.Sprintf("wire: event of %s without a member", p.Type))
}
