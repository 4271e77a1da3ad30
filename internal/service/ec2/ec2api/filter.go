package ec2api

import (
	"slices"
	"strconv"
	"strings"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/ec2/ec2shape"
	"github.com/slipway/slipway/internal/tag"
	"github.com/slipway/slipway/internal/wildcard"
)

// attributes tells how a record answers to filters: the values that it has under
// each name.
type attributes[T any] map[string]func(T) []string

// one makes an attribute with a single value.
func one[T any](value func(T) string) func(T) []string {
	return func(rec T) []string { return []string{value(rec)} }
}

// keep returns the records that pass every filter. Within a filter one matching
// value is enough. tags may be nil for records that have none.
func (known attributes[T]) keep(all []T, filters []ec2shape.Filter, tags func(T) []tag.Tag) ([]T, error) {
	for _, f := range filters {
		name := deref(f.Name)
		values, ok := known.lookup(name, tags)
		if !ok {
			return nil, apierr.Client("InvalidParameterValue", "The filter '%s' is invalid", name)
		}
		all = slices.DeleteFunc(slices.Clone(all), func(rec T) bool { return !anyMatch(f.Values, values(rec)) })
	}
	return all, nil
}

func (known attributes[T]) lookup(name string, tags func(T) []tag.Tag) (func(T) []string, bool) {
	if values, ok := known[name]; ok {
		return values, true
	}
	wanted, byKey := strings.CutPrefix(name, "tag:")
	if tags == nil || !byKey && name != "tag-key" {
		return nil, false
	}
	return func(rec T) []string {
		var out []string
		for _, t := range tags(rec) {
			switch {
			case !byKey:
				out = append(out, t.Key)
			case t.Key == wanted:
				out = append(out, t.Value)
			}
		}
		return out
	}, true
}

func anyMatch(patterns, values []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		return slices.ContainsFunc(values, func(v string) bool { return wildcard.MatchEscaped(p, v) })
	})
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func boolean(b bool) string { return strconv.FormatBool(b) }
