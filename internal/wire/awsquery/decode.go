package awsquery

import (
	"encoding/base64"
	"reflect"
	"strconv"

	"github.com/slipway/slipway/internal/wire/shape"
)

// Decode reads the form into v, an addressable structure of plan p that is zero.
// The error is an *Error.
func (f Form) Decode(d Dialect, p *shape.Plan, v reflect.Value) error {
	return decoder{Dialect: d}.structure(f, "", p, v)
}

// MaxDepth is how deeply structures may nest.
const MaxDepth = 64

type decoder struct {
	Dialect
	depth int
}

func (d decoder) structure(f Form, prefix string, p *shape.Plan, v reflect.Value) error {
	if d.depth++; d.depth > MaxDepth {
		return &Error{Text: "Nesting is too deep"}
	}
	for i := range p.Fields {
		m := &p.Fields[i]
		name := prefix + m.Query
		value, given := f.Get(name)
		inner := f.under(name)
		if !given && len(inner) == 0 {
			continue
		}
		fv := v.Field(m.Index)
		if fv.Kind() == reflect.Pointer {
			fv.Set(reflect.New(m.Plan.Type))
			fv = fv.Elem()
		}
		if err := d.value(inner, name, value, m.Flat, m.Plan, fv); err != nil {
			return err
		}
	}
	return nil
}

// value reads the parameter name with its value, and what is under it.
func (d decoder) value(f Form, name, value string, flat bool, p *shape.Plan, v reflect.Value) error {
	switch p.Kind {
	case shape.Struct:
		return d.structure(f, name+".", p, v)
	case shape.List:
		return d.list(f, name, flat, p, v)
	case shape.Map:
		return d.mapping(f, name, flat, p, v)
	}
	return scalar(name, value, p.Kind, v)
}

// list reads Name.1 or Name.member.1; "Name=" alone is an empty list.
func (d decoder) list(f Form, name string, flat bool, p *shape.Plan, v reflect.Value) error {
	if !d.Flat && !flat {
		name += ".member"
	}
	indexes := f.indexes(name)
	list := reflect.MakeSlice(p.Type, len(indexes), len(indexes))
	for i, index := range indexes {
		at := name + "." + index
		value, _ := f.Get(at)
		if err := d.value(f.under(at), at, value, false, p.Elem, list.Index(i)); err != nil {
			return err
		}
	}
	v.Set(list)
	return nil
}

// mapping reads Name.entry.1.key and Name.entry.1.value.
func (d decoder) mapping(f Form, name string, flat bool, p *shape.Plan, v reflect.Value) error {
	if !flat {
		name += ".entry"
	}
	m := reflect.MakeMap(p.Type)
	for _, index := range f.indexes(name) {
		at := name + "." + index
		key, _ := f.Get(at + ".key")
		value, _ := f.Get(at + ".value")
		item := reflect.New(p.Elem.Type).Elem()
		if err := d.value(f.under(at+".value"), at+".value", value, false, p.Elem, item); err != nil {
			return err
		}
		m.SetMapIndex(reflect.ValueOf(key), item)
	}
	v.Set(m)
	return nil
}

func scalar(name, value string, k shape.Kind, v reflect.Value) error {
	switch k {
	case shape.Bool:
		switch value {
		case "true", "1":
			v.SetBool(true)
		case "false", "0":
		default:
			return invalid(name, value, "boolean")
		}
	case shape.Int32, shape.Int64:
		n, err := strconv.ParseInt(value, 10, map[shape.Kind]int{shape.Int32: 32, shape.Int64: 64}[k])
		if err != nil {
			return invalid(name, value, "integer")
		}
		v.SetInt(n)
	case shape.Float:
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return invalid(name, value, "double")
		}
		v.SetFloat(n)
	case shape.Timestamp:
		t, err := shape.ParseISO(value)
		if err != nil {
			return invalid(name, value, "timestamp")
		}
		v.Set(reflect.ValueOf(t))
	case shape.Blob:
		raw, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			return invalid(name, value, "base64")
		}
		v.SetBytes(raw)
	default:
		v.SetString(value)
	}
	return nil
}

func invalid(name, value, kind string) error {
	if len(value) > 128 {
		value = value[:128]
	}
	return &Error{Param: name, Text: "Invalid value '" + value + "' for " + name + ". The value must be a valid " + kind + "."}
}
