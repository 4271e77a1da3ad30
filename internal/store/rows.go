package store

import (
	"cmp"
	"strings"
)

// entry is one stored record. Entries never change; a write makes a new one.
type entry struct {
	key string
	mod int64 // etcd's modification revision; 0 for a write that a Tx has not committed
	rec any   // *T; nil, in a Tx only, for a deletion
}

// posting is one value of an index, with the record that has it.
type posting struct {
	value string
	*entry
}

type postingKey struct{ value, key string }

var rowOrder = &order[string, *entry]{
	key:     func(e *entry) string { return e.key },
	compare: func(key string, e *entry) int { return strings.Compare(key, e.key) },
}

var postingOrder = &order[postingKey, posting]{
	key: func(p posting) postingKey { return postingKey{p.value, p.key} },
	compare: func(k postingKey, p posting) int {
		return cmp.Or(strings.Compare(k.value, p.value), strings.Compare(k.key, p.key))
	},
}

// rows is one version of a table's contents.
type rows struct {
	byKey   tree[string, *entry]
	byIndex []tree[postingKey, posting]
}

func newRows(def *definition) *rows {
	r := &rows{byKey: tree[string, *entry]{order: rowOrder}}
	for range def.indexes {
		r.byIndex = append(r.byIndex, tree[postingKey, posting]{order: postingOrder})
	}
	return r
}

// edit returns a version that can be changed; r stays as it is.
func (r *rows) edit() *rows {
	e := &rows{byKey: r.byKey.edit(), byIndex: make([]tree[postingKey, posting], len(r.byIndex))}
	for i := range r.byIndex {
		e.byIndex[i] = r.byIndex[i].edit()
	}
	return e
}

// set puts the entry in place of the one with its key and returns that, or nil.
func (r *rows) set(def *definition, e *entry) (before *entry) {
	before, _ = r.byKey.get(e.key)
	r.byKey.set(e)
	for i := range def.indexes {
		values := def.indexes[i].keys(e.rec)
		if before != nil {
			r.unpost(def, i, before, values)
		}
		for _, value := range values {
			r.post(i, value, e)
		}
	}
	return before
}

// remove takes the record with the key away and returns it, or nil.
func (r *rows) remove(def *definition, key string) (before *entry) {
	before, ok := r.byKey.get(key)
	if !ok {
		return nil
	}
	r.byKey.delete(key)
	for i := range def.indexes {
		r.unpost(def, i, before, nil)
	}
	return before
}

// post adds a posting. It reuses a neighbour's copy of the value, for most values belong to many records.
func (r *rows) post(index int, value string, e *entry) {
	c := r.byIndex[index].from(postingKey{value: value})
	if p, ok := c.next(); ok && p.value == value {
		value = p.value
	}
	r.byIndex[index].set(posting{value, e})
}

// unpost removes the postings of a record except those with the values to keep, which are about to be replaced.
func (r *rows) unpost(def *definition, index int, e *entry, keep []string) {
next:
	for _, value := range def.indexes[index].keys(e.rec) {
		for _, k := range keep {
			if k == value {
				continue next
			}
		}
		r.byIndex[index].delete(postingKey{value, e.key})
	}
}

// underPrefix walks the records whose key starts with prefix and is greater than after.
func (r *rows) underPrefix(prefix, after string) walk {
	start := max(prefix, after)
	c := r.byKey.from(start)
	return func() *entry {
		for {
			e, ok := c.next()
			switch {
			case !ok || !strings.HasPrefix(e.key, prefix):
				return nil
			case e.key == after && after != "":
			default:
				return e
			}
		}
	}
}

// withValue walks the records with the index value whose key is greater than after.
func (r *rows) withValue(index int, value, after string) walk {
	c := r.byIndex[index].from(postingKey{value, after})
	return func() *entry {
		for {
			p, ok := c.next()
			switch {
			case !ok || p.value != value:
				return nil
			case p.key == after && after != "":
			default:
				return p.entry
			}
		}
	}
}

// count is the number of records with the index value.
func (r *rows) count(index int, value string) int {
	t := &r.byIndex[index]
	return t.rank(postingKey{value: value + "\x00"}) - t.rank(postingKey{value: value})
}

// walk yields entries in key order, then nil.
type walk func() *entry
