package query

import (
	"fmt"
	"unicode/utf8"
)

// A SyntaxError says where an expression stops making sense.
type SyntaxError struct {
	Position int    // of the offending character, counted from 1 in characters
	Expected string // what would have been right there, as a noun phrase
	Found    string // what stands there; empty at the end of the expression
}

func (e *SyntaxError) Error() string {
	found := "the end of the expression"
	if e.Found != "" {
		found = fmt.Sprintf("%q", e.Found)
	}
	return fmt.Sprintf("Invalid expression at position %d: expected %s, found %s.", e.Position, e.Expected, found)
}

// foundLimit keeps a message short whatever the expression holds.
const foundLimit = 40

// errorAt makes a SyntaxError for the text src[from:to]; with to ≤ from, for the rest of the word at from.
func (p *parser) errorAt(from, to int, expected string) error {
	if to <= from {
		to = p.wordEnd(from)
	}
	found := p.src[from:to]
	if len(found) > foundLimit {
		cut := foundLimit
		for cut > 0 && !utf8.RuneStart(found[cut]) {
			cut--
		}
		found = found[:cut] + "…"
	}
	return &SyntaxError{Position: utf8.RuneCountInString(p.src[:from]) + 1, Expected: expected, Found: found}
}

// wordEnd is where the word, or else the single character, that starts at from ends.
func (p *parser) wordEnd(from int) int {
	end := from
	for end < len(p.src) && isBare(p.src[end]) {
		end++
	}
	if end == from && end < len(p.src) {
		_, size := utf8.DecodeRuneInString(p.src[from:])
		end += size
	}
	return end
}
