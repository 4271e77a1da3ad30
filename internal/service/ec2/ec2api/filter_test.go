package ec2api

import (
	"path"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"*", "", true}, {"?", "", false}, {"a*", "abc", true}, {"*c", "abc", true}, {"a*d", "abc", false},
		{`\*`, "*", true}, {`\*`, "a", false}, {`\?`, "?", true}, {`\\`, `\`, true}, {"a?c", "abc", true}, {"a?c", "ac", false},
		{"*ab*ab*", "xabyab", true}, {"é?", "éa", true},
		{strings.Repeat("*a", 60) + "b", strings.Repeat("a", 4000), false}, // would take ages by trying everything
	} {
		if got := match(c.pattern, c.text); got != c.want {
			t.Errorf("match(%.20q, %.20q) = %v, want %v", c.pattern, c.text, got, c.want)
		}
	}
}

// Patterns of *, ?, letters and escapes mean the same in path.Match, as long as
// there is no slash.
func TestMatchAgreesWithPathMatch(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		pattern := rapid.StringMatching(`([ab*?]|\\[ab*?]){0,8}`).Draw(rt, "pattern")
		text := rapid.StringMatching(`[ab*?]{0,8}`).Draw(rt, "text")
		want, err := path.Match(pattern, text)
		if err != nil {
			rt.Skip("not a pattern of path.Match")
		}
		if got := match(pattern, text); got != want {
			rt.Fatalf("match(%q, %q) = %v, want %v", pattern, text, got, want)
		}
	})
}
