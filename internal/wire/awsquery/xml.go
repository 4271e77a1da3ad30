package awsquery

import (
	"encoding/base64"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/slipway/slipway/internal/wire/shape"
)

// AppendMembers appends the members of v, an addressable structure of plan p, as
// XML elements.
func AppendMembers(b []byte, d Dialect, p *shape.Plan, v reflect.Value) []byte {
	return encoder{d}.members(b, p, v)
}

type encoder struct{ Dialect }

func (e encoder) members(b []byte, p *shape.Plan, v reflect.Value) []byte {
	for i := range p.Fields {
		f := &p.Fields[i]
		fv := v.Field(f.Index)
		if fv.IsNil() { // every member is a pointer, slice or map
			continue
		}
		if fv.Kind() == reflect.Pointer {
			fv = fv.Elem()
		}
		b = e.member(b, f, fv)
	}
	return b
}

func (e encoder) member(b []byte, f *shape.Field, v reflect.Value) []byte {
	if f.Flat && f.Plan.Kind == shape.List {
		return e.items(b, f.XML, f.Plan, v)
	}
	if f.Flat && f.Plan.Kind == shape.Map {
		return e.entries(b, f.XML, f.Plan, v)
	}
	item := f.Item
	if item == "" {
		item = e.Item
	}
	return e.element(b, f.XML, item, f.Plan, v)
}

// element appends <name>…</name>; item names the elements of a list within.
func (e encoder) element(b []byte, name, item string, p *shape.Plan, v reflect.Value) []byte {
	b = openTag(b, name)
	switch p.Kind {
	case shape.Struct:
		b = e.members(b, p, v)
	case shape.List:
		b = e.items(b, item, p, v)
	case shape.Map:
		b = e.entries(b, "entry", p, v)
	default:
		b = appendScalar(b, p.Kind, v)
	}
	return closeTag(b, name)
}

func (e encoder) items(b []byte, name string, p *shape.Plan, v reflect.Value) []byte {
	for i := range v.Len() {
		b = e.element(b, name, e.Item, p.Elem, v.Index(i))
	}
	return b
}

func (e encoder) entries(b []byte, name string, p *shape.Plan, v reflect.Value) []byte {
	keys := make([]string, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		keys = append(keys, it.Key().String())
	}
	slices.Sort(keys)
	item := reflect.New(p.Elem.Type).Elem()
	for _, k := range keys {
		b = openTag(b, name)
		b = AppendElement(b, "key", k)
		item.Set(v.MapIndex(reflect.ValueOf(k)))
		b = e.element(b, "value", e.Item, p.Elem, item)
		b = closeTag(b, name)
	}
	return b
}

func appendScalar(b []byte, k shape.Kind, v reflect.Value) []byte {
	switch k {
	case shape.Bool:
		return strconv.AppendBool(b, v.Bool())
	case shape.Int32, shape.Int64:
		return strconv.AppendInt(b, v.Int(), 10)
	case shape.Float:
		return strconv.AppendFloat(b, v.Float(), 'f', -1, 64)
	case shape.Timestamp:
		return v.Addr().Interface().(*shape.Time).AppendISO(b)
	case shape.Blob:
		return base64.StdEncoding.AppendEncode(b, v.Bytes())
	}
	return appendText(b, v.String())
}

// AppendElement appends <name>text</name>.
func AppendElement(b []byte, name, text string) []byte {
	return closeTag(appendText(openTag(b, name), text), name)
}

func openTag(b []byte, name string) []byte {
	return append(append(append(b, '<'), name...), '>')
}

func closeTag(b []byte, name string) []byte {
	return append(append(append(b, "</"...), name...), '>')
}

// appendText escapes s; what XML 1.0 cannot hold becomes U+FFFD.
func appendText(b []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '<':
			b = append(b, "&lt;"...)
		case r == '>':
			b = append(b, "&gt;"...)
		case r == '&':
			b = append(b, "&amp;"...)
		case r == '"':
			b = append(b, "&quot;"...)
		case r == '\r':
			b = append(b, "&#xD;"...) // a parser would make it a newline
		case r < ' ' && r != '\t' && r != '\n', r == 0xFFFE, r == 0xFFFF:
			b = append(b, "\ufffd"...)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}
