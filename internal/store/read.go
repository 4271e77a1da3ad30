package store

import (
	"fmt"
	"iter"
)

// Reader is what reads take: a *[Snapshot] or a *[Tx].
type Reader interface {
	// open returns the contents of a table, and the uncommitted writes over them, if any.
	open(def *definition) (*rows, *overlay)
	// lookup returns one entry, or nil. A Tx remembers that it was asked for.
	lookup(def *definition, key string) *entry
}

// Snapshot is an immutable view of all tables at one revision. It needs no closing; it costs memory only for what has
// changed since.
type Snapshot struct {
	schema   *schema
	revision int64
	tables   []*rows
	replica  *replica
}

// Revision is etcd's revision up to which the snapshot holds every commit.
func (s *Snapshot) Revision() int64 { return s.revision }

func (s *Snapshot) open(def *definition) (*rows, *overlay) { return s.tables[s.schema.table(def)], nil }

func (s *Snapshot) lookup(def *definition, key string) *entry {
	e, _ := s.tables[s.schema.table(def)].byKey.get(key)
	return e
}

// schema is the set of tables that a store was opened with.
type schema struct {
	definitions []*definition
	byName      map[string]int
}

func newSchema(tables []AnyTable) (*schema, error) {
	s := &schema{byName: make(map[string]int)}
	for _, t := range tables {
		if _, twice := s.byName[t.Name()]; twice {
			return nil, fmt.Errorf("open store: two tables are named %q", t.Name())
		}
		s.byName[t.Name()] = len(s.definitions)
		s.definitions = append(s.definitions, t.definition())
	}
	return s, nil
}

// table is the position of a table; one that was not given to Open is a programming error.
func (s *schema) table(def *definition) int {
	i, ok := s.byName[def.name]
	if !ok || s.definitions[i] != def {
		panic(fmt.Sprintf("store: table %q was not given to Open", def.name))
	}
	return i
}

// empty is the snapshot with nothing in it.
func (s *schema) empty(r *replica) *Snapshot {
	snap := &Snapshot{schema: s, replica: r}
	for _, def := range s.definitions {
		snap.tables = append(snap.tables, newRows(def))
	}
	return snap
}

// Get returns the record with the key and whether there is one.
func (t *Table[T]) Get(r Reader, key string) (*T, bool) {
	e := r.lookup(t.def, key)
	if e == nil {
		return nil, false
	}
	return e.rec.(*T), true
}

// List walks the records whose key starts with prefix, in key order. On a Tx it shows the writes made before the loop
// began.
func (t *Table[T]) List(r Reader, prefix string) iter.Seq[*T] { return t.ListAfter(r, prefix, "") }

// ListAfter is List from the first key that is greater than after; it starts in O(log n), for pagination.
func (t *Table[T]) ListAfter(r Reader, prefix, after string) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		rows, over := r.open(t.def)
		records(over.prefixed(rows.underPrefix(prefix, after), prefix, after), yield)
	}
}

// By walks the records with exactly this value in the index, in key order.
func (t *Table[T]) By(r Reader, index, value string) iter.Seq[*T] {
	return t.ByAfter(r, index, value, "")
}

// ByAfter is By from the first key that is greater than after.
func (t *Table[T]) ByAfter(r Reader, index, value, after string) iter.Seq[*T] {
	i := t.def.index(index)
	return func(yield func(*T) bool) {
		rows, over := r.open(t.def)
		records(over.indexed(rows.withValue(i, value, after), i, value, after), yield)
	}
}

func records[T any](next walk, yield func(*T) bool) {
	for e := next(); e != nil; e = next() {
		if !yield(e.rec.(*T)) {
			return
		}
	}
}

// Count is the number of records that By would walk, in O(log n).
func (t *Table[T]) Count(r Reader, index, value string) int {
	rows, over := r.open(t.def)
	i := t.def.index(index)
	return rows.count(i, value) + over.countDelta(rows, i, value)
}
