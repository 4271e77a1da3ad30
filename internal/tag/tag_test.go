package tag

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func numbered(from, n int) []Tag {
	tags := make([]Tag, n)
	for i := range tags {
		tags[i] = Tag{Key: fmt.Sprintf("k%d", from+i)}
	}
	return tags
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name            string
		existing, added []Tag
		want            string // part of the violation's text; "": none
	}{
		{"nothing", nil, nil, ""},
		{"an empty value", nil, []Tag{{"a", ""}}, ""},
		{"the longest", nil, []Tag{{strings.Repeat("é", MaxKey), strings.Repeat("é", MaxValue)}}, ""},
		{"as many as there may be", numbered(0, 20), numbered(20, MaxPerResource-20), ""},
		{"one that is there already", numbered(0, MaxPerResource), []Tag{{"k7", "new"}}, ""},
		{"AWS's own do not count", append(numbered(0, MaxPerResource-1), Tag{Key: "aws:ecs:clusterName"}), []Tag{{"a", ""}}, ""},
		{"keys know case", nil, []Tag{{"a", ""}, {"A", ""}}, ""},
		{"no key", nil, []Tag{{"", "v"}}, "must not be null or empty"},
		{"a long key", nil, []Tag{{strings.Repeat("k", MaxKey+1), ""}}, "key must have length less than or equal to 128"},
		{"a long value", nil, []Tag{{"k", strings.Repeat("v", MaxValue+1)}}, "value must have length less than or equal to 256"},
		{"AWS's prefix", nil, []Tag{{"aws:x", ""}}, "aws: prefixed"},
		{"AWS's prefix in another case", nil, []Tag{{"Aws:x", ""}}, "aws: prefixed"},
		{"a key twice", nil, []Tag{{"a", "1"}, {"a", "2"}}, "Duplicate tag keys found"},
		{"one too many", numbered(0, MaxPerResource), []Tag{{"a", ""}}, "maximum number of tags per resource is 50"},
		{"too many at once", nil, numbered(0, MaxPerResource+1), "maximum number of tags per resource is 50"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Check(c.existing, c.added)
			if c.want == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if v, ok := errors.AsType[*Violation](err); !ok || !strings.Contains(v.Text, c.want) {
				t.Errorf("got %v, want a violation with %q", err, c.want)
			}
		})
	}
}

func TestMergeAndRemove(t *testing.T) {
	base := []Tag{{"a", "1"}, {"b", "2"}}
	if got, want := Merge(base, []Tag{{"c", "3"}, {"a", "9"}}), []Tag{{"a", "9"}, {"b", "2"}, {"c", "3"}}; !slices.Equal(got, want) {
		t.Errorf("Merge = %v, want %v", got, want)
	}
	if got, want := Remove(base, []string{"a", "x"}), []Tag{{"b", "2"}}; !slices.Equal(got, want) {
		t.Errorf("Remove = %v, want %v", got, want)
	}
	if want := []Tag{{"a", "1"}, {"b", "2"}}; !slices.Equal(base, want) {
		t.Errorf("the tags given changed to %v", base)
	}
}

// What was merged in is there, what was removed is not, and the rest stays.
func TestMergeThenRemove(t *testing.T) {
	tags := rapid.SliceOfDistinct(rapid.Custom(func(rt *rapid.T) Tag {
		return Tag{rapid.StringMatching(`[a-e]{1,2}`).Draw(rt, "key"), rapid.StringMatching(`[xy]?`).Draw(rt, "value")}
	}), func(t Tag) string { return t.Key })
	rapid.Check(t, func(rt *rapid.T) {
		base, added := tags.Draw(rt, "base"), tags.Draw(rt, "added")
		var keys []string
		for _, a := range added {
			keys = append(keys, a.Key)
		}
		merged := Merge(base, added)
		for _, a := range added {
			if !slices.Contains(merged, a) {
				rt.Fatalf("%v is not in %v", a, merged)
			}
		}
		if got, want := Remove(merged, keys), Remove(base, keys); !slices.Equal(got, want) {
			rt.Fatalf("left %v, want %v", got, want)
		}
	})
}
