package logs

import (
	"encoding/binary"
	"iter"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/logstore"
	"github.com/slipway/slipway/internal/page"
)

// What bounds a page of events (API reference, "GetLogEvents").
const (
	MaxPage      = 10_000
	maxPageBytes = 1 << 20
)

// Event is an event as it is read. Times are in milliseconds since 1970.
type Event struct {
	Stream   string // its name
	Time     int64
	Ingested int64
	Message  string
	Position logstore.Position
}

// GetQuery asks for events of one stream.
type GetQuery struct {
	From     *int64 // not before, in milliseconds
	To       *int64 // before
	FromHead bool   // the oldest first page, not the newest; without a token
	Token    string // of an earlier page: says where, and in which direction
	Limit    int
}

// Page is some events of a stream in the order of their times, and the tokens of
// the pages beside it. At the end, the token is the one that was asked with.
type Page struct {
	Events            []Event
	Forward, Backward string
}

// Get returns a page of a stream's events. It fails with ErrGroupNotFound,
// ErrStreamNotFound or ErrToken.
func (r *Room) Get(s Scope, groupName, streamName string, q GetQuery) (*Page, error) {
	g, st, err := streamNamed(r.st.Snapshot(), s, groupName, streamName)
	if err != nil {
		return nil, err
	}
	within := span(q.From, q.To, g.horizon(now()))
	backward, at, err := start(st, q, within)
	if err != nil {
		return nil, err
	}
	reading := within
	if backward {
		reading.To = earlier(at, within.To)
	} else {
		reading.From = later(at, within.From)
	}
	var failure error
	events := collect(st.Name, r.events.Stream(uint64(g.ID), uint64(st.ID), reading, backward, &failure), q.Limit)
	if failure != nil {
		return nil, failure
	}
	if backward {
		slices.Reverse(events)
	}
	if q.Token == "" {
		at = within.From // without events: whatever is appended later is ahead
	}
	return st.page(events, at), nil
}

// span is the positions of a time range that retention leaves. to is exclusive.
func span(from, to *int64, horizon int64) logstore.Range {
	r := logstore.Range{From: logstore.At(horizon), To: logstore.End()}
	if from != nil {
		r.From = later(r.From, logstore.At(*from))
	}
	if to != nil {
		r.To = earlier(r.To, logstore.At(*to))
	}
	r.To = later(r.From, r.To)
	return r
}

// start says where the page begins and in which direction it goes.
func start(st *Stream, q GetQuery, within logstore.Range) (backward bool, at logstore.Position, err error) {
	switch {
	case q.Token != "":
		return st.readToken(q.Token)
	case q.FromHead:
		return false, within.From, nil
	}
	return true, within.To, nil
}

// collect keeps events up to the limit and the size of a page.
func collect(stream string, walk iter.Seq[logstore.Event], limit int) []Event {
	var events []Event
	size := 0
	for e := range walk {
		size += len(e.Message) + EventOverhead
		if len(events) > 0 && size > maxPageBytes {
			break
		}
		events = append(events, Event{stream, e.Time, e.Ingested, string(e.Message), e.Position})
		if len(events) >= limit {
			break
		}
	}
	return events
}

// page makes the tokens. A position is a gap between events: a page forward
// begins with the first event after it, a page backward ends with the last one
// before it. Without events both lead to where the reader stands.
func (s *Stream) page(events []Event, at logstore.Position) *Page {
	first, last := at, at
	if n := len(events); n > 0 {
		first, last = events[0].Position, events[n-1].Position.Next()
	}
	return &Page{Events: events, Forward: s.token(forward, last), Backward: s.token(backward, first)}
}

// The directions of tokens, as AWS begins them.
const (
	forward  = "f/"
	backward = "b/"
)

func (s *Stream) token(direction string, at logstore.Position) string {
	return direction + page.Encode(s.tokenScope(direction), packed(at))
}

func (s *Stream) tokenScope(direction string) string {
	return page.Scope("events", s.ID.String(), direction)
}

func (s *Stream) readToken(token string) (back bool, at logstore.Position, err error) {
	for _, direction := range []string{forward, backward} {
		rest, ok := strings.CutPrefix(token, direction)
		if !ok || rest == "" {
			continue
		}
		text, err := page.Decode(s.tokenScope(direction), rest)
		at, ok := unpacked(text)
		if err != nil || !ok {
			break
		}
		return direction == backward, at, nil
	}
	return false, at, ErrToken
}

// packed writes a position for a token.
func packed(p logstore.Position) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(p.Time))
	return string(binary.BigEndian.AppendUint64(b, p.Seq))
}

func unpacked(s string) (logstore.Position, bool) {
	if len(s) != 16 {
		return logstore.Position{}, false
	}
	b := []byte(s)
	return logstore.Position{Time: int64(binary.BigEndian.Uint64(b)), Seq: binary.BigEndian.Uint64(b[8:])}, true
}

func earlier(a, b logstore.Position) logstore.Position {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b logstore.Position) logstore.Position {
	if a.Before(b) {
		return b
	}
	return a
}
