package awsjson_test

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/wire/awsjson"
	"github.com/slipway/slipway/internal/wire/shape"
)

// every has a member of each kind.
type every struct {
	Str    *string            `json:"str,omitzero"`
	Int    *int32             `json:"int,omitzero"`
	Long   *int64             `json:"long,omitzero"`
	Bool   *bool              `json:"bool,omitzero"`
	Float  *float64           `json:"float,omitzero"`
	Time   *shape.Time        `json:"time,omitzero"`
	Blob   []byte             `json:"blob,omitzero"`
	Doc    shape.Document     `json:"doc,omitzero"`
	Floats []float64          `json:"floats,omitzero"`
	Times  []shape.Time       `json:"times,omitzero"`
	Nested [][]int32          `json:"nested,omitzero"`
	Self   *every             `json:"self,omitzero"`
	Selves []every            `json:"selves,omitzero"`
	Longs  map[string]int64   `json:"longs,omitzero"`
	Map    map[string]every   `json:"map,omitzero"`
	Lists  map[string][]every `json:"lists,omitzero"`
}

var everyPlan = shape.NewPlanner(nil).Plan(reflect.TypeFor[every]())

func decode(s string) (every, []string, error) {
	var e every
	nulls, err := awsjson.Decode([]byte(s), everyPlan, reflect.ValueOf(&e).Elem())
	return e, nulls, err
}

func TestRoundTripOfEveryKind(t *testing.T) {
	at := shape.At(time.Date(2026, 1, 2, 3, 4, 5, 60_000_000, time.UTC))
	full := every{
		Str: new("é\"\\\x00"), Int: new(int32(math.MinInt32)), Long: new(int64(math.MaxInt64)), Bool: new(false), Float: new(0.1),
		Time: at, Blob: []byte{0, 255}, Doc: shape.Document(`{"a":[1]}`), Floats: []float64{1, 1e300}, Times: []shape.Time{*at},
		Nested: [][]int32{{}, {1, 2}}, Self: &every{}, Selves: []every{{Int: new(int32(0))}, {}}, Longs: map[string]int64{"a": 1, "": 0},
		Map: map[string]every{"k": {Str: new("")}}, Lists: map[string][]every{"l": {{}}},
	}
	for _, tc := range []struct {
		name string
		in   every
		want string
	}{
		{"nothing", every{}, `{}`},
		{"empty, but there", every{Str: new(""), Blob: []byte{}, Floats: []float64{}, Longs: map[string]int64{}, Self: &every{}}, `{"str":"","blob":"","floats":[],"self":{},"longs":{}}`},
		{"everything", full, `{"str":"é\"\\\u0000","int":-2147483648,"long":9223372036854775807,"bool":false,"float":0.1,"time":1767323045.06,"blob":"AP8=","doc":{"a":[1]},` +
			`"floats":[1.0,1e+300],"times":[1767323045.06],"nested":[[],[1,2]],"self":{},"selves":[{"int":0},{}],"longs":{"":0,"a":1},"map":{"k":{"str":""}},"lists":{"l":[{}]}}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := string(awsjson.Append(nil, everyPlan, reflect.ValueOf(&tc.in).Elem()))
			if got != tc.want {
				t.Errorf("encoded %s\nwant    %s", got, tc.want)
			}
			back, nulls, err := decode(got)
			if diff := cmp.Diff(tc.in, back); err != nil || nulls != nil || diff != "" {
				t.Errorf("decoded: %v %v (-want +got)\n%s", err, nulls, diff)
			}
			plain, err := json.Marshal(tc.in)
			if err != nil {
				t.Fatal(err)
			}
			if back, _, err = decode(string(plain)); err != nil || !cmp.Equal(tc.in, back) {
				t.Errorf("decoded from encoding/json's %s: %v", plain, err)
			}
		})
	}
}

func TestDecodeEdges(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		want       every
		nulls      []string
	}{
		{"ISO time", `{"time":"2026-01-02T03:04:05+01:00"}`, every{Time: shape.At(time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC))}, nil},
		{"infinite float", `{"float":"-Infinity"}`, every{Float: new(math.Inf(-1))}, nil},
		{"nulls in lists and maps", `{"selves":[{},null],"longs":{"a":null},"map":{"m":{"floats":[null]}}}`, every{
			Selves: []every{{}}, Longs: map[string]int64{}, Map: map[string]every{"m": {Floats: []float64{}}},
		}, []string{"selves.2.member", "longs.a.member", "map.m.member.floats.1.member"}},
		{"null takes an earlier value back", `{"str":"a","str":null}`, every{}, nil},
		{"document of any type", `{"doc": "x" }`, every{Doc: shape.Document(`"x"`)}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, nulls, err := decode(tc.body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(tc.nulls, nulls); diff != "" {
				t.Errorf("nulls -want +got:\n%s", diff)
			}
		})
	}
}

func TestDecodeRefusals(t *testing.T) {
	for _, tc := range []struct{ name, body, want string }{
		{"time out of range", `{"time":1e300}`, "STRING_VALUE can not be converted to milliseconds since epoch"},
		{"time that is none", `{"time":"noon"}`, "STRING_VALUE can not be converted to milliseconds since epoch"},
		{"boolean for a time", `{"time":true}`, "TRUE_VALUE can not be converted to milliseconds since epoch"},
		{"long out of range", `{"long":9223372036854775808}`, "NUMBER_VALUE can not be converted to a Long"},
		{"false for a double", `{"float":false}`, "FALSE_VALUE can not be converted to a Double"},
		{"word for a double", `{"float":"much"}`, "STRING_VALUE can not be converted to a Double"},
		{"double out of range", `{"float":1e999}`, "NUMBER_VALUE can not be converted to a Double"},
		{"blob that is no base64", `{"blob":"*"}`, "Invalid base64-encoded value"},
		{"scalar for a map", `{"longs":1}`, "Expected map or null"},
		{"list for a map", `{"longs":[]}`, "Start of list found where not expected"},
		{"number with a leading zero", `{"int":01}`, "malformed JSON"},
		{"bare minus", `{"int":-}`, "malformed JSON"},
		{"word", `{"int":nul}`, "malformed JSON"},
		{"control character", "{\"str\":\"\n\"}", "malformed JSON"},
		{"unknown escape", `{"str":"\x"}`, "malformed JSON"},
		{"broken escape", `{"str":"\u12"}`, "malformed JSON"},
		{"open string", `{"str":"a`, "malformed JSON"},
		{"name without quotes", `{str:"a"}`, "malformed JSON"},
		{"garbage after", `{} x`, "malformed JSON"},
		{"garbage in unknown member", `{"u":[1 2]}`, "malformed JSON"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, _, err := decode(tc.body); err == nil || err.Error() != tc.want {
				t.Errorf("error = %v, want %s", err, tc.want)
			}
		})
	}
}

func TestInvalidUTF8IsMended(t *testing.T) {
	if got := string(awsjson.AppendString(nil, "a\xffb\xc3")); got != "\"a\ufffdb\ufffd\"" {
		t.Errorf("got %q", got)
	}
}
