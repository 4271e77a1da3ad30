package logs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/slipway/slipway/internal/logstore"
	"github.com/slipway/slipway/internal/page"
	"github.com/slipway/slipway/internal/store"
)

// Stream is a named sequence of events in a group.
type Stream struct {
	Scope
	Group   string `json:"group"` // its name
	GroupID ID     `json:"groupId"`
	Name    string `json:"name"`
	ID      ID     `json:"id"`
	Created int64  `json:"created"` // milliseconds since 1970
}

// Key is the record's store key.
func (s *Stream) Key() string { return s.Scope.named(s.Name, s.GroupID.String()) }

// ARN names the stream.
func (s *Stream) ARN() string { return s.GroupARN(s.Group) + ":log-stream:" + s.Name }

// CreateStream makes an empty stream, or fails with ErrGroupNotFound or
// ErrStreamExists.
func (r *Room) CreateStream(ctx context.Context, s Scope, groupName, name string) error {
	if strings.ContainsRune(name, 0) {
		return ErrName
	}
	id := newID()
	return r.update(ctx, "create log stream", func(tx *store.Tx) error {
		g, err := group(tx, s, groupName)
		if err != nil {
			return err
		}
		made := &Stream{Scope: s, Group: g.Name, GroupID: g.ID, Name: name, ID: id, Created: now()}
		if _, taken := Streams.Get(tx, made.Key()); taken {
			return ErrStreamExists
		}
		Streams.Put(tx, made)
		return nil
	})
}

func stream(reader store.Reader, g *Group, name string) (*Stream, error) {
	if strings.ContainsRune(name, 0) {
		return nil, ErrStreamNotFound
	}
	st, ok := Streams.Get(reader, g.Scope.named(name, g.ID.String()))
	if !ok {
		return nil, ErrStreamNotFound
	}
	return st, nil
}

// streamNamed finds a stream by the names of it and of its group.
func streamNamed(reader store.Reader, s Scope, groupName, name string) (*Group, *Stream, error) {
	g, err := group(reader, s, groupName)
	if err != nil {
		return nil, nil, err
	}
	st, err := stream(reader, g, name)
	return g, st, err
}

// The orders of streams.
const (
	ByName      = "LogStreamName"
	ByLastEvent = "LastEventTime"
)

// StreamQuery asks for streams of a group; empty members do not restrict.
type StreamQuery struct {
	Prefix     string // of the name; not with ByLastEvent
	Order      string // ByName or ByLastEvent
	Descending bool
	Token      string // of an earlier page
	Limit      int
}

// DescribedStream is a stream with how far it has come; the times are in
// milliseconds since 1970 and nil if there are no events.
type DescribedStream struct {
	*Stream
	FirstEvent, LastEvent, LastIngestion *int64
}

// Streams returns a page of a group's streams and the token of the next, "" if
// there is none. It fails with ErrGroupNotFound or ErrToken.
func (r *Room) Streams(s Scope, groupName string, q StreamQuery) ([]DescribedStream, string, error) {
	snap := r.st.Snapshot()
	g, err := group(snap, s, groupName)
	if err != nil {
		return nil, "", err
	}
	latest, err := r.latest(g, q.Order)
	if err != nil {
		return nil, "", err
	}
	key := func(st *Stream) string { return st.Name }
	if q.Order == ByLastEvent {
		key = func(st *Stream) string { return fmt.Sprintf("%020d/%s", latest[st.ID].Event, st.Name) }
	}
	all := slices.Collect(Streams.List(snap, s.named(q.Prefix, g.ID.String())))
	list, next, err := cut(all, key, q, page.Scope("streams", g.ID.String(), q.Prefix, q.Order, direction(q.Descending)))
	if err != nil {
		return nil, "", err
	}
	described, err := r.describe(g, list)
	return described, next, err
}

func direction(descending bool) string {
	if descending {
		return "descending"
	}
	return "ascending"
}

// latest tells how far the group's streams have come, if the order needs it.
func (r *Room) latest(g *Group, order string) (map[ID]logstore.Latest, error) {
	if order != ByLastEvent {
		return nil, nil
	}
	var err error
	latest := map[ID]logstore.Latest{}
	for id, l := range r.events.AllLatest(uint64(g.ID), &err) {
		latest[ID(id)] = l
	}
	return latest, err
}

// cut orders the streams by key and returns the page that the query asks for.
// all is in the order of the names.
func cut(all []*Stream, key func(*Stream) string, q StreamQuery, scope string) (list []*Stream, next string, err error) {
	after, err := page.Decode(scope, q.Token)
	if err != nil {
		return nil, "", ErrToken
	}
	if q.Order == ByLastEvent {
		slices.SortFunc(all, func(a, b *Stream) int { return strings.Compare(key(a), key(b)) })
	}
	behind := func(s *Stream) bool { return key(s) > after }
	if q.Descending {
		slices.Reverse(all)
		behind = func(s *Stream) bool { return after == "" || key(s) < after }
	}
	start := sort.Search(len(all), func(i int) bool { return behind(all[i]) })
	end := min(start+q.Limit, len(all))
	if end < len(all) {
		next = page.Encode(scope, key(all[end-1]))
	}
	return all[start:end], next, nil
}

func (r *Room) describe(g *Group, list []*Stream) ([]DescribedStream, error) {
	from := logstore.At(g.horizon(now()))
	described := make([]DescribedStream, 0, len(list))
	for _, s := range list {
		d := DescribedStream{Stream: s}
		first, some, err1 := r.events.First(uint64(g.ID), uint64(s.ID), from)
		latest, ever, err2 := r.events.Latest(uint64(g.ID), uint64(s.ID))
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		if some {
			d.FirstEvent, d.LastEvent = &first.Time, &latest.Event
		}
		if ever {
			d.LastIngestion = &latest.Ingested
		}
		described = append(described, d)
	}
	return described, nil
}
