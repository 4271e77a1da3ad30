package logs

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slipway/slipway/internal/service/logs/pattern"
)

// Limits of live tails (CloudWatch Logs user guide, "Live Tail"; quotas).
const (
	MaxTails   = 15            // sessions of an account at the same time
	MaxUpdate  = 500           // events in one update
	TailLife   = 3 * time.Hour // of a session
	TailPeriod = time.Second   // between two updates
)

// The ways in which a session ends by itself.
var (
	ErrTailTimeout = &Error{Limit, "The Live Tail session has timed out after three hours."}
	ErrTailEnded   = &Error{Unsupported, "The Live Tail session was ended because the service stops."}
)

// TailQuery says what a session hears; empty members do not restrict.
type TailQuery struct {
	Groups   []string // names, at least one
	Streams  []string // names
	Prefixes []string // of the streams' names
	Pattern  *pattern.Pattern
}

// TailEvent is an event that a session hears.
type TailEvent struct {
	Group string
	Event
}

// Tail is a session. Its events wait in it, up to one update's worth.
type Tail struct {
	q       TailQuery
	scope   Scope
	ended   <-chan struct{}
	expires <-chan time.Time
	tick    *time.Ticker

	mu      sync.Mutex
	waiting []TailEvent
	sampled bool
}

// tails are the sessions that run.
type tails struct {
	running atomic.Int32 // so that a put without sessions takes no lock
	ended   chan struct{}

	mu      sync.Mutex
	closed  bool
	byGroup map[ID][]*Tail
	by      map[Scope]int
}

func (t *tails) init() {
	t.ended = make(chan struct{})
	t.byGroup, t.by = map[ID][]*Tail{}, map[Scope]int{}
}

func (t *tails) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.closed = true
		close(t.ended)
	}
}

// Tail begins a session, which ends with ctx at the latest. It fails with
// ErrGroupNotFound, ErrNotStandard or ErrTooManySessions.
func (r *Room) Tail(ctx context.Context, s Scope, q TailQuery) (*Tail, error) {
	snap := r.st.Snapshot()
	var ids []ID
	for _, name := range q.Groups {
		g, err := group(snap, s, name)
		if err != nil {
			return nil, err
		}
		if g.Class != ClassStandard {
			return nil, ErrNotStandard
		}
		ids = append(ids, g.ID)
	}
	slices.Sort(ids)
	tail := &Tail{q: q, scope: s, ended: r.tails.ended, expires: time.After(TailLife), tick: time.NewTicker(TailPeriod)}
	if !r.tails.add(tail, slices.Compact(ids)) {
		return nil, ErrTooManySessions
	}
	context.AfterFunc(ctx, func() {
		tail.tick.Stop()
		r.tails.remove(tail)
	})
	return tail, nil
}

func (t *tails) add(tail *Tail, groups []ID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by[tail.scope] >= MaxTails {
		return false
	}
	t.by[tail.scope]++
	t.running.Add(1)
	for _, id := range groups {
		t.byGroup[id] = append(slices.Clip(t.byGroup[id]), tail)
	}
	return true
}

func (t *tails) remove(tail *Tail) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running.Add(-1)
	if t.by[tail.scope]--; t.by[tail.scope] == 0 {
		delete(t.by, tail.scope)
	}
	for id, list := range t.byGroup {
		list = slices.DeleteFunc(slices.Clone(list), func(o *Tail) bool { return o == tail })
		if t.byGroup[id] = list; len(list) == 0 {
			delete(t.byGroup, id)
		}
	}
}

// publish lets the sessions of a group hear what was put.
func (t *tails) publish(g *Group, s *Stream, at int64, first uint64, entries []Entry) {
	if t.running.Load() == 0 || len(entries) == 0 {
		return
	}
	t.mu.Lock()
	list := t.byGroup[g.ID] // never changed in place
	t.mu.Unlock()
	for _, tail := range list {
		tail.hear(s, at, first, entries)
	}
}

func (t *Tail) hear(s *Stream, at int64, first uint64, entries []Entry) {
	if !t.wants(s.Name) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, e := range entries {
		if t.q.Pattern != nil && !t.q.Pattern.MatchString(e.Message) {
			continue
		}
		if len(t.waiting) == MaxUpdate {
			t.sampled = true
			return
		}
		heard := Event{Stream: s.Name, Time: e.Time, Ingested: at, Message: e.Message}
		heard.Position.Time, heard.Position.Seq = e.Time, first+uint64(i)
		t.waiting = append(t.waiting, TailEvent{Group: s.Group, Event: heard})
	}
}

func (t *Tail) wants(stream string) bool {
	if len(t.q.Streams) == 0 && len(t.q.Prefixes) == 0 {
		return true
	}
	return slices.Contains(t.q.Streams, stream) ||
		slices.ContainsFunc(t.q.Prefixes, func(p string) bool { return strings.HasPrefix(stream, p) })
}

// Next waits for the next update, which may be without events. sampled tells that
// there were more than one update takes. It fails with ErrTailTimeout,
// ErrTailEnded or the error of ctx.
func (t *Tail) Next(ctx context.Context) (events []TailEvent, sampled bool, err error) {
	select {
	case <-ctx.Done():
		return nil, false, ctx.Err()
	case <-t.ended:
		return nil, false, ErrTailEnded
	case <-t.expires:
		return nil, false, ErrTailTimeout
	case <-t.tick.C:
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	events, sampled = t.waiting, t.sampled
	t.waiting, t.sampled = nil, false
	slices.SortStableFunc(events, func(a, b TailEvent) int { return cmp.Compare(a.Time, b.Time) })
	return events, sampled, nil
}
