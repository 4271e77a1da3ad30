package page_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/slipway/slipway/internal/page"
)

func TestTokenIsBoundToItsScope(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scope, after := rapid.String().Draw(t, "scope"), rapid.String().Draw(t, "after")
		token := page.Encode(scope, after)
		if got, err := page.Decode(scope, token); err != nil || got != after {
			t.Fatalf("Decode = %q, %v", got, err)
		}
		if _, err := page.Decode(scope+"x", token); !errors.Is(err, page.ErrToken) {
			t.Fatalf("another scope: %v", err)
		}
		i := rapid.IntRange(0, len(token)-1).Draw(t, "at")
		changed := []byte(token)
		changed[i] = rapid.SampledFrom([]byte("ABab01-_")).Draw(t, "byte")
		if string(changed) == token {
			return
		}
		if got, err := page.Decode(scope, string(changed)); !errors.Is(err, page.ErrToken) {
			t.Fatalf("a changed token decodes to %q, %v", got, err)
		}
	})
}

func TestDecode(t *testing.T) {
	for _, tc := range []struct {
		name, token string
		ok          bool
	}{
		{"first page", "", true},
		{"garbage", "garbage!", false},
		{"base64 of something else", "aGVsbG8", false},
		{"long", strings.Repeat("A", 1<<20), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if after, err := page.Decode("s", tc.token); (err == nil) != tc.ok || after != "" {
				t.Errorf("Decode = %q, %v", after, err)
			}
		})
	}
}

func TestScopeKeepsPartsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.SliceOf(rapid.SampledFrom([]string{"a", "\\", "\x00", "0", "\\0", ""}))
		a, b := part.Draw(t, "a"), part.Draw(t, "b")
		if page.Scope(a...) == page.Scope(b...) && strings.Join(a, "\x01") != strings.Join(b, "\x01") {
			t.Fatalf("%q and %q have one scope", a, b)
		}
	})
}

// Following the tokens shows every item once, in order, on pages that are full
// but for the last.
func TestCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := slices.Sorted(slices.Values(rapid.SliceOfDistinct(rapid.StringMatching(`[a-d]{1,3}`), rapid.ID[string]).Draw(t, "all")))
		size := rapid.IntRange(1, 5).Draw(t, "size")
		var seen []string
		for token := ""; ; {
			list, next, err := page.Cut(all, func(s string) string { return s }, "scope", token, size)
			if err != nil || len(list) > size || next != "" && len(list) < size {
				t.Fatalf("page %q of at most %d, then %q, %v", list, size, next, err)
			}
			seen = append(seen, list...)
			if token = next; token == "" {
				break
			}
		}
		if !slices.Equal(seen, all) {
			t.Fatalf("saw %q of %q", seen, all)
		}
	})
	if _, _, err := page.Cut([]string{"a"}, func(s string) string { return s }, "scope", page.Encode("another", "a"), 1); !errors.Is(err, page.ErrToken) {
		t.Errorf("a token of another list: %v", err)
	}
}
