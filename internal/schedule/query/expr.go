package query

import (
	"strings"
	"time"
)

// A Subject is what an expression is about: a container instance as the query language sees it.
type Subject struct {
	AgentConnected bool
	AgentVersion   string // such as 1.94.0; empty if the agent never said
	EC2InstanceID  string
	RegisteredAt   time.Time
	RunningTasks   int               // runningTasksCount
	Attributes     map[string]string // name → value, "" for an attribute without one
	Groups         map[string]int    // tasks on the instance per task group; entries of 0 count as absent
}

// An Expr is a parsed expression.
type Expr struct {
	root           node
	attributesOnly bool
}

// Match reports whether the expression holds for s.
func (e *Expr) Match(s Subject) bool { return e.root.match(&s) }

// AttributesOnly reports whether the answer depends on nothing but s.Attributes, so that it may be remembered for all
// instances with the same attributes.
func (e *Expr) AttributesOnly() bool { return e.attributesOnly }

// String is the expression in one canonical spelling: symbols for operators, quoted values, and only the parentheses
// that it needs. It parses back to an equal expression.
func (e *Expr) String() string {
	var b strings.Builder
	e.root.write(&b)
	return b.String()
}

// node is a part of an expression.
type node interface {
	match(s *Subject) bool
	write(b *strings.Builder)
}

// all holds when each of its parts does; its parts are never all nodes.
type all []node

func (n all) match(s *Subject) bool {
	for _, part := range n {
		if !part.match(s) {
			return false
		}
	}
	return true
}

func (n all) write(b *strings.Builder) {
	for i, part := range n {
		if i > 0 {
			b.WriteString(" && ")
		}
		writeNested(b, part)
	}
}

// either holds when one of its parts does.
type either []node

func (n either) match(s *Subject) bool {
	for _, part := range n {
		if part.match(s) {
			return true
		}
	}
	return false
}

func (n either) write(b *strings.Builder) {
	for i, part := range n {
		if i > 0 {
			b.WriteString(" || ")
		}
		writeNested(b, part)
	}
}

// negation holds when its part does not.
type negation struct{ part node }

func (n negation) match(s *Subject) bool { return !n.part.match(s) }

func (n negation) write(b *strings.Builder) {
	b.WriteByte('!')
	writeNested(b, n.part)
}

// writeNested puts parentheses around a compound part, where they make the meaning.
func writeNested(b *strings.Builder, part node) {
	switch part.(type) {
	case all, either:
		b.WriteByte('(')
		part.write(b)
		b.WriteByte(')')
	default:
		part.write(b)
	}
}
