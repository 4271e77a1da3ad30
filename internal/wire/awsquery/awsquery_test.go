package awsquery_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/wire/awsquery"
	"github.com/slipway/slipway/internal/wire/shape"
)

// every has what the query protocols treat in ways of their own.
type every struct {
	Str     *string          `json:"Str,omitzero"`
	Int     *int32           `json:"Int,omitzero"`
	Bool    *bool            `json:"Bool,omitzero"`
	Float   *float64         `json:"Float,omitzero"`
	Time    *shape.Time      `json:"Time,omitzero"`
	Blob    []byte           `json:"Blob,omitzero"`
	Renamed *string          `json:"Renamed,omitzero" aws:"q=Req,x=resp"`
	List    []string         `json:"List,omitzero"`
	Structs []every          `json:"Structs,omitzero" aws:"item=thing"`
	Flat    []int64          `json:"Flat,omitzero" aws:"flat"`
	Map     map[string]int64 `json:"Map,omitzero"`
	FlatMap map[string]every `json:"FlatMap,omitzero" aws:"flat"`
	Self    *every           `json:"Self,omitzero"`
}

var plan = shape.NewPlanner(nil).Plan(reflect.TypeFor[every]())

func decode(d awsquery.Dialect, body string) (every, error) {
	var e every
	f, err := awsquery.ParseForm(body)
	if err == nil {
		err = f.Decode(d, plan, reflect.ValueOf(&e).Elem())
	}
	return e, err
}

func TestDecode(t *testing.T) {
	for _, tc := range []struct {
		name    string
		dialect awsquery.Dialect
		body    string
		want    every
	}{
		{"scalars", awsquery.Query, "Str=a+b%26&Int=-5&Bool=true&Float=.5&Time=2026-01-02T03:04:05Z&Blob=AP8%3D&Req=r&Nope=1", every{
			Str: new("a b&"), Int: new(int32(-5)), Bool: new(true), Float: new(0.5), Time: shape.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
			Blob: []byte{0, 255}, Renamed: new("r"),
		}},
		{"lists", awsquery.Query, "List.member.2=b&List.member.10=c&List.member.1=a&Flat.1=7&Structs.member.1.Str=x&Structs.member.2.List.member.1=y", every{
			List: []string{"a", "b", "c"}, Flat: []int64{7}, Structs: []every{{Str: new("x")}, {List: []string{"y"}}},
		}},
		{"lists of ec2", awsquery.EC2, "List.1=a&List.2=b&Structs.1.List.1=y", every{List: []string{"a", "b"}, Structs: []every{{List: []string{"y"}}}}},
		{"empty list", awsquery.Query, "List=", every{List: []string{}}},
		{"maps", awsquery.Query, "Map.entry.1.key=a&Map.entry.1.value=1&FlatMap.1.key=k&FlatMap.1.value.Int=2", every{
			Map: map[string]int64{"a": 1}, FlatMap: map[string]every{"k": {Int: new(int32(2))}},
		}},
		{"structures", awsquery.Query, "Self.Self.Str=deep", every{Self: &every{Self: &every{Str: new("deep")}}}},
		{"indexes that are none", awsquery.EC2, "List.0=a&List.x=b&List.01=c&List.-1=d&List.12345678901234567890=e", every{List: []string{}}},
		{"names that only begin alike", awsquery.EC2, "Str-x=1&Str0=2&Strange=3&Str=s", every{Str: new("s")}},
		{"the first of two", awsquery.Query, "Str=1&Str=2", every{Str: new("1")}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := decode(tc.dialect, tc.body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestDecodeRefusals(t *testing.T) {
	for _, tc := range []struct{ name, body, want string }{
		{"integer", "Int=x", "Invalid value 'x' for Int. The value must be a valid integer."},
		{"integer out of range", "Int=2147483648", "Invalid value '2147483648' for Int. The value must be a valid integer."},
		{"boolean", "Self.Bool=yes", "Invalid value 'yes' for Self.Bool. The value must be a valid boolean."},
		{"double", "Float=x", "Invalid value 'x' for Float. The value must be a valid double."},
		{"time", "Time=x", "Invalid value 'x' for Time. The value must be a valid timestamp."},
		{"blob", "Blob=*", "Invalid value '*' for Blob. The value must be a valid base64."},
		{"escape in a name", "%zz=1", "The parameters cannot be decoded"},
		{"escape in a value", "Str=%zz", "The value of parameter Str cannot be decoded"},
		{"depth", strings.Repeat("Self.", 1000) + "Str=x", "Nesting is too deep"},
		{"number of parameters", strings.Repeat("&", awsquery.MaxParams), "Too many parameters"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := decode(awsquery.Query, tc.body); err == nil || err.Error() != tc.want {
				t.Errorf("error = %v, want %s", err, tc.want)
			}
		})
	}
}

func TestXML(t *testing.T) {
	in := every{
		Str: new("<a&b>"), Bool: new(false), Float: new(0.5), Time: shape.At(time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC)), Blob: []byte{0, 255},
		Renamed: new("r"), List: []string{"x", ""}, Structs: []every{{}}, Flat: []int64{1, 2}, Map: map[string]int64{"b": 2, "a": 1},
		FlatMap: map[string]every{"k": {Int: new(int32(0))}}, Self: &every{List: []string{}},
	}
	const common = `<Str>&lt;a&amp;b&gt;</Str><Bool>false</Bool><Float>0.5</Float><Time>2026-01-02T03:04:05.006Z</Time><Blob>AP8=</Blob><resp>r</resp>`
	const rest = `<Structs><thing></thing></Structs><Flat>1</Flat><Flat>2</Flat><Map><entry><key>a</key><value>1</value></entry><entry><key>b</key><value>2</value></entry></Map>` +
		`<FlatMap><key>k</key><value><Int>0</Int></value></FlatMap><Self><List></List></Self>`
	for _, tc := range []struct {
		name    string
		dialect awsquery.Dialect
		want    string
	}{
		{"query", awsquery.Query, common + `<List><member>x</member><member></member></List>` + rest},
		{"ec2", awsquery.EC2, common + `<List><item>x</item><item></item></List>` + rest},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := string(awsquery.AppendMembers(nil, tc.dialect, plan, reflect.ValueOf(&in).Elem()))
			if got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// FuzzDecode holds that no form crashes the decoder, and that lists and maps
// never grow beyond the number of parameters.
func FuzzDecode(f *testing.F) {
	f.Add("Str=a&List.member.1=b&Structs.member.1.Self.Int=5&FlatMap.1.key=k&FlatMap.1.value.Str=v", false)
	f.Add("List.999999999=x&Structs.1.Structs.1.Structs.1.Blob=AA%3D%3D", true)
	f.Add("Self.Self.Self.Map.entry.1.key=&=&.=.&..1=2&Str.=&Time=2026-01-01", false)
	f.Fuzz(func(t *testing.T, body string, ec2 bool) {
		d := awsquery.Query
		if ec2 {
			d = awsquery.EC2
		}
		e, err := decode(d, body)
		if err == nil && items(reflect.ValueOf(e)) > strings.Count(body, "&")+1 {
			t.Fatalf("%q made more items than it has parameters", body)
		}
	})
}

// items counts the scalars in lists and maps under v.
func items(v reflect.Value) (n int) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() && v.Type() != reflect.TypeFor[*shape.Time]() {
			n = items(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			n += items(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			if k := v.Index(i).Kind(); k != reflect.Struct && k != reflect.Uint8 {
				n++
			}
			n += items(v.Index(i))
		}
	case reflect.Map:
		n = v.Len()
	}
	return n
}
