package store

import (
	"errors"
	"fmt"
	"iter"
	"strings"
)

// Tx is one attempt of an [Store.Update]: the snapshot it began with, under its own writes. It belongs to the
// goroutine that runs the function and is dead when the function returns.
type Tx struct {
	base     *Snapshot
	overlays []*overlay         // per table, nil while unwritten
	guards   map[location]int64 // expected modification revision of each key read or written; 0 means absent
	prefixes map[location]bool  // guarded prefixes
	err      error              // the first misuse; it aborts the commit
	done     bool
}

// location is a key, or a prefix of keys, of a table of the schema.
type location struct {
	table int
	key   string
}

func newTx(base *Snapshot) *Tx {
	return &Tx{base: base, overlays: make([]*overlay, len(base.tables)), guards: make(map[location]int64)}
}

// Revision is the revision of the snapshot that this attempt began with.
func (tx *Tx) Revision() int64 { return tx.base.revision }

func (tx *Tx) open(def *definition) (*rows, *overlay) {
	tx.mustBeOpen()
	i := tx.base.schema.table(def)
	return tx.base.tables[i], tx.overlays[i]
}

func (tx *Tx) lookup(def *definition, key string) *entry {
	tx.mustBeOpen()
	i := tx.base.schema.table(def)
	e := tx.guard(i, key)
	if w, ok := tx.overlays[i].get(key); ok {
		if w.rec == nil {
			return nil
		}
		return w
	}
	return e
}

// guard makes the commit depend on the key, and returns what the snapshot has there.
func (tx *Tx) guard(table int, key string) *entry {
	e, ok := tx.base.tables[table].byKey.get(key)
	mod := int64(0)
	if ok {
		mod = e.mod
	}
	tx.guards[location{table, key}] = mod
	return e
}

func (tx *Tx) mustBeOpen() {
	if tx.done {
		panic("store: a Tx was used after its Update function returned")
	}
}

func (tx *Tx) write(def *definition, e *entry) {
	tx.mustBeOpen()
	if e.key == "" || strings.ContainsRune(e.key, 0) {
		tx.err = errors.Join(tx.err, fmt.Errorf("write to table %q: bad key %q", def.name, e.key))
		return
	}
	i := tx.base.schema.table(def)
	stored := tx.guard(i, e.key)
	if tx.overlays[i] == nil {
		tx.overlays[i] = &overlay{def: def, writes: make(map[string]*entry)}
	}
	if e.rec == nil && stored == nil {
		// No write at all. etcd gives a transaction that changes nothing no revision of its own but answers with the
		// latest, which is another commit's.
		delete(tx.overlays[i].writes, e.key)
		return
	}
	tx.overlays[i].writes[e.key] = e
}

// changes says whether there is anything to commit.
func (tx *Tx) changes() bool {
	for range tx.written() {
		return true
	}
	return false
}

// Put inserts the record or replaces the one with its key. The record is stored as it is when the Update function
// returns; readers get a decoded copy of what was stored, never rec itself.
func (t *Table[T]) Put(tx *Tx, rec *T) {
	tx.write(t.def, &entry{key: t.def.key(rec), rec: rec})
}

// Delete removes the record with the key; it is no error if there is none.
func (t *Table[T]) Delete(tx *Tx, key string) { tx.write(t.def, &entry{key: key}) }

// GuardPrefix makes the commit fail, and the function run again, if any record whose key starts with prefix was
// added, changed or removed since the snapshot. It costs one comparison per record there, so keep prefixes narrow.
func (t *Table[T]) GuardPrefix(tx *Tx, prefix string) {
	tx.mustBeOpen()
	if tx.prefixes == nil {
		tx.prefixes = make(map[location]bool)
	}
	i := tx.base.schema.table(t.def)
	tx.prefixes[location{i, prefix}] = true
	next := tx.base.tables[i].underPrefix(prefix, "")
	for e := next(); e != nil; e = next() {
		tx.guards[location{i, e.key}] = e.mod
	}
}

// written walks the keys that the transaction puts or deletes.
func (tx *Tx) written() iter.Seq2[location, *entry] {
	return func(yield func(location, *entry) bool) {
		for i, o := range tx.overlays {
			if o == nil {
				continue
			}
			for key, e := range o.writes {
				if !yield(location{i, key}, e) {
					return
				}
			}
		}
	}
}

// holds says whether the guarded keys are on the snapshot what they were at the beginning.
func (tx *Tx) holds(now *Snapshot) bool {
	if now == tx.base {
		return true
	}
	for at, mod := range tx.guards {
		e, ok := now.tables[at.table].byKey.get(at.key)
		if ok && e.mod != mod || !ok && mod != 0 {
			return false
		}
	}
	return true
}
