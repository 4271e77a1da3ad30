package validate

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/slipway/slipway/internal/wire/shape"
)

// quote writes a value as AWS's messages do: 'x' and '[a, b]'. Structures are
// shown by their set members.
func quote(v reflect.Value) string { return "'" + cut(text(v)) + "'" }

func cut(s string) string {
	if len(s) > maxValue {
		return strings.ToValidUTF8(s[:maxValue], "") + "..."
	}
	return s
}

func text(v reflect.Value) string {
	switch t := v.Interface().(type) {
	case []byte:
		return fmt.Sprintf("[%d bytes]", len(t))
	case shape.Document:
		return string(t)
	case shape.Time:
		return string(t.AppendISO(nil))
	}
	switch v.Kind() {
	case reflect.Pointer:
		return text(v.Elem())
	case reflect.Slice:
		return listText(v)
	case reflect.Struct:
		return structText(v)
	}
	return fmt.Sprint(v.Interface())
}

func listText(v reflect.Value) string {
	var b strings.Builder
	b.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			b.WriteString(", ")
		}
		if b.Len() > maxValue {
			break
		}
		b.WriteString(text(v.Index(i)))
	}
	b.WriteByte(']')
	return b.String()
}

func structText(v reflect.Value) string {
	var b strings.Builder
	b.WriteString(v.Type().Name() + "(")
	sep := ""
	for i := range v.NumField() {
		if f := v.Field(i); !f.IsZero() {
			b.WriteString(sep + shape.PathName(v.Type().Field(i).Name) + "=" + text(f))
			sep = ", "
		}
	}
	b.WriteByte(')')
	return b.String()
}
