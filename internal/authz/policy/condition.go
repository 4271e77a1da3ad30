package policy

import (
	"slices"
	"strings"
)

// condition is one key of a Condition block with the values it is held against.
type condition struct {
	op       *operator
	quantity quantity
	ifExists bool
	key      string // in small letters
	values   []template
}

// quantity says how many of a key's values must fit.
type quantity int

const (
	single quantity = iota // the key is expected to have one; of several any
	forAny
	forAll
)

// holds follows the IAM user guide, "Multivalued context keys" and "How AWS
// enforcement code logic evaluates requests": the values of a condition are
// alternatives, of an operator with Not they all exclude.
func (c *condition) holds(r *Request) bool {
	have, ok := r.get(c.key)
	if !ok {
		have = nil
	}
	if c.op.null {
		return slices.ContainsFunc(c.values, func(t template) bool { return strings.EqualFold(t.text, "true") == (len(have) == 0) })
	}
	if len(have) == 0 {
		return c.ifExists || c.quantity == forAll || c.quantity == single && c.op.not
	}
	fits := func(v string) bool { return c.matches(r, v) != c.op.not }
	switch c.quantity {
	case forAll:
		return !slices.ContainsFunc(have, func(v string) bool { return !fits(v) })
	case forAny:
		return slices.ContainsFunc(have, fits)
	}
	// Without a quantity, Not means that no value is among those of the policy.
	return slices.ContainsFunc(have, func(v string) bool { return c.matches(r, v) }) != c.op.not
}

func (c *condition) matches(r *Request, have string) bool {
	return slices.ContainsFunc(c.values, func(t template) bool { return c.op.match(r, t, have) })
}

// parseOperator reads the name of a condition operator: ForAnyValue:StringLike,
// DateLessThanIfExists …
func parseOperator(name string) (condition, bool) {
	var c condition
	if prefix, rest, ok := strings.Cut(name, ":"); ok {
		switch strings.ToLower(prefix) {
		case "forallvalues":
			c.quantity = forAll
		case "foranyvalue":
			c.quantity = forAny
		default:
			return c, false
		}
		name = rest
	}
	folded := strings.ToLower(name)
	if base, ok := strings.CutSuffix(folded, "ifexists"); ok {
		folded, c.ifExists = base, true
	}
	c.op = operators[folded]
	if c.op == nil || c.op.null && (c.ifExists || c.quantity != single) {
		return c, false
	}
	return c, true
}
