package awsjson

import (
	"encoding/base64"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/slipway/slipway/internal/wire/shape"
)

// Decode reads data into v, an addressable structure of plan p that is zero. An
// empty body is an empty structure. nulls are the paths of list items and map
// values that are null, which validation refuses; they are left out of v. The
// error is an *Error.
func Decode(data []byte, p *shape.Plan, v reflect.Value) (nulls []string, err error) {
	d := decoder{scanner: scanner{data: data}}
	if d.peek() == 0 && d.pos == len(data) {
		return nil, nil
	}
	if c := d.peek(); c != '{' && c != '[' {
		return nil, malformed // AWS has no text for a body that is a scalar
	}
	if err := d.value(p, v); err != nil {
		return nil, err
	}
	if d.peek(); d.pos != len(data) {
		return nil, malformed
	}
	return d.nulls, nil
}

type decoder struct {
	scanner
	path  []string // of the value being read; only lists, maps and structures push
	nulls []string
}

// value reads a value that is not null into v: a struct, list, map, or the
// scalar itself, not a pointer to it.
func (d *decoder) value(p *shape.Plan, v reflect.Value) error {
	c := d.peek()
	switch p.Kind {
	case shape.Struct:
		if c != '{' {
			return d.mistyped(c, p.Kind)
		}
		return d.structure(p, v)
	case shape.List:
		if c != '[' {
			return d.mistyped(c, p.Kind)
		}
		return d.list(p, v)
	case shape.Map:
		if c != '{' {
			return d.mistyped(c, p.Kind)
		}
		return d.mapping(p, v)
	case shape.Doc:
		start := d.pos
		if err := d.skip(); err != nil {
			return err
		}
		v.SetBytes(append([]byte(nil), d.data[start:d.pos]...))
		return nil
	}
	return d.scalar(c, p.Kind, v)
}

func (d *decoder) structure(p *shape.Plan, v reflect.Value) error {
	return d.object(func(name []byte) error {
		f := p.Field(name)
		if f == nil {
			return d.skip()
		}
		fv := v.Field(f.Index)
		if null, err := d.null(); null {
			fv.SetZero() // a later null takes an earlier value back
			return err
		}
		d.path = append(d.path, f.Path)
		err := d.member(f.Plan, fv)
		d.path = d.path[:len(d.path)-1]
		return err
	})
}

// member reads into a field, which is a pointer unless it is a list, map, blob
// or document.
func (d *decoder) member(p *shape.Plan, fv reflect.Value) error {
	if fv.Kind() != reflect.Pointer {
		return d.value(p, fv)
	}
	if p.Kind == shape.String {
		s, err := d.str(d.peek())
		if err == nil {
			*fv.Addr().Interface().(**string) = &s
		}
		return err
	}
	target := reflect.New(p.Type)
	if err := d.value(p, target.Elem()); err != nil {
		return err
	}
	fv.Set(target)
	return nil
}

func (d *decoder) list(p *shape.Plan, v reflect.Value) error {
	if p.Elem.Kind == shape.String {
		return d.strings(v)
	}
	v.Set(reflect.MakeSlice(p.Type, 0, 0))
	index := 0
	return d.array(func() error {
		index++
		if null, err := d.null(); null {
			d.nullItem(strconv.Itoa(index))
			return err
		}
		n := v.Len()
		if n == v.Cap() {
			v.Grow(1)
		}
		v.SetLen(n + 1)
		item := v.Index(n)
		item.SetZero()
		d.path = append(d.path, strconv.Itoa(index), "member")
		err := d.value(p.Elem, item)
		d.path = d.path[:len(d.path)-2]
		return err
	})
}

func (d *decoder) strings(v reflect.Value) error {
	list := []string{}
	index := 0
	err := d.array(func() error {
		index++
		if null, err := d.null(); null {
			d.nullItem(strconv.Itoa(index))
			return err
		}
		s, err := d.str(d.peek())
		list = append(list, s)
		return err
	})
	if err != nil {
		return err
	}
	v.Set(reflect.ValueOf(list))
	return nil
}

func (d *decoder) mapping(p *shape.Plan, v reflect.Value) error {
	m := reflect.MakeMap(p.Type)
	v.Set(m)
	return d.object(func(name []byte) error {
		key := string(name)
		if null, err := d.null(); null {
			d.nullItem(key)
			return err
		}
		item := reflect.New(p.Elem.Type).Elem()
		d.path = append(d.path, key, "member")
		err := d.value(p.Elem, item)
		d.path = d.path[:len(d.path)-2]
		if err == nil {
			m.SetMapIndex(reflect.ValueOf(key), item)
		}
		return err
	})
}

// maxNulls bounds what an answer repeats of a request.
const maxNulls = 25

func (d *decoder) nullItem(at string) {
	if len(d.nulls) < maxNulls {
		d.nulls = append(d.nulls, strings.Join(append(d.path, at, "member"), "."))
	}
}

func (d *decoder) scalar(c byte, k shape.Kind, v reflect.Value) error {
	switch k {
	case shape.String:
		s, err := d.str(c)
		if err == nil {
			v.SetString(s)
		}
		return err
	case shape.Bool:
		return d.boolean(c, v)
	case shape.Blob:
		return d.blob(c, v)
	case shape.Timestamp:
		return d.timestamp(c, v)
	case shape.Float:
		return d.float(c, v)
	}
	return d.integer(c, k, v)
}

func (d *decoder) str(c byte) (string, error) {
	if c != '"' {
		return "", d.mistyped(c, shape.String)
	}
	b, err := d.text()
	return string(b), err
}

func (d *decoder) boolean(c byte, v reflect.Value) error {
	switch c {
	case 't':
		v.SetBool(true)
		return d.literal("true")
	case 'f':
		v.SetBool(false)
		return d.literal("false")
	}
	return d.mistyped(c, shape.Bool)
}

func (d *decoder) blob(c byte, v reflect.Value) error {
	if c != '"' {
		return d.mistyped(c, shape.Blob)
	}
	b, err := d.text()
	if err != nil {
		return err
	}
	raw, err := base64.StdEncoding.AppendDecode([]byte{}, b)
	if err != nil {
		return &Error{Text: "Invalid base64-encoded value"}
	}
	v.SetBytes(raw)
	return nil
}

func (d *decoder) timestamp(c byte, v reflect.Value) error {
	var t shape.Time
	var err error
	switch {
	case c == '"':
		var b []byte
		if b, err = d.text(); err != nil {
			return err
		}
		t, err = shape.ParseISO(string(b))
	case numeric(c):
		var b []byte
		if b, err = d.number(); err != nil {
			return err
		}
		t, err = shape.ParseEpoch(string(b))
	default:
		return d.mistyped(c, shape.Timestamp)
	}
	if err != nil {
		return &Error{Text: "STRING_VALUE can not be converted to milliseconds since epoch"}
	}
	v.Set(reflect.ValueOf(t))
	return nil
}

func (d *decoder) float(c byte, v reflect.Value) error {
	if c == '"' { // AWS's spelling of what JSON cannot write
		b, err := d.text()
		if err != nil {
			return err
		}
		f, ok := map[string]float64{"NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1)}[string(b)]
		if !ok {
			return &Error{Text: "STRING_VALUE can not be converted to a Double"}
		}
		v.SetFloat(f)
		return nil
	}
	if !numeric(c) {
		return d.mistyped(c, shape.Float)
	}
	b, err := d.number()
	if err != nil {
		return err
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return &Error{Text: "NUMBER_VALUE can not be converted to a Double"}
	}
	v.SetFloat(f)
	return nil
}

func (d *decoder) integer(c byte, k shape.Kind, v reflect.Value) error {
	if !numeric(c) {
		return d.mistyped(c, k)
	}
	b, err := d.number()
	if err != nil {
		return err
	}
	bits := 64
	if k == shape.Int32 {
		bits = 32
	}
	n, err := strconv.ParseInt(string(b), 10, bits)
	if err != nil {
		var ok bool
		if n, ok = integral(string(b), bits); !ok {
			return &Error{Text: "NUMBER_VALUE can not be converted to " + article(k)}
		}
	}
	v.SetInt(n)
	return nil
}

// integral reads numbers such as 5.0 and 1e2, which are integers too.
func integral(s string, bits int) (int64, bool) {
	f, err := strconv.ParseFloat(s, 64)
	limit := math.Ldexp(1, bits-1)
	if err != nil || f != math.Trunc(f) || f < -limit || f >= limit {
		return 0, false
	}
	return int64(f), true
}

func numeric(c byte) bool { return c == '-' || '0' <= c && c <= '9' }

// mistyped says, in the words seen from AWS, that the value starting with c is
// none of kind k. What follows c is not looked at: AWS stops there too.
func (d *decoder) mistyped(c byte, k shape.Kind) error {
	switch {
	case c == '{':
		return &Error{Text: "Start of structure or map found where not expected."}
	case c == '[':
		return &Error{Text: "Start of list found where not expected"}
	case c == 0 || c != '"' && c != 't' && c != 'f' && !numeric(c):
		return malformed
	case k == shape.List:
		return &Error{Text: "Expected list or null"}
	case k == shape.Struct:
		return &Error{Text: "Expected null"}
	case k == shape.Map:
		return &Error{Text: "Expected map or null"}
	}
	token := map[byte]string{'"': "STRING_VALUE", 't': "TRUE_VALUE", 'f': "FALSE_VALUE"}[c]
	if token == "" {
		token = "NUMBER_VALUE"
	}
	return &Error{Text: token + " can not be converted to " + article(k)}
}

func article(k shape.Kind) string {
	switch k {
	case shape.Int32:
		return "an Integer"
	case shape.Int64:
		return "a Long"
	case shape.Bool:
		return "a Boolean"
	case shape.Float:
		return "a Double"
	case shape.Timestamp:
		return "milliseconds since epoch"
	case shape.Blob:
		return "a Blob"
	}
	return "a String"
}
