package shape

import (
	"regexp"
	"slices"
	"sync"
)

// Constraint is what a model demands of one named shape. A nil bound is no
// bound. Min and Max bound the length of strings (in characters), blobs (in
// bytes), lists and maps, and the value of numbers.
type Constraint struct {
	Min, Max *float64
	Enum     []string
	Pattern  string // a Go regular expression that the whole string must match
	Elem     string // constraint of a list's items or a map's values
	Key      string // constraint of a map's keys
}

// Constraints are the named constraints of one service. Treat as constant.
type Constraints map[string]*Constraint

// Has reports whether v is in the enumeration; an empty one holds everything.
func (c *Constraint) Has(v string) bool {
	return len(c.Enum) == 0 || slices.Contains(c.Enum, v)
}

var patterns sync.Map // pattern → *regexp.Regexp; the patterns come from models, so they are few

// Match reports whether the whole of v matches the pattern, as AWS demands.
func (c *Constraint) Match(v string) bool {
	if c.Pattern == "" {
		return true
	}
	re, ok := patterns.Load(c.Pattern)
	if !ok {
		re, _ = patterns.LoadOrStore(c.Pattern, regexp.MustCompile(`^(?:`+c.Pattern+`)$`))
	}
	return re.(*regexp.Regexp).MatchString(v)
}
