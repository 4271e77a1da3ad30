package pattern

import (
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"
)

// glob is a text with wildcards: what stands between the asterisks.
type glob []string

// plain is the text with the asterisks as they were written.
func (g glob) plain() string { return strings.Join(g, "*") }

// match tells whether text is the glob. Taking the first place for each piece
// leaves the most for the others, so it need not look back.
func (g glob) match(text string) bool {
	first, last := g[0], g[len(g)-1]
	if len(g) == 1 {
		return text == first
	}
	if len(text) < len(first)+len(last) || !strings.HasPrefix(text, first) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, piece := range g[1 : len(g)-1] {
		at := strings.Index(text, piece)
		if at < 0 {
			return false
		}
		text = text[at+len(piece):]
	}
	return true
}

// quoted reads a text in double quotes, in which a backslash makes the next
// character literal.
func (p *parser) quoted() (glob, error) {
	start := p.pos
	p.pos++
	g := glob{""}
	for !p.done() {
		c := p.text[p.pos]
		p.pos++
		switch c {
		case '"':
			return g, nil
		case '*':
			g = append(g, "")
			continue
		case '\\':
			if next := p.peek(); next == '"' || next == '\\' || next == '*' {
				c = next
				p.pos++
			}
		}
		g[len(g)-1] += string([]byte{c})
	}
	p.pos = start
	return nil, p.fail("a double quote without its end")
}

// regexp reads a regular expression between percent signs. Of the syntax of
// package regexp the guide allows a part.
func (p *parser) regexp() (*regexp.Regexp, error) {
	start := p.pos
	p.pos++
	var b strings.Builder
	for !p.done() && p.peek() != '%' {
		c := p.text[p.pos]
		switch c {
		case '(', ')':
			return nil, p.fail("a regular expression cannot have parentheses")
		case '\\':
			if err := p.escape(&b); err != nil {
				return nil, err
			}
			continue
		}
		b.WriteByte(c)
		p.pos++
	}
	if p.done() {
		p.pos = start
		return nil, p.fail("a percent sign without its end")
	}
	p.pos++
	p.regexps++
	re, err := regexp.Compile(b.String())
	if err != nil || b.Len() == 0 {
		p.pos = start
		return nil, p.fail("not a regular expression (%s)", reason(err))
	}
	return re, nil
}

func reason(err error) string {
	if e, ok := err.(*syntax.Error); ok { //nolint:errorlint // regexp returns it bare
		return e.Code.String()
	}
	return "it is empty"
}

// escape reads a backslash and what belongs to it.
func (p *parser) escape(b *strings.Builder) error {
	p.pos++
	c := p.peek()
	letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
	if c == 0 || c >= utf8.RuneSelf || letter && strings.IndexByte("dDsSwWx", c) < 0 {
		return p.fail("a regular expression cannot have this escape")
	}
	b.WriteByte('\\')
	b.WriteByte(c)
	p.pos++
	return nil
}

// operators, the longer ones first.
var operators = []string{"!=", "<=", ">=", "=", "<", ">"}

// comparison is an operator with what stands to its right.
type comparison struct {
	op       string
	text     glob
	number   float64
	isNumber bool
	re       *regexp.Regexp
}

// comparison reads an operator and a value.
func (p *parser) comparison() (*comparison, error) {
	c := &comparison{}
	for _, op := range operators {
		if p.accept(op) {
			c.op = op
			break
		}
	}
	if c.op == "" {
		return nil, p.fail("an operator is missing")
	}
	p.spaces()
	if err := p.value(c); err != nil {
		return nil, err
	}
	if !c.isNumber && c.op != "=" && c.op != "!=" {
		return nil, p.fail("%s needs a number", c.op)
	}
	return c, nil
}

func (p *parser) value(c *comparison) (err error) {
	switch p.peek() {
	case '"':
		c.text, err = p.quoted()
		return err
	case '%':
		c.re, err = p.regexp()
		return err
	}
	start := p.pos
	for !p.done() && strings.IndexByte(" \t\r\n()[]{}=!<>&|,\"%'", p.text[p.pos]) < 0 {
		p.pos++
	}
	word := p.text[start:p.pos]
	if word == "" {
		return p.fail("a value is missing")
	}
	c.text = strings.Split(word, "*")
	c.number, c.isNumber = number(word)
	return nil
}

// number reads a decimal number, with sign, fraction and exponent.
func number(s string) (float64, bool) {
	if strings.Trim(s, "0123456789+-.eE") != "" {
		return 0, false // no hexadecimal, infinity or underscore
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// holds tells whether the comparison is true of a value. Where the pattern has a
// number and the value is one too, numbers are compared, otherwise texts.
func (c *comparison) holds(value string) bool {
	if c.isNumber {
		if f, ok := number(value); ok {
			return c.orders(f)
		}
		if c.op != "=" && c.op != "!=" {
			return false
		}
	}
	same := false
	if c.re != nil {
		same = c.re.MatchString(value)
	} else {
		same = c.text.match(value)
	}
	return same == (c.op == "=")
}

func (c *comparison) orders(f float64) bool {
	switch c.op {
	case "=":
		return f == c.number
	case "!=":
		return f != c.number
	case "<":
		return f < c.number
	case "<=":
		return f <= c.number
	case ">":
		return f > c.number
	}
	return f >= c.number
}
