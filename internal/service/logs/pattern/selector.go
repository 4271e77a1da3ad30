package pattern

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// selector names a place in JSON, as in $.a.b[0].
type selector struct {
	text  string // as written
	steps []step
}

// step goes one level down: to a member, to an item, or to all there is.
type step struct {
	member string
	item   int
	kind   stepKind
}

type stepKind int

const (
	toMember stepKind = iota
	toItem
	toAll
)

// each calls f with the values at the place until one satisfies it, and tells
// whether one did.
func (s *selector) each(root any, f func(any) bool) bool { return each(root, s.steps, f) }

func each(v any, steps []step, f func(any) bool) bool {
	if len(steps) == 0 {
		return f(v)
	}
	s, rest := steps[0], steps[1:]
	switch v := v.(type) {
	case map[string]any:
		if s.kind == toMember {
			member, ok := v[s.member]
			return ok && each(member, rest, f)
		}
		for _, member := range v {
			if s.kind == toAll && each(member, rest, f) {
				return true
			}
		}
	case []any:
		if s.kind == toItem {
			return s.item < len(v) && each(v[s.item], rest, f)
		}
		for _, item := range v {
			if s.kind == toAll && each(item, rest, f) {
				return true
			}
		}
	}
	return false
}

func (p *parser) selector() (*selector, error) {
	start := p.pos
	if p.peek() != '$' {
		return nil, p.fail("a selector that begins with $ is missing")
	}
	p.pos++
	s := &selector{}
	all := 0
	for p.peek() == '.' || p.peek() == '[' {
		one, err := p.step()
		if err != nil {
			return nil, err
		}
		if one.kind == toAll {
			all++
			p.wildcards++
		}
		s.steps = append(s.steps, one)
	}
	if all > 1 {
		return nil, p.fail("more than one wildcard in a selector")
	}
	if len(s.steps) == 0 {
		return nil, p.fail("a selector needs a property")
	}
	s.text = p.text[start:p.pos]
	return s, nil
}

func (p *parser) step() (step, error) {
	dot := p.peek() == '.'
	if dot {
		p.pos++
	}
	if p.peek() == '[' {
		return p.bracket()
	}
	if p.peek() == '*' {
		p.pos++
		return step{kind: toAll}, nil
	}
	start := p.pos
	for !p.done() {
		r, size := utf8.DecodeRuneInString(p.text[p.pos:])
		if !wordRune(r) && r != '-' && r != '@' && r != '$' && r != ':' {
			break
		}
		p.pos += size
	}
	if p.pos == start {
		return step{}, p.fail("a property is missing")
	}
	return step{member: p.text[start:p.pos]}, nil
}

// bracket reads [0], [*], ["name"] or ['name'].
func (p *parser) bracket() (step, error) {
	p.pos++
	end := strings.IndexByte(p.text[p.pos:], ']')
	if c := p.peek(); c == '"' || c == '\'' {
		end = strings.Index(p.text[p.pos+1:], string([]byte{c, ']'}))
		if end <= 0 {
			return step{}, p.fail("a property in brackets without its end")
		}
		name := p.text[p.pos+1 : p.pos+1+end]
		p.pos += end + 3
		return step{member: name}, nil
	}
	if end < 0 {
		return step{}, p.fail("a bracket without its end")
	}
	inner := strings.TrimSpace(p.text[p.pos : p.pos+end])
	if inner == "*" {
		p.pos += end + 1
		return step{kind: toAll}, nil
	}
	n, err := strconv.ParseUint(inner, 10, 31)
	if err != nil {
		return step{}, p.fail("brackets need a number, an asterisk or a property in quotes")
	}
	p.pos += end + 1
	return step{kind: toItem, item: int(n)}, nil
}
