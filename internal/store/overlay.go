package store

import (
	"slices"
	"strings"
)

// overlay holds the uncommitted writes of a Tx to one table. A nil overlay has none.
type overlay struct {
	def    *definition
	writes map[string]*entry // a nil record is a deletion
}

func (o *overlay) get(key string) (*entry, bool) {
	if o == nil {
		return nil, false
	}
	e, ok := o.writes[key]
	return e, ok
}

// prefixed lays the writes over a walk of the keys with a prefix.
func (o *overlay) prefixed(base walk, prefix, after string) walk {
	return o.over(base, func(e *entry) bool { return strings.HasPrefix(e.key, prefix) && e.key > after })
}

// indexed lays the writes over a walk of the records with an index value.
func (o *overlay) indexed(base walk, index int, value, after string) walk {
	return o.over(base, func(e *entry) bool { return e.key > after && o.has(e, index, value) })
}

func (o *overlay) has(e *entry, index int, value string) bool {
	return slices.Contains(o.def.indexes[index].keys(e.rec), value)
}

// over merges the written records that match into a walk, hiding what the writes replaced or deleted.
func (o *overlay) over(base walk, match func(*entry) bool) walk {
	if o == nil {
		return base
	}
	var written []*entry
	replaced := make(map[string]bool, len(o.writes))
	for key, e := range o.writes {
		replaced[key] = true
		if e.rec != nil && match(e) {
			written = append(written, e)
		}
	}
	slices.SortFunc(written, func(a, b *entry) int { return strings.Compare(a.key, b.key) })
	stored := base.without(replaced)
	head := stored()
	return func() *entry {
		if len(written) > 0 && (head == nil || written[0].key < head.key) {
			e := written[0]
			written = written[1:]
			return e
		}
		e := head
		if e != nil {
			head = stored()
		}
		return e
	}
}

// without skips the entries with these keys.
func (w walk) without(keys map[string]bool) walk {
	return func() *entry {
		for {
			if e := w(); e == nil || !keys[e.key] {
				return e
			}
		}
	}
}

// countDelta is by how much the writes change the number of records with an index value.
func (o *overlay) countDelta(base *rows, index int, value string) (delta int) {
	if o == nil {
		return 0
	}
	for key, e := range o.writes {
		if old, ok := base.byKey.get(key); ok && o.has(old, index, value) {
			delta--
		}
		if e.rec != nil && o.has(e, index, value) {
			delta++
		}
	}
	return delta
}
