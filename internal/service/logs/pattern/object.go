package pattern

import (
	"bytes"
	"encoding/json"
	"strings"
)

// object is a condition on an event that is JSON.
type object struct {
	condition expression[any]
	selectors []*selector
}

// Limits of patterns on JSON and columns (user guide, "Filter pattern syntax").
const (
	maxRegexps   = 2
	maxWildcards = 3
)

func (p *parser) object() (matcher, error) {
	p.pos++
	o := &object{}
	var err error
	if o.condition, err = disjunction(p, func() (expression[any], error) { return p.property(o) }); err != nil {
		return nil, err
	}
	if !p.accept("}") {
		return nil, p.fail("a brace without its end")
	}
	switch {
	case p.regexps > maxRegexps:
		return nil, p.fail("more than %d regular expressions", maxRegexps)
	case p.wildcards > maxWildcards:
		return nil, p.fail("more than %d wildcards in selectors", maxWildcards)
	}
	return o, p.end()
}

func (o *object) match(message []byte) bool {
	_, ok := o.holds(message)
	return ok
}

func (o *object) holds(message []byte) (root any, ok bool) {
	head := bytes.TrimLeft(message, " \t\r\n")
	if len(head) == 0 || head[0] != '{' && head[0] != '[' {
		return nil, false // without reading on: most events are no JSON at all
	}
	d := json.NewDecoder(bytes.NewReader(head))
	d.UseNumber()
	if d.Decode(&root) != nil || d.More() {
		return nil, false
	}
	return root, o.condition.holds(root)
}

func (o *object) extract(message []byte) map[string]string {
	root, ok := o.holds(message)
	if !ok {
		return nil
	}
	found := map[string]string{}
	for _, s := range o.selectors {
		s.each(root, func(v any) bool {
			if text, ok := scalar(v); ok {
				found[s.text] = text
				return true
			}
			return false
		})
	}
	return found
}

// property is a condition on what a selector finds: one value of it suffices.
type property struct {
	*selector
	test func(v any) bool
}

func (p property) holds(root any) bool { return p.each(root, p.test) }

// absent is true if the selector finds nothing.
type absent struct{ *selector }

func (a absent) holds(root any) bool { return !a.each(root, func(any) bool { return true }) }

func (p *parser) property(o *object) (expression[any], error) {
	s, err := p.selector()
	if err != nil {
		return nil, err
	}
	o.selectors = append(o.selectors, s)
	switch {
	case p.keyword("IS"):
		for word, want := range map[string]any{"NULL": nil, "TRUE": true, "FALSE": false} {
			if p.keyword(word) {
				return property{s, func(v any) bool { return v == want }}, nil
			}
		}
		return nil, p.fail("IS needs NULL, TRUE or FALSE")
	case p.keyword("NOT"):
		if !p.keyword("EXISTS") {
			return nil, p.fail("NOT needs EXISTS")
		}
		return absent{s}, nil
	}
	c, err := p.comparison()
	if err != nil {
		return nil, err
	}
	return property{s, func(v any) bool {
		text, ok := scalar(v)
		return ok && c.holds(text)
	}}, nil
}

// keyword takes a word in capitals or not, if it comes next and ends there.
func (p *parser) keyword(word string) bool {
	p.spaces()
	rest := p.text[p.pos:]
	if len(rest) < len(word) || !strings.EqualFold(rest[:len(word)], word) {
		return false
	}
	if len(rest) > len(word) && strings.IndexByte(" \t\r\n)}&|", rest[len(word)]) < 0 {
		return false
	}
	p.pos += len(word)
	return true
}

// scalar is the text of a value that can be compared.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		if v {
			return "true", true
		}
		return "false", true
	}
	return "", false
}
