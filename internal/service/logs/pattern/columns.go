package pattern

import (
	"bytes"
	"strconv"
)

// columns is a condition on an event that is a row of fields.
type columns struct {
	all      []column
	ellipsis int // of the columns, how many stand before "..."; -1: there is none
}

// column is one field, by name and by what is said of it; both may be absent.
type column struct {
	name      string
	condition expression[string]
}

// compared is a condition on a field.
type compared struct{ *comparison }

func (c compared) holds(field string) bool { return c.comparison.holds(field) }

func (p *parser) columns() (matcher, error) {
	p.pos++
	c := &columns{ellipsis: -1}
	if p.accept("]") {
		c.ellipsis = 0 // no columns: every row
		return c, p.end()
	}
	for more := true; more; more = p.accept(",") {
		if p.accept("...") {
			if c.ellipsis >= 0 {
				return nil, p.fail("more than one ellipsis")
			}
			c.ellipsis = len(c.all)
			continue
		}
		one, err := p.column()
		if err != nil {
			return nil, err
		}
		c.all = append(c.all, one)
	}
	if !p.accept("]") {
		return nil, p.fail("a bracket without its end")
	}
	if p.regexps > maxRegexps {
		return nil, p.fail("more than %d regular expressions", maxRegexps)
	}
	return c, p.end()
}

// column reads a name, alone or in conditions.
func (p *parser) column() (column, error) {
	var c column
	p.spaces()
	start := p.pos
	name := p.word()
	if name != "" {
		p.spaces()
		if next := p.peek(); p.done() || next == ',' || next == ']' {
			return column{name: name}, nil
		}
	}
	p.pos = start
	var err error
	c.condition, err = disjunction(p, func() (expression[string], error) {
		name := p.word()
		switch {
		case name == "":
			return nil, p.fail("a column's name is missing")
		case c.name != "" && c.name != name:
			return nil, p.fail("a condition on %s in the place of %s", name, c.name)
		}
		c.name = name
		cmp, err := p.comparison()
		return compared{cmp}, err
	})
	return c, err
}

func (p *parser) word() string {
	start := p.pos
	for c := p.peek(); c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'; c = p.peek() {
		p.pos++
	}
	return p.text[start:p.pos]
}

func (c *columns) match(message []byte) bool {
	fields := split(message)
	return c.fits(len(fields)) && c.hold(fields)
}

func (c *columns) fits(fields int) bool {
	if c.ellipsis >= 0 {
		return fields >= len(c.all)
	}
	return fields == len(c.all)
}

// place is the field of the i-th column in a row of n.
func (c *columns) place(i, n int) int {
	if c.ellipsis >= 0 && i >= c.ellipsis {
		return n - len(c.all) + i
	}
	return i
}

func (c *columns) hold(fields []string) bool {
	for i, col := range c.all {
		if col.condition != nil && !col.condition.holds(fields[c.place(i, len(fields))]) {
			return false
		}
	}
	return true
}

// extract names fields by their column or by their number, counted from 1.
func (c *columns) extract(message []byte) map[string]string {
	fields := split(message)
	if !c.fits(len(fields)) || !c.hold(fields) {
		return nil
	}
	found := map[string]string{}
	names := make([]string, len(fields))
	for i, col := range c.all {
		names[c.place(i, len(fields))] = col.name
	}
	for i, f := range fields {
		if names[i] == "" {
			names[i] = strconv.Itoa(i + 1)
		}
		found["$"+names[i]] = f
	}
	return found
}

// split takes a row apart at its spaces. What is in brackets or double quotes is
// one field, without them.
func split(message []byte) []string {
	var fields []string
	for {
		message = bytes.TrimLeft(message, " \t\r\n")
		if len(message) == 0 {
			return fields
		}
		if inner, rest, ok := enclosed(message); ok {
			fields, message = append(fields, string(inner)), rest
			continue
		}
		end := bytes.IndexAny(message, " \t\r\n")
		if end < 0 {
			end = len(message)
		}
		fields, message = append(fields, string(message[:end])), message[end:]
	}
}

func enclosed(message []byte) (inner, rest []byte, ok bool) {
	closing := byte('"')
	switch message[0] {
	case '[':
		closing = ']'
	case '"':
	default:
		return nil, nil, false
	}
	end := bytes.IndexByte(message[1:], closing)
	if end < 0 {
		return nil, nil, false
	}
	return message[1 : 1+end], message[2+end:], true
}
