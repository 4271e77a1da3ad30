package query

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// comparison is a subject, an operator and its arguments, compiled to a test. The test is that of the positive twin of
// a negative operator.
type comparison struct {
	about   subject
	op      operator
	args    []argument
	negated bool
	test    func(s *Subject) bool
}

func (c *comparison) match(s *Subject) bool { return c.test(s) != c.negated }

func (c *comparison) write(b *strings.Builder) {
	b.WriteString(c.about.name + " " + spellings[c.op].symbol)
	if len(c.args) == 0 {
		return
	}
	b.WriteByte(' ')
	list := c.op == in || c.op == notIn
	if list {
		b.WriteByte('[')
	}
	for i, arg := range c.args {
		if i > 0 {
			b.WriteString(", ")
		}
		quote := "'"
		if strings.Contains(arg.text, quote) {
			quote = `"`
		}
		if strings.Contains(arg.text, `"`) && quote == `"` {
			quote = "" // it was read without quotes, so it can be again
		}
		b.WriteString(quote + arg.text + quote)
	}
	if list {
		b.WriteByte(']')
	}
}

func (p *parser) compile(about subject, op operator, args []argument) (node, error) {
	c := &comparison{about: about, op: op, args: args}
	positive := op
	switch op {
	case notEquals, notIn, notMatches, notExists:
		positive, c.negated = op-1, true
	}
	var err error
	switch about.kind {
	case agentVersion:
		c.test, err = ordered(p, positive, args[0], "a version such as 1.94.0", parseVersion, func(s *Subject) (version, bool) {
			return parseVersion(s.AgentVersion)
		}, version.compare)
	case registeredAt:
		c.test, err = ordered(p, positive, args[0], "a date such as 2018-06-18 or 2018-06-18T22:28:28Z", parseTime, func(s *Subject) (time.Time, bool) {
			return s.RegisteredAt.Truncate(time.Second), !s.RegisteredAt.IsZero()
		}, time.Time.Compare)
	case runningTasksCount:
		c.test, err = ordered(p, positive, args[0], "an integer", parseCount, func(s *Subject) (int, bool) {
			return s.RunningTasks, true
		}, cmp.Compare[int])
	default:
		c.test, err = p.textTest(about, positive, args)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// ordered compiles a comparison of typed values.
func ordered[T any](p *parser, op operator, arg argument, want string, parse func(string) (T, bool), get func(*Subject) (T, bool), compare func(a, b T) int) (func(*Subject) bool, error) {
	bound, ok := parse(arg.text)
	if !ok {
		return nil, p.errorAt(arg.start, arg.end, want)
	}
	return func(s *Subject) bool {
		have, ok := get(s)
		return ok && holds(op, compare(have, bound))
	}, nil
}

// holds says what an operator makes of the order of two values.
func holds(op operator, order int) bool {
	switch op {
	case greaterThan:
		return order > 0
	case greaterThanEqual:
		return order >= 0
	case lessThan:
		return order < 0
	case lessThanEqual:
		return order <= 0
	default:
		return order == 0
	}
}

// textTest compiles a comparison of strings.
func (p *parser) textTest(about subject, op operator, args []argument) (func(*Subject) bool, error) {
	test, err := p.stringTest(op, args)
	if err != nil {
		return nil, err
	}
	switch about.kind {
	case agentConnected:
		return func(s *Subject) bool { return test(strconv.FormatBool(s.AgentConnected)) }, nil
	case ec2InstanceID:
		return func(s *Subject) bool { return s.EC2InstanceID != "" && test(s.EC2InstanceID) }, nil
	case taskGroup:
		if op == equals {
			group := args[0].text
			return func(s *Subject) bool { return s.Groups[group] > 0 }, nil
		}
		return func(s *Subject) bool { return anyGroup(s.Groups, test) }, nil
	default:
		name := strings.TrimPrefix(about.name, attributePrefix)
		return func(s *Subject) bool {
			value, ok := s.Attributes[name]
			return ok && test(value)
		}, nil
	}
}

func anyGroup(groups map[string]int, test func(string) bool) bool {
	for group, tasks := range groups {
		if tasks > 0 && test(group) {
			return true
		}
	}
	return false
}

// stringTest compiles the right side of a comparison of strings.
func (p *parser) stringTest(op operator, args []argument) (func(string) bool, error) {
	if op == exists {
		return func(string) bool { return true }, nil
	}
	if op == matches {
		return p.patternTest(args[0])
	}
	values := make([]string, 0, len(args))
	for _, arg := range args {
		if !isText(arg.text) {
			return nil, p.errorAt(arg.start, arg.end,
				`a value of 1 to 128 letters, digits, spaces, "_", ".", "/", "\", "-", "@" or ":", without spaces at its ends`)
		}
		values = append(values, arg.text)
	}
	if op == in {
		return func(have string) bool { return slices.Contains(values, have) }, nil
	}
	return func(have string) bool { return holds(op, strings.Compare(have, values[0])) }, nil
}
