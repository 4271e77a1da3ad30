package wildcard

import (
	"path"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMatchEscaped(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"*", "", true}, {"?", "", false}, {"a*", "abc", true}, {"*c", "abc", true}, {"a*d", "abc", false},
		{`\*`, "*", true}, {`\*`, "a", false}, {`\?`, "?", true}, {`\\`, `\`, true}, {"a?c", "abc", true}, {"a?c", "ac", false},
		{"*ab*ab*", "xabyab", true}, {"é?", "éa", true},
		{strings.Repeat("*a", 60) + "b", strings.Repeat("a", 4000), false}, // would take ages by trying everything
	} {
		if got := MatchEscaped(c.pattern, c.text); got != c.want {
			t.Errorf("MatchEscaped(%.20q, %.20q) = %v, want %v", c.pattern, c.text, got, c.want)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"ecs:*", "ecs:Poll", true}, {"ecs:*", "xecs:Poll", false},
		{"ecs:Submit*Change", "ecs:SubmitTaskStateChange", true}, {"ecs:Submit*Changes", "ecs:SubmitTaskStateChange", false},
		{"ecs:SubmitTaskStateChang?", "ecs:SubmitTaskStateChange", true}, {"ecs:SubmitTaskStateChange?", "ecs:SubmitTaskStateChange", false},
		{"*:*Task*State*", "ecs:SubmitTaskStateChange", true}, {"ECS:*", "ecs:Poll", false},
		{"ab*ba", "aba", false}, {`\*`, `\anything`, true}, {`\*`, "*", false},
	} {
		if got := Match(c.pattern, c.text); got != c.want {
			t.Errorf("Match(%q, %q) = %v, want %v", c.pattern, c.text, got, c.want)
		}
	}
}

// Patterns of *, ?, letters and escapes mean the same in path.Match, as long as
// there is no slash.
func TestMatchEscapedAgreesWithPathMatch(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		pattern := rapid.StringMatching(`([ab*?]|\\[ab*?]){0,8}`).Draw(rt, "pattern")
		text := rapid.StringMatching(`[ab*?]{0,8}`).Draw(rt, "text")
		want, err := path.Match(pattern, text)
		if err != nil {
			rt.Skip("not a pattern of path.Match")
		}
		if got := MatchEscaped(pattern, text); got != want {
			rt.Fatalf("MatchEscaped(%q, %q) = %v, want %v", pattern, text, got, want)
		}
	})
}

// Without a backslash in the pattern, the two are one.
func TestMatchAgreesWithMatchEscaped(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		pattern := rapid.StringMatching(`[ab*?é]{0,8}`).Draw(rt, "pattern")
		text := rapid.StringMatching(`[ab*?é\\]{0,8}`).Draw(rt, "text")
		if Match(pattern, text) != MatchEscaped(pattern, text) {
			rt.Fatalf("%q and %q: the two differ", pattern, text)
		}
	})
}
