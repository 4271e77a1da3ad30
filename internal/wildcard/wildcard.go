// Package wildcard owns the patterns of AWS in which * stands for any text and ?
// for one character: IAM's actions, ECR's tag filters, EC2's filter values.
//
// A pattern covers the whole text or does not match. Matching takes time in
// proportion to the product of the lengths, whatever the pattern, so a pattern
// may come from a stranger. Case matters: where AWS ignores it, the caller folds
// both sides.
package wildcard

import "unicode/utf8"

// Match tells whether text is the pattern. A backslash is a character like any
// other.
func Match(pattern, text string) bool { return match(pattern, text, false) }

// MatchEscaped tells whether text is the pattern, in which a backslash makes the
// next character literal (EC2 user guide, "List and filter your resources").
func MatchEscaped(pattern, text string) bool { return match(pattern, text, true) }

// match allocates nothing: every request is held against some twenty patterns.
func match(pattern, text string, escapes bool) bool {
	starred := false
	star, mark := "", "" // what follows the last *, and where its text ends at least
	for text != "" {
		want, rest := next(pattern, escapes)
		have, size := utf8.DecodeRuneInString(text)
		switch {
		case want.anyText:
			starred, star, mark = true, rest, text
			pattern = rest
		case want.anyOne || want.literal && want.char == have:
			pattern, text = rest, text[size:]
		case starred:
			_, size := utf8.DecodeRuneInString(mark)
			mark = mark[size:]
			pattern, text = star, mark
		default:
			return false
		}
	}
	for {
		want, rest := next(pattern, escapes)
		if !want.anyText {
			return want == token{}
		}
		pattern = rest
	}
}

// token is one element of a pattern; the zero value is its end.
type token struct {
	anyText, anyOne, literal bool
	char                     rune
}

func next(pattern string, escapes bool) (token, string) {
	c, size := utf8.DecodeRuneInString(pattern)
	rest := pattern[size:]
	switch {
	case size == 0 || escapes && pattern == `\`:
		return token{}, ""
	case c == '*':
		return token{anyText: true}, rest
	case c == '?':
		return token{anyOne: true}, rest
	case c == '\\' && escapes:
		c, size = utf8.DecodeRuneInString(rest)
		rest = rest[size:]
	}
	return token{literal: true, char: c}, rest
}
