package validate_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/wire/shape"
	"github.com/slipway/slipway/internal/wire/validate"
)

type tag struct {
	Key   *string `json:"Key,omitzero" aws:"req,c=Name"`
	Value *string `json:"Value,omitzero" aws:"c=Kind"`
}

type input struct {
	Names  []string         `json:"Names,omitzero" aws:"c=Names"`
	Tags   []tag            `json:"Tags,omitzero" aws:"c=Tags"`
	Labels map[string]int32 `json:"Labels,omitzero" aws:"c=Labels"`
	Blob   []byte           `json:"Blob,omitzero" aws:"c=Short"`
	Ratio  *float64         `json:"Ratio,omitzero" aws:"c=Ratio"`
	Inner  *tag             `json:"Inner,omitzero"`
}

var (
	constraints = shape.Constraints{
		"Name":   {Min: new(1.0), Max: new(3.0), Pattern: "[a-z]*"},
		"Names":  {Max: new(2.0), Elem: "Name"},
		"Kind":   {Enum: []string{"A", "B"}},
		"Tags":   {Max: new(1.0)},
		"Labels": {Key: "Name", Elem: "Port"},
		"Port":   {Min: new(0.0), Max: new(65535.0)},
		"Short":  {Max: new(1.0)},
		"Ratio":  {Min: new(0.5)},
	}
	plan = shape.NewPlanner(constraints).Plan(reflect.TypeFor[input]())
)

func TestInput(t *testing.T) {
	const fails = " failed to satisfy constraint: "
	nameRules := "[Member must have length less than or equal to 3, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [a-z]*, Member must not be null]"
	for _, tc := range []struct {
		name string
		in   input
		want []string
	}{
		{"nothing", input{}, nil},
		{"all well", input{
			Names: []string{"a", "bcd"}, Tags: []tag{{Key: new("k"), Value: new("A")}}, Labels: map[string]int32{"a": 0}, Blob: []byte{1}, Ratio: new(0.5), Inner: &tag{Key: new("abc")},
		}, nil},
		{"list too long", input{Names: []string{"a", "b", "c"}}, []string{"Value '[a, b, c]' at 'names'" + fails + "Member must have length less than or equal to 2"}},
		{"item of a list", input{Names: []string{"a", "B"}}, []string{"Value '[a, B]' at 'names'" + fails + "Member must satisfy constraint: " + nameRules}},
		{"several rules of one value", input{Inner: &tag{Key: new("ABCD")}}, []string{
			"Value 'ABCD' at 'inner.key'" + fails + "Member must have length less than or equal to 3",
			"Value 'ABCD' at 'inner.key'" + fails + "Member must satisfy regular expression pattern: [a-z]*",
		}},
		{"structures in a list", input{Tags: []tag{{Key: new("a")}, {Value: new("C")}}}, []string{
			"Value '[tag(key=a), tag(value=C)]' at 'tags'" + fails + "Member must have length less than or equal to 1",
			"Value null at 'tags.2.member.key'" + fails + "Member must not be null",
			"Value 'C' at 'tags.2.member.value'" + fails + "Member must satisfy enum value set: [A, B]",
		}},
		{"map", input{Labels: map[string]int32{"A": 1, "b": -1}}, []string{
			"Value 'map[A:1 b:-1]' at 'labels'" + fails + "Map keys must satisfy constraint: " + nameRules,
			"Value '-1' at 'labels.b.member'" + fails + "Member must have value greater than or equal to 0",
		}},
		{"blob", input{Blob: []byte("ab")}, []string{"Value '[2 bytes]' at 'blob'" + fails + "Member must have length less than or equal to 1"}},
		{"float", input{Ratio: new(0.25)}, []string{"Value '0.25' at 'ratio'" + fails + "Member must have value greater than or equal to 0.5"}},
		{"empty string is present", input{Inner: &tag{Key: new("")}}, []string{"Value '' at 'inner.key'" + fails + "Member must have length greater than or equal to 1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, v := range validate.Input(plan, constraints, reflect.ValueOf(&tc.in).Elem()) {
				got = append(got, v.String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestLengthIsInCharacters(t *testing.T) {
	in := input{Inner: &tag{Key: new("äöü")}}
	for _, v := range validate.Input(plan, constraints, reflect.ValueOf(&in).Elem()) {
		if strings.Contains(v.Rule, "length") {
			t.Errorf("three characters are too long: %s", v)
		}
	}
}

func TestMessagesAreBounded(t *testing.T) {
	in := input{Tags: make([]tag, 10_000), Inner: &tag{Key: new(strings.Repeat("x", 1<<20))}}
	found := validate.Input(plan, constraints, reflect.ValueOf(&in).Elem())
	if n := len(validate.Message(found)); n > 64<<10 {
		t.Errorf("message of %d bytes for %d violations", n, len(found))
	}
}
