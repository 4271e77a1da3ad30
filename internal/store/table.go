package store

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// AnyTable is a table of whatever record type; only [Table] implements it.
type AnyTable interface {
	// Name is the table's name, unique within a store.
	Name() string
	definition() *definition
}

// Spec describes a table. Key and the Keys of each index must be pure: the same answer for the same record, always.
type Spec[T any] struct {
	Name    string          // without "/"; part of every stored key, so it never changes
	Key     func(*T) string // the primary key, not empty; build it with [Key]
	Indexes []Index[T]
}

// Index finds records by a value other than their key.
type Index[T any] struct {
	Name string
	Keys func(*T) []string // zero, one or several values per record
}

// Table is a typed table. It holds no records: those belong to the stores it is opened on.
type Table[T any] struct {
	def *definition
}

// definition is what the untyped machinery knows of a table.
type definition struct {
	name    string
	key     func(any) string
	decode  func([]byte) (any, error)
	indexes []indexDefinition
}

type indexDefinition struct {
	name string
	keys func(any) []string
}

// NewTable makes a table; T must be a struct type that encoding/json can carry. It panics on a spec that could never
// work, for tables are package variables and the mistake is the programmer's.
func NewTable[T any](spec Spec[T]) *Table[T] {
	if spec.Name == "" || strings.Contains(spec.Name, "/") || spec.Key == nil {
		panic(fmt.Sprintf("store: table %q needs a name without a slash and a Key function", spec.Name))
	}
	if reflect.TypeFor[T]().Kind() != reflect.Struct {
		panic(fmt.Sprintf("store: records of table %q must be structs", spec.Name))
	}
	def := &definition{
		name:   spec.Name,
		key:    func(rec any) string { return spec.Key(rec.(*T)) },
		decode: decode[T],
	}
	for _, index := range spec.Indexes {
		if index.Name == "" || index.Keys == nil {
			panic(fmt.Sprintf("store: an index of table %q lacks a name or a Keys function", spec.Name))
		}
		def.indexes = append(def.indexes, indexDefinition{
			name: index.Name,
			keys: func(rec any) []string { return index.Keys(rec.(*T)) },
		})
	}
	return &Table[T]{def: def}
}

func decode[T any](data []byte) (any, error) {
	rec := new(T)
	if err := json.Unmarshal(data, rec); err != nil {
		return nil, err
	}
	return rec, nil
}

// Name is the table's name.
func (t *Table[T]) Name() string { return t.def.name }

func (t *Table[T]) definition() *definition { return t.def }

// index is the position of a named index; an unknown name is a programming error.
func (d *definition) index(name string) int {
	for i := range d.indexes {
		if d.indexes[i].name == name {
			return i
		}
	}
	panic(fmt.Sprintf("store: table %q has no index %q", d.name, name))
}

var keyEscaper = strings.NewReplacer("%", "%25", "/", "%2F", "\x00", "%00")

// Key joins parts with "/"; a "/" or "%" inside a part is percent-encoded, so different parts make different keys, and
// so is a zero byte, which keys cannot have. To list what is below some parts, use Key(parts...) + "/" as the prefix.
func Key(parts ...string) string {
	for i, part := range parts {
		if strings.ContainsAny(part, "/%\x00") {
			escaped := append([]string(nil), parts...)
			for j := i; j < len(escaped); j++ {
				escaped[j] = keyEscaper.Replace(escaped[j])
			}
			return strings.Join(escaped, "/")
		}
	}
	return strings.Join(parts, "/")
}
