package logs

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/logstore"
	"github.com/slipway/slipway/internal/page"
	"github.com/slipway/slipway/internal/service/logs/pattern"
	"github.com/slipway/slipway/internal/store"
)

// FilterQuery asks for events of a group; empty members do not restrict.
type FilterQuery struct {
	Streams []string         // names
	Prefix  string           // of the streams' names; not with Streams
	Pattern *pattern.Pattern // nil: all events
	From    *int64           // not before, in milliseconds
	To      *int64           // not after
	Token   string           // of an earlier page
	Limit   int
}

// What bounds the work for one page: more is left to the next one, so a page may
// be empty and yet not the last (API reference, "FilterLogEvents").
const maxScan = 64 << 20

// mergeMost is up to how many streams are read by their own indexes rather than
// by a scan of the whole group.
const mergeMost = 32

// Filter returns a page of a group's events, those of all streams interleaved by
// time, and the token of the next page, "" if this is the last.
func (r *Room) Filter(ctx context.Context, s Scope, groupName string, q FilterQuery) ([]Event, string, error) {
	snap := r.st.Snapshot()
	g, err := group(snap, s, groupName)
	if err != nil {
		return nil, "", err
	}
	chosen, err := choose(snap, g, q)
	if err != nil {
		return nil, "", err
	}
	to := q.To
	if to != nil && *to < 1<<62 {
		to = new(*to + 1)
	}
	within := span(q.From, to, g.horizon(now()))
	scope := page.Scope("filter", g.ID.String())
	if q.Token != "" {
		text, err := page.Decode(scope, q.Token)
		at, ok := unpacked(text)
		if err != nil || !ok {
			return nil, "", ErrToken
		}
		within.From = later(within.From, at)
		within.To = later(within.From, within.To)
	}
	f := filtering{q: q, names: names{st: r.st, known: map[uint64]string{}}}
	if chosen != nil {
		f.names.known, f.names.only = chosen, true
	}
	var failure error
	f.run(ctx, r.walk(g, chosen, within, &failure))
	if failure != nil {
		return nil, "", failure
	}
	if !f.more {
		return f.events, "", ctx.Err()
	}
	return f.events, page.Encode(scope, packed(f.next)), ctx.Err()
}

// choose returns the names of the streams that the query names, by id; nil: all.
func choose(reader store.Reader, g *Group, q FilterQuery) (map[uint64]string, error) {
	if len(q.Streams) == 0 && q.Prefix == "" {
		return nil, nil
	}
	chosen := map[uint64]string{}
	for _, name := range q.Streams {
		s, err := stream(reader, g, name)
		if err != nil {
			return nil, err
		}
		chosen[uint64(s.ID)] = s.Name
	}
	if q.Prefix != "" && !strings.ContainsRune(q.Prefix, 0) {
		for s := range Streams.List(reader, g.named(q.Prefix, g.ID.String())) {
			chosen[uint64(s.ID)] = s.Name
		}
	}
	return chosen, nil
}

// walk reads the chosen streams in the cheaper way.
func (r *Room) walk(g *Group, chosen map[uint64]string, within logstore.Range, failure *error) iter.Seq[logstore.Event] {
	if chosen == nil || len(chosen) > mergeMost {
		return r.events.Group(uint64(g.ID), within, failure)
	}
	ids := make([]uint64, 0, len(chosen))
	for id := range chosen {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return r.events.Streams(uint64(g.ID), ids, within, failure)
}

// names finds the names of streams by their ids. It asks the newest snapshot: a
// stream may be younger than the query and have events already.
type names struct {
	st    *store.Store
	known map[uint64]string // "": the stream has gone
	only  bool              // what is not known is not wanted
}

func (n *names) of(id uint64) string {
	name, ok := n.known[id]
	if ok || n.only {
		return name
	}
	for s := range Streams.By(n.st.Snapshot(), indexID, ID(id).String()) {
		name = s.Name
	}
	n.known[id] = name
	return name
}

// filtering is a page in the making.
type filtering struct {
	q     FilterQuery
	names names

	events []Event
	more   bool
	next   logstore.Position // where the next page begins
}

func (f *filtering) run(ctx context.Context, walk iter.Seq[logstore.Event]) {
	scanned, size := 0, 0
	for e := range walk {
		if scanned > maxScan || ctx.Err() != nil {
			f.stop(e.Position)
			return
		}
		scanned += len(e.Message) + EventOverhead
		name := f.names.of(e.Stream)
		if name == "" || f.q.Pattern != nil && !f.q.Pattern.Match(e.Message) {
			continue
		}
		size += len(e.Message) + EventOverhead
		if len(f.events) == f.q.Limit || len(f.events) > 0 && size > maxPageBytes {
			f.stop(e.Position)
			return
		}
		f.events = append(f.events, Event{name, e.Time, e.Ingested, string(e.Message), e.Position})
	}
}

func (f *filtering) stop(next logstore.Position) { f.more, f.next = true, next }
