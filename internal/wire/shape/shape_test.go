package shape_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/slipway/slipway/internal/wire/shape"
)

func TestTimeJSON(t *testing.T) {
	for _, tc := range []struct {
		name string
		at   time.Time
		want string
	}{
		{"whole second", time.Unix(1_700_000_000, 0), "1700000000"},
		{"tenths", time.UnixMilli(1_700_000_000_100), "1700000000.1"},
		{"milliseconds", time.UnixMilli(1_700_000_000_007), "1700000000.007"},
		{"finer than a millisecond", time.Unix(1_700_000_000, 120_999_999), "1700000000.12"},
		{"before 1970", time.UnixMilli(-1_500), "-1.5"},
		{"another zone", time.UnixMilli(50).In(time.FixedZone("", 3600)), "0.05"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b, err := json.Marshal(shape.At(tc.at))
			if err != nil || string(b) != tc.want {
				t.Errorf("Marshal = %s, %v, want %s", b, err, tc.want)
			}
		})
	}
}

func TestTimeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := shape.At(time.UnixMilli(rapid.Int64Range(-62_135_596_800_000+1, 253_402_300_799_999).Draw(t, "ms")))
		b, err := json.Marshal(at)
		if err != nil {
			t.Fatal(err)
		}
		var back, iso shape.Time
		if err := json.Unmarshal(b, &back); err != nil || !back.Equal(at.Time) {
			t.Fatalf("%s became %v, %v", b, back, err)
		}
		if err := json.Unmarshal([]byte(`"`+string(at.AppendISO(nil))+`"`), &iso); err != nil || !iso.Equal(at.Time) {
			t.Fatalf("%s became %v, %v", at.AppendISO(nil), iso, err)
		}
	})
}

func TestTimeRefusals(t *testing.T) {
	for _, in := range []string{`"noon"`, `1e300`, `-1e12`, `true`, `"2026-13-01T00:00:00Z"`, `{}`} {
		var at shape.Time
		if err := json.Unmarshal([]byte(in), &at); err == nil {
			t.Errorf("%s was taken for %v", in, at)
		}
	}
}

func TestAbsentTime(t *testing.T) {
	if shape.At(time.Time{}) != nil {
		t.Error("a zero time is present")
	}
	if !(*shape.Time)(nil).Or().IsZero() {
		t.Error("an absent time is not zero")
	}
}

func TestDocumentKeepsItsText(t *testing.T) {
	type holder struct {
		Doc shape.Document `json:"doc,omitzero"`
	}
	for _, text := range []string{`{}`, `{"doc":{"b":1.50,"a":[null]}}`, `{"doc":"x"}`} {
		var h holder
		if err := json.Unmarshal([]byte(text), &h); err != nil {
			t.Fatal(err)
		}
		if b, err := json.Marshal(h); err != nil || string(b) != text {
			t.Errorf("%s became %s, %v", text, b, err)
		}
	}
}

func TestConstraintMatchesTheWholeValue(t *testing.T) {
	c := &shape.Constraint{Pattern: "[a-z]+|x"}
	for v, want := range map[string]bool{"abc": true, "x": true, "ab1": false, "1ab": false, "": false, "ab\n": false} {
		if c.Match(v) != want {
			t.Errorf("Match(%q) = %v", v, !want)
		}
	}
}

func TestPlannerRefusesWhatNoModelYields(t *testing.T) {
	for name, typ := range map[string]reflect.Type{
		"type": reflect.TypeFor[struct{ A *int16 }](),
		"tag": reflect.TypeFor[struct {
			A *string `aws:"wild"`
		}](),
		"constraint": reflect.TypeFor[struct {
			A *string `aws:"c=None"`
		}](),
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("taken")
				}
			}()
			shape.NewPlanner(nil).Plan(typ)
		})
	}
}
