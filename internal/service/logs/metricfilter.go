package logs

import (
	"context"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/service/logs/pattern"
	"github.com/slipway/slipway/internal/store"
)

// maxFilters is how many metric filters a group may have (CloudWatch Logs quotas).
const maxFilters = 100

// MetricFilter says which events of a group count for a metric.
type MetricFilter struct {
	Scope
	Group           string           `json:"group"` // its name
	GroupID         ID               `json:"groupId"`
	Name            string           `json:"name"`
	Pattern         string           `json:"pattern"`
	Created         int64            `json:"created"` // milliseconds since 1970
	Transformations []Transformation `json:"transformations"`
	Transformed     bool             `json:"transformed,omitempty"` // applyOnTransformedLogs, as the user said
}

// Transformation is what a matching event does to a metric.
type Transformation struct {
	Metric     string            `json:"metric"`
	Namespace  string            `json:"namespace"`
	Value      string            `json:"value"`
	Default    *float64          `json:"default,omitempty"`
	Dimensions map[string]string `json:"dimensions,omitempty"`
	Unit       string            `json:"unit,omitempty"`
}

// Key is the record's store key.
func (f *MetricFilter) Key() string { return f.Scope.named(f.Name, f.GroupID.String()) }

// Counts tells whether the filter changes the metric.
func (f *MetricFilter) Counts(namespace, metric string) bool {
	return slices.ContainsFunc(f.Transformations, func(t Transformation) bool { return t.Namespace == namespace && t.Metric == metric })
}

// check refuses a filter that could never work.
func (f *MetricFilter) check() error {
	if _, err := pattern.Parse(f.Pattern); err != nil {
		return invalid("%s", err)
	}
	if strings.ContainsRune(f.Name, 0) {
		return ErrName
	}
	for _, t := range f.Transformations {
		if t.Default != nil && len(t.Dimensions) > 0 {
			return invalid("Invalid metric transformation: dimensions and default value are mutually exclusive properties.")
		}
		if len(t.Dimensions) > 3 {
			return invalid("Invalid metric transformation: a metric can have at most 3 dimensions.")
		}
	}
	return nil
}

// PutMetricFilter makes a filter or replaces the one of its name.
func (r *Room) PutMetricFilter(ctx context.Context, s Scope, groupName string, want MetricFilter) error {
	if err := want.check(); err != nil {
		return err
	}
	return r.update(ctx, "put metric filter", func(tx *store.Tx) error {
		g, err := group(tx, s, groupName)
		if err != nil {
			return err
		}
		if g.Class != ClassStandard {
			return ErrNotStandard
		}
		want.Scope, want.Group, want.GroupID, want.Created = s, g.Name, g.ID, now()
		old, replaces := MetricFilters.Get(tx, want.Key())
		if replaces {
			want.Created = old.Created
		} else if MetricFilters.Count(tx, indexOwner, g.ID.String()) >= maxFilters {
			return ErrTooManyFilters
		}
		MetricFilters.Put(tx, &want)
		return nil
	})
}

// DeleteMetricFilter removes a filter, or fails with ErrFilterNotFound.
func (r *Room) DeleteMetricFilter(ctx context.Context, s Scope, groupName, name string) error {
	return r.update(ctx, "delete metric filter", func(tx *store.Tx) error {
		g, err := group(tx, s, groupName)
		if err != nil {
			return err
		}
		key := g.named(name, g.ID.String())
		if strings.ContainsRune(name, 0) {
			return ErrFilterNotFound
		}
		if _, ok := MetricFilters.Get(tx, key); !ok {
			return ErrFilterNotFound
		}
		MetricFilters.Delete(tx, key)
		return nil
	})
}

// MetricFilters returns the filters of a group, or of all groups if the name is
// "", in the order of the groups' ids and the filters' names. Those are shared:
// read only.
func (r *Room) MetricFilters(s Scope, groupName, prefix string) ([]*MetricFilter, error) {
	snap := r.st.Snapshot()
	under := s.Key() + "/"
	if groupName != "" {
		g, err := group(snap, s, groupName)
		if err != nil {
			return nil, err
		}
		under = s.named(prefix, g.ID.String())
	}
	var all []*MetricFilter
	for f := range MetricFilters.List(snap, under) {
		if strings.HasPrefix(f.Name, prefix) {
			all = append(all, f)
		}
	}
	return all, nil
}

// CountMetricFilters is how many metric filters the group has.
func (r *Room) CountMetricFilters(g *Group) int {
	return MetricFilters.Count(r.st.Snapshot(), indexOwner, g.ID.String())
}
