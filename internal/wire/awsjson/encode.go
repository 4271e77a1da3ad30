package awsjson

import (
	"encoding/base64"
	"math"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/slipway/slipway/internal/wire/shape"
)

// Append appends the JSON of v, an addressable value of plan p.
func Append(b []byte, p *shape.Plan, v reflect.Value) []byte {
	switch p.Kind {
	case shape.Struct:
		return appendStruct(b, p, v)
	case shape.List:
		return appendList(b, p, v)
	case shape.Map:
		return appendMap(b, p, v)
	case shape.String:
		return AppendString(b, v.String())
	case shape.Bool:
		return strconv.AppendBool(b, v.Bool())
	case shape.Int32, shape.Int64:
		return strconv.AppendInt(b, v.Int(), 10)
	case shape.Float:
		return appendFloat(b, v.Float())
	case shape.Timestamp:
		return v.Addr().Interface().(*shape.Time).AppendEpoch(b)
	case shape.Blob:
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, v.Bytes())
		return append(b, '"')
	}
	return append(b, v.Bytes()...) // a document
}

func appendStruct(b []byte, p *shape.Plan, v reflect.Value) []byte {
	b = append(b, '{')
	first := true
	for i := range p.Fields {
		f := &p.Fields[i]
		fv := v.Field(f.Index)
		if fv.IsNil() { // every member is a pointer, slice or map
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, f.Key()...)
		if fv.Kind() == reflect.Pointer {
			fv = fv.Elem()
		}
		b = Append(b, f.Plan, fv)
	}
	return append(b, '}')
}

func appendList(b []byte, p *shape.Plan, v reflect.Value) []byte {
	b = append(b, '[')
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		b = Append(b, p.Elem, v.Index(i))
	}
	return append(b, ']')
}

// appendMap writes the keys in order, so that equal answers are equal bytes.
func appendMap(b []byte, p *shape.Plan, v reflect.Value) []byte {
	keys := make([]string, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		keys = append(keys, it.Key().String())
	}
	slices.Sort(keys)
	b = append(b, '{')
	item := reflect.New(p.Elem.Type).Elem()
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, k)
		b = append(b, ':')
		item.Set(v.MapIndex(reflect.ValueOf(k)))
		b = Append(b, p.Elem, item)
	}
	return append(b, '}')
}

func appendFloat(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(b, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(b, `"-Infinity"`...)
	case f == math.Trunc(f) && math.Abs(f) < 1e15:
		return strconv.AppendFloat(b, f, 'f', 1, 64) // 50.0, as AWS writes doubles
	}
	return strconv.AppendFloat(b, f, 'g', -1, 64)
}

// AppendString appends s as a JSON string. Bytes that are no UTF-8 become
// U+FFFD.
func AppendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += size
			continue
		}
		i++
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i-1]...)
		start = i
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}
