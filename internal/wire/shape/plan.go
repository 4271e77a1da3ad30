package shape

import (
	"fmt"
	"reflect"
	"strings"
)

// Kind is the kind of a value on the wire.
type Kind uint8

// The kinds of shapes. A pointer to a scalar has the kind of the scalar.
const (
	String Kind = iota
	Int32
	Int64
	Bool
	Float
	Timestamp
	Blob
	Doc
	List
	Map
	Struct
)

// Plan says how to walk values of one type. Plans are made once, at start-up,
// and are safe for concurrent use.
type Plan struct {
	Kind   Kind
	Type   reflect.Type // the type itself: string for a *string member
	Elem   *Plan        // items of a list, values of a map
	Fields []Field      // members of a structure, in the order of declaration
	byName map[string]int
}

// Field is one member of a structure.
type Field struct {
	Index      int
	Name       string      // in JSON
	Path       string      // in the paths of validation errors
	Query      string      // in query and ec2 requests
	XML        string      // in XML answers
	Item       string      // XML element of a list's items; "": the protocol's own
	Flat       bool        // flattened in query
	Required   bool        // absent is an error
	Constraint *Constraint // nil: none
	Plan       *Plan
	key        string // `"name":`, ready to write
}

// Key returns the member's name as it stands in JSON, quotes and colon included.
func (f *Field) Key() string { return f.key }

// Field finds a member by its JSON name; nil if there is none.
func (p *Plan) Field(name []byte) *Field {
	if i, ok := p.byName[string(name)]; ok {
		return &p.Fields[i]
	}
	return nil
}

// Planner makes plans under one service's constraints. It is not safe for
// concurrent use.
type Planner struct {
	constraints Constraints
	plans       map[reflect.Type]*Plan
}

// NewPlanner returns a planner for shapes whose tags refer to c.
func NewPlanner(c Constraints) *Planner {
	return &Planner{constraints: c, plans: map[reflect.Type]*Plan{}}
}

var scalars = map[reflect.Type]Kind{
	reflect.TypeFor[string]():   String,
	reflect.TypeFor[int32]():    Int32,
	reflect.TypeFor[int64]():    Int64,
	reflect.TypeFor[bool]():     Bool,
	reflect.TypeFor[float64]():  Float,
	reflect.TypeFor[Time]():     Timestamp,
	reflect.TypeFor[[]byte]():   Blob,
	reflect.TypeFor[Document](): Doc,
}

// Plan returns the plan of t. It panics on a type that no model yields and on a
// tag that names no constraint: both are faults of the generator.
func (pl *Planner) Plan(t reflect.Type) *Plan {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if p, ok := pl.plans[t]; ok {
		return p
	}
	p := &Plan{Type: t}
	pl.plans[t] = p // before its members: shapes may be recursive
	if k, ok := scalars[t]; ok {
		p.Kind = k
		return p
	}
	switch t.Kind() {
	case reflect.Slice:
		p.Kind, p.Elem = List, pl.Plan(t.Elem())
	case reflect.Map:
		p.Kind, p.Elem = Map, pl.Plan(t.Elem())
	case reflect.Struct:
		p.Kind = Struct
		pl.members(p)
	default:
		panic(fmt.Sprintf("shape: no plan for type %s", t))
	}
	return p
}

func (pl *Planner) members(p *Plan) {
	p.byName = make(map[string]int, p.Type.NumField())
	for i := range p.Type.NumField() {
		sf := p.Type.Field(i)
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		f := Field{Index: i, Name: name, Path: PathName(name), Query: name, XML: name, Plan: pl.Plan(sf.Type), key: `"` + name + `":`}
		pl.tag(&f, sf.Tag.Get("aws"))
		p.byName[name] = len(p.Fields)
		p.Fields = append(p.Fields, f)
	}
}

func (pl *Planner) tag(f *Field, tag string) {
	for part := range strings.SplitSeq(tag, ",") {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "":
		case "req":
			f.Required = true
		case "flat":
			f.Flat = true
		case "q":
			f.Query = value
		case "x":
			f.XML = value
		case "item":
			f.Item = value
		case "c":
			f.Constraint = pl.Constraint(value)
		default:
			panic(fmt.Sprintf("shape: unknown tag %q of member %s", part, f.Name))
		}
	}
}

// Constraint finds a constraint by name; nil for the empty name.
func (pl *Planner) Constraint(name string) *Constraint {
	if name == "" {
		return nil
	}
	c, ok := pl.constraints[name]
	if !ok {
		panic(fmt.Sprintf("shape: no constraint %q", name))
	}
	return c
}

// PathName is how AWS names a member in the path of a validation error,
// whatever its name on the wire: with a small first letter.
func PathName(name string) string {
	if name == "" || name[0] < 'A' || name[0] > 'Z' {
		return name
	}
	return string(name[0]+'a'-'A') + name[1:]
}
