// Package pattern owns the filter pattern language of CloudWatch Logs
// (CloudWatch Logs user guide, "Filter pattern syntax").
//
// A pattern is one of four: nothing, which matches every event; terms, as in
// `ERROR -timeout` or `?WARN ?ERROR`; a condition on JSON, as in
// `{ $.status >= 500 && $.path = "/api/*" }`; or columns, as in
// `[ip, user, ..., status = 5*, bytes]`.
//
// Patterns come from strangers and are held against every event, so matching
// takes time in proportion to the event, whatever the pattern: regular
// expressions are those of package regexp, and wildcards never look back over
// more than they must. The package is pure and knows no room. It refuses what the
// guide does not allow, with the reason.
package pattern

import (
	"fmt"
	"strings"
)

// Pattern is a parsed pattern. It is safe for concurrent use.
type Pattern struct{ matcher }

// matcher is one of the kinds of patterns.
type matcher interface {
	// match tells whether an event is meant.
	match(message []byte) bool
	// extract returns what an event that matches has in the places that the
	// pattern names, nil if it does not match.
	extract(message []byte) map[string]string
}

// SyntaxError says why a pattern is none.
type SyntaxError struct {
	Reason string
	At     int // bytes into the pattern
}

// Error begins with AWS's text.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("Invalid filter pattern: %s at character %d", e.Reason, e.At+1)
}

// Parse reads a pattern; its error is a *SyntaxError.
func Parse(text string) (*Pattern, error) {
	p := &parser{text: text}
	p.spaces()
	var m matcher
	var err error
	switch {
	case p.done():
		m = terms{}
	case p.peek() == '{':
		m, err = p.object()
	case p.peek() == '[':
		m, err = p.columns()
	default:
		m, err = p.terms()
	}
	if err != nil {
		return nil, err
	}
	return &Pattern{m}, nil
}

// Match tells whether the pattern means an event with the message.
func (p *Pattern) Match(message []byte) bool { return p.match(message) }

// MatchString is Match for a string.
func (p *Pattern) MatchString(message string) bool { return p.match([]byte(message)) }

// Extract returns the values that the pattern names, by "$.selector" or
// "$column", in a message that matches; nil if it does not match.
func (p *Pattern) Extract(message string) map[string]string { return p.extract([]byte(message)) }

// parser reads a pattern from left to right.
type parser struct {
	text      string
	pos       int
	regexps   int
	wildcards int // in selectors
}

func (p *parser) fail(format string, args ...any) error {
	return &SyntaxError{Reason: fmt.Sprintf(format, args...), At: p.pos}
}

func (p *parser) done() bool { return p.pos >= len(p.text) }

// peek returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.done() {
		return 0
	}
	return p.text[p.pos]
}

func (p *parser) spaces() {
	for !p.done() && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

// accept takes the symbol if it comes next, after spaces.
func (p *parser) accept(symbol string) bool {
	p.spaces()
	if !strings.HasPrefix(p.text[p.pos:], symbol) {
		return false
	}
	p.pos += len(symbol)
	return true
}

// end demands that nothing but spaces is left.
func (p *parser) end() error {
	p.spaces()
	if !p.done() {
		return p.fail("unexpected %q", p.text[p.pos:])
	}
	return nil
}
