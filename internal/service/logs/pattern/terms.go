package pattern

import (
	"bytes"
	"regexp"
	"unicode"
	"unicode/utf8"
)

// terms are words, phrases and regular expressions. All of must have to be
// there; else, if there are none, one of any. None of not may be.
type terms struct {
	must, any, not []term
}

// term is a text or a regular expression that is somewhere in the message.
type term struct {
	text []byte
	re   *regexp.Regexp
}

func (t term) in(message []byte) bool {
	if t.re != nil {
		return t.re.Match(message)
	}
	return bytes.Contains(message, t.text)
}

func (t terms) match(message []byte) bool {
	for _, w := range t.not {
		if w.in(message) {
			return false
		}
	}
	for _, w := range t.must {
		if !w.in(message) {
			return false
		}
	}
	for _, w := range t.any {
		if w.in(message) {
			return true
		}
	}
	return len(t.any) == 0
}

func (t terms) extract(message []byte) map[string]string {
	if !t.match(message) {
		return nil
	}
	return map[string]string{}
}

// terms reads a pattern of terms. Beside terms of other kinds, those with a
// question mark are ignored, as the guide says.
func (p *parser) terms() (matcher, error) {
	var t terms
	for p.spaces(); !p.done(); p.spaces() {
		list := &t.must
		switch p.peek() {
		case '?':
			list = &t.any
			p.pos++
		case '-':
			list = &t.not
			p.pos++
		}
		one, err := p.term()
		if err != nil {
			return nil, err
		}
		*list = append(*list, one)
	}
	if len(t.must)+len(t.not) > 0 {
		t.any = nil
	}
	return t, nil
}

func (p *parser) term() (term, error) {
	switch p.peek() {
	case '"':
		s, err := p.quoted()
		return term{text: []byte(s.plain())}, err
	case '%':
		re, err := p.regexp()
		return term{re: re}, err
	}
	start := p.pos
	for !p.done() {
		r, size := utf8.DecodeRuneInString(p.text[p.pos:])
		if !wordRune(r) {
			break
		}
		p.pos += size
	}
	word := p.text[start:p.pos]
	if at := p.peek(); word == "" || !p.done() && at != ' ' && at != '\t' && at != '\r' && at != '\n' {
		return term{}, p.fail("a term with other characters than letters, digits and underscores must be in double quotes")
	}
	return term{text: []byte(word)}, nil
}

func wordRune(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)
}
