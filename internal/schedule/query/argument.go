package query

import (
	"strings"
)

// argument is a value as written, quotes removed, and where it stands in the source.
type argument struct {
	text       string
	start, end int
}

func (p *parser) arguments(op operator) ([]argument, error) {
	switch op {
	case exists, notExists:
		return nil, nil
	case in, notIn:
		return p.list()
	case matches, notMatches:
		arg, err := p.value(p.patternEnd, "a pattern")
		return []argument{arg}, err
	default:
		arg, err := p.value(p.bareEnd, "a value")
		return []argument{arg}, err
	}
}

func (p *parser) list() ([]argument, error) {
	if !p.acceptSymbol("[") {
		return nil, p.errorAt(p.pos, 0, "a list in brackets")
	}
	var args []argument
	for {
		arg, err := p.value(p.bareEnd, "a value")
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
		if p.acceptSymbol("]") {
			return args, nil
		}
		if !p.acceptSymbol(",") {
			return nil, p.errorAt(p.pos, 0, "a comma or a closing bracket")
		}
	}
}

// value reads one value: in quotes, or bare up to where end says.
func (p *parser) value(end func(from int) int, want string) (argument, error) {
	p.skipSpace()
	start := p.pos
	if start < len(p.src) && (p.src[start] == '\'' || p.src[start] == '"') {
		length := strings.IndexByte(p.src[start+1:], p.src[start])
		if length < 0 {
			return argument{}, p.errorAt(len(p.src), 0, "a closing quote")
		}
		p.pos = start + 1 + length + 1
		return argument{p.src[start+1 : p.pos-1], start, p.pos}, nil
	}
	p.pos = end(start)
	if p.pos == start {
		return argument{}, p.errorAt(start, 0, want)
	}
	return argument{p.src[start:p.pos], start, p.pos}, nil
}

func (p *parser) bareEnd(from int) int {
	for from < len(p.src) && isBare(p.src[from]) {
		from++
	}
	return from
}

// patternEnd is where a pattern without quotes ends: at a space or at a closing parenthesis that the pattern itself
// did not open.
func (p *parser) patternEnd(from int) int {
	open, class := 0, false
	for ; from < len(p.src); from++ {
		switch c := p.src[from]; {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			return from
		case c == '\\' && from+1 < len(p.src):
			from++
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '(':
			open++
		case c == ')':
			if open--; open < 0 {
				return from
			}
		}
	}
	return from
}

// isText reports whether s can be the value of an attribute: 1 to 128 letters, digits and _ . / \ - @ : or spaces,
// none at its ends (Attribute in the ECS API reference).
func isText(s string) bool {
	if s == "" || len(s) > maxValue || s[0] == ' ' || s[len(s)-1] == ' ' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isNameByte(c) && c != '@' && c != ':' && c != ' ' {
			return false
		}
	}
	return true
}
