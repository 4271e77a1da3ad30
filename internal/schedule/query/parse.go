package query

import (
	"strings"
	"unicode/utf8"
)

// Limits of an expression. The length is that of CloudFormation's PlacementConstraint.Expression; the depth keeps the
// parser's stack small.
const (
	MaxLength = 2000 // characters
	MaxDepth  = 50   // nested parentheses and negations
)

// Parse reads an expression. Its error is a [*SyntaxError].
func Parse(expr string) (*Expr, error) {
	p := &parser{src: expr, attributesOnly: true}
	if utf8.RuneCountInString(expr) > MaxLength {
		return nil, &SyntaxError{Position: MaxLength + 1, Expected: "an expression of at most 2000 characters", Found: "more"}
	}
	root, err := p.expression()
	if err != nil {
		return nil, err
	}
	if p.skipSpace(); p.pos < len(p.src) {
		return nil, p.errorAt(p.pos, 0, "and, or, or the end of the expression")
	}
	return &Expr{root: root, attributesOnly: p.attributesOnly}, nil
}

// parser reads src from pos on, by recursive descent.
type parser struct {
	src            string
	pos            int
	depth          int
	attributesOnly bool
}

func (p *parser) expression() (node, error) {
	parts, err := p.chain(p.conjunction, "or", "||")
	if err != nil || len(parts) == 1 {
		return first(parts), err
	}
	return either(parts), nil
}

func (p *parser) conjunction() (node, error) {
	parts, err := p.chain(p.unary, "and", "&&")
	if err != nil || len(parts) == 1 {
		return first(parts), err
	}
	return all(parts), nil
}

func first(parts []node) node {
	if len(parts) == 0 {
		return nil
	}
	return parts[0]
}

// chain reads operands joined by an operator in either spelling.
func (p *parser) chain(operand func() (node, error), word, symbol string) ([]node, error) {
	var parts []node
	for {
		part, err := operand()
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
		if !p.acceptWord(word) && !p.acceptSymbol(symbol) {
			return parts, nil
		}
	}
}

func (p *parser) unary() (node, error) {
	p.skipSpace()
	start := p.pos
	negated := p.acceptWord("not") || p.acceptSymbol("!")
	if !negated && !p.acceptSymbol("(") {
		return p.comparison()
	}
	if p.depth++; p.depth > MaxDepth {
		return nil, p.errorAt(start, p.pos, "at most 50 nested parentheses and negations")
	}
	defer func() { p.depth-- }()
	if negated {
		part, err := p.unary()
		return negation{part}, err
	}
	inner, err := p.expression()
	if err != nil {
		return nil, err
	}
	if !p.acceptSymbol(")") {
		return nil, p.errorAt(p.pos, 0, "and, or, or a closing parenthesis")
	}
	return inner, nil
}

func (p *parser) comparison() (node, error) {
	about, err := p.subject()
	if err != nil {
		return nil, err
	}
	op, err := p.operator(about)
	if err != nil {
		return nil, err
	}
	args, err := p.arguments(op)
	if err != nil {
		return nil, err
	}
	if about.kind != attribute {
		p.attributesOnly = false
	}
	return p.compile(about, op, args)
}

func (p *parser) skipSpace() {
	for p.pos < len(p.src) && strings.IndexByte(" \t\r\n", p.src[p.pos]) >= 0 {
		p.pos++
	}
}

// acceptSymbol steps over symbol if it comes next.
func (p *parser) acceptSymbol(symbol string) bool {
	p.skipSpace()
	if !strings.HasPrefix(p.src[p.pos:], symbol) {
		return false
	}
	p.pos += len(symbol)
	return true
}

// acceptWord steps over word if it comes next and ends there.
func (p *parser) acceptWord(word string) bool {
	p.skipSpace()
	end := p.pos
	for end < len(p.src) && isBare(p.src[end]) {
		end++
	}
	if !strings.EqualFold(p.src[p.pos:end], word) {
		return false
	}
	p.pos = end
	return true
}
