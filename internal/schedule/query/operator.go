package query

import (
	"fmt"
	"strings"
)

type operator int

// The operators; each negative one follows its positive twin.
const (
	equals operator = iota
	notEquals
	in
	notIn
	matches
	notMatches
	exists
	notExists
	greaterThan
	greaterThanEqual
	lessThan
	lessThanEqual
)

// spellings holds the symbol and the word of every operator.
var spellings = [...]struct{ symbol, word string }{
	equals:           {"==", "equals"},
	notEquals:        {"!=", "not_equals"},
	in:               {"in", "in"},
	notIn:            {"!in", "not_in"},
	matches:          {"=~", "matches"},
	notMatches:       {"!~", "not_matches"},
	exists:           {"exists", "exists"},
	notExists:        {"!exists", "not_exists"},
	greaterThan:      {">", "greater_than"},
	greaterThanEqual: {">=", "greater_than_equal"},
	lessThan:         {"<", "less_than"},
	lessThanEqual:    {"<=", "less_than_equal"},
}

// words maps every operator that is written with letters to its meaning.
var words = func() map[string]operator {
	m := map[string]operator{}
	for op, s := range spellings {
		m[s.word] = operator(op)
		if strings.HasSuffix(s.symbol, "in") || strings.HasSuffix(s.symbol, "exists") {
			m[s.symbol] = operator(op)
		}
	}
	return m
}()

// symbols lists the operators written with signs alone, longer ones before their own beginnings.
var symbols = []operator{
	equals, notEquals, matches, notMatches, greaterThanEqual, lessThanEqual, greaterThan, lessThan,
}

// valid says which operators a subject takes (developer guide, cluster-query-language, "Valid operators"); the page
// sets no bounds for attributes and task groups.
var valid = map[subjectKind][]operator{
	attribute: {
		equals, notEquals, in, notIn, matches, notMatches, exists, notExists,
		greaterThan, greaterThanEqual, lessThan, lessThanEqual,
	},
	taskGroup:         {equals, notEquals, in, notIn, matches, notMatches, exists, notExists},
	agentConnected:    {equals, notEquals, in, notIn, matches, notMatches},
	ec2InstanceID:     {equals, notEquals, in, notIn, matches, notMatches},
	agentVersion:      {equals, notEquals, greaterThan, greaterThanEqual, lessThan, lessThanEqual},
	registeredAt:      {equals, notEquals, greaterThan, greaterThanEqual, lessThan, lessThanEqual},
	runningTasksCount: {equals, notEquals, greaterThan, greaterThanEqual, lessThan, lessThanEqual},
}

func (p *parser) operator(about subject) (operator, error) {
	p.skipSpace()
	start := p.pos
	op, ok := p.acceptOperator()
	if ok {
		for _, v := range valid[about.kind] {
			if v == op {
				return op, nil
			}
		}
	}
	p.pos = start
	names := make([]string, 0, len(spellings))
	for _, v := range valid[about.kind] {
		names = append(names, spellings[v].symbol)
	}
	return 0, p.errorAt(start, p.operatorEnd(start), fmt.Sprintf("an operator that %s takes (%s)", about.name, strings.Join(names, " ")))
}

func (p *parser) acceptOperator() (operator, bool) {
	for _, op := range symbols {
		if p.acceptSymbol(spellings[op].symbol) {
			return op, true
		}
	}
	end := p.operatorEnd(p.pos)
	op, ok := words[strings.ToLower(p.src[p.pos:end])]
	if ok {
		p.pos = end
	}
	return op, ok
}

// operatorEnd is where an operator of letters that starts at from ends, a leading ! included.
func (p *parser) operatorEnd(from int) int {
	end := from
	for end < len(p.src) {
		c := p.src[end] | 0x20
		if !('a' <= c && c <= 'z') && p.src[end] != '_' && !(end == from && p.src[end] == '!') {
			break
		}
		end++
	}
	return end
}
