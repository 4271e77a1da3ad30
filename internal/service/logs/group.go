package logs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/tag"
)

// The classes of groups.
const (
	ClassStandard   = "STANDARD"
	ClassInfrequent = "INFREQUENT_ACCESS"
	ClassDelivery   = "DELIVERY"
)

// deliveryRetention is how many days a group of the class DELIVERY keeps its
// events, unchangeably (CloudWatch Logs user guide, "Log classes").
const deliveryRetention = 2

// Group is a named set of streams.
type Group struct {
	Scope
	Name      string    `json:"name"`
	ID        ID        `json:"id"`
	Created   int64     `json:"created"` // milliseconds since 1970
	Class     string    `json:"class"`
	Retention int32     `json:"retention,omitempty"` // days; 0: for ever
	Protected bool      `json:"protected,omitempty"` // against deletion
	Tags      []tag.Tag `json:"tags,omitempty"`
}

// Key is the record's store key.
func (g *Group) Key() string { return g.Scope.named(g.Name) }

// ARN names the group, without ":*".
func (g *Group) ARN() string { return g.GroupARN(g.Name) }

// CreateGroup makes an empty group of the wanted name, class, protection and
// tags, or fails with ErrGroupExists.
func (r *Room) CreateGroup(ctx context.Context, s Scope, want Group) error {
	want.Scope, want.ID, want.Created = s, newID(), now()
	if want.Class == "" {
		want.Class = ClassStandard
	}
	if want.Class == ClassDelivery {
		want.Retention = deliveryRetention
	}
	return r.update(ctx, "create log group", func(tx *store.Tx) error {
		if _, taken := Groups.Get(tx, want.Key()); taken {
			return ErrGroupExists
		}
		Groups.Put(tx, &want)
		return nil
	})
}

func (r *Room) update(ctx context.Context, what string, f func(*store.Tx) error) error {
	if err := r.st.Update(ctx, f); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// Group returns one group or ErrGroupNotFound. The record is shared: read only.
func (r *Room) Group(s Scope, name string) (*Group, error) {
	return group(r.st.Snapshot(), s, name)
}

func group(reader store.Reader, s Scope, name string) (*Group, error) {
	g, ok := Groups.Get(reader, s.named(name))
	if !ok {
		return nil, ErrGroupNotFound
	}
	return g, nil
}

// GroupQuery asks for groups; empty members do not restrict.
type GroupQuery struct {
	Prefix string            // of the name
	Accept func(*Group) bool // nil: all
	After  string            // the name after which the page begins
	Limit  int
}

// Groups returns a page of groups in the order of their names. more tells
// whether there are others.
func (r *Room) Groups(s Scope, q GroupQuery) (page []*Group, more bool) {
	after := ""
	if q.After != "" {
		after = s.named(q.After)
	}
	for g := range Groups.ListAfter(r.st.Snapshot(), s.named(q.Prefix), after) {
		if q.Accept != nil && !q.Accept(g) {
			continue
		}
		if len(page) == q.Limit {
			return page, true
		}
		page = append(page, g)
	}
	return page, false
}

// ChangeGroup lets change edit a copy of the group's record, which is then
// stored. What change returns is returned, and then nothing is stored.
func (r *Room) ChangeGroup(ctx context.Context, s Scope, name string, change func(*Group) error) error {
	return r.update(ctx, "change log group", func(tx *store.Tx) error {
		g, err := group(tx, s, name)
		if err != nil {
			return err
		}
		changed := *g
		changed.Tags = slices.Clone(g.Tags)
		if err := change(&changed); err != nil {
			return err
		}
		Groups.Put(tx, &changed)
		return nil
	})
}

// retentions are the days for which events may be kept (PutRetentionPolicy).
var retentions = []int32{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// SetRetention says for how many days events are kept, nil: for ever. It fails
// with an *Error if the number is none that AWS allows.
func (r *Room) SetRetention(ctx context.Context, s Scope, name string, days *int32) error {
	if days != nil && !slices.Contains(retentions, *days) {
		return retentionError(*days)
	}
	return r.ChangeGroup(ctx, s, name, func(g *Group) error {
		if g.Class == ClassDelivery {
			return ErrDeliveryRetention
		}
		g.Retention = 0
		if days != nil {
			g.Retention = *days
		}
		return nil
	})
}

// StoredBytes is about how much the group's events take on disk.
func (r *Room) StoredBytes(g *Group) (int64, error) {
	n, err := r.events.Usage(uint64(g.ID))
	return int64(n), err
}

const day = 24 * 60 * 60 * 1000 // milliseconds

// horizon is the time before which the group's events are out of sight.
func (g *Group) horizon(now int64) int64 {
	if g.Retention == 0 {
		return 0
	}
	return max(0, now-int64(g.Retention)*day)
}

// TagMap returns tags as the API of this service writes them, never nil.
func TagMap(tags []tag.Tag) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}

// TagList is the reverse of TagMap, in the order of the keys.
func TagList(m map[string]string) []tag.Tag {
	list := make([]tag.Tag, 0, len(m))
	for _, k := range slices.SortedFunc(maps.Keys(m), strings.Compare) {
		list = append(list, tag.Tag{Key: k, Value: m[k]})
	}
	return list
}
