// Package validate owns the check of decoded inputs against the constraints of
// their model, and AWS's words for what they violate:
//
//	2 validation errors detected: Value null at 'taskDefinition' failed to satisfy constraint: Member must not be null; Value 'X' at 'launchType' failed to satisfy constraint: Member must satisfy enum value set: [EC2, FARGATE]
//
// It collects every violation, bounded in number and size, in the order of the
// model's members.
package validate

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/slipway/slipway/internal/wire/shape"
)

// Violation is one broken constraint.
type Violation struct {
	Path  string // "tags.1.member.key"
	Value string // as AWS quotes it: 'x', null, or "" for no value at all
	Rule  string // "Member must not be null"
	Null  bool   // a required member is absent
}

func (v Violation) String() string {
	value := ""
	if v.Value != "" {
		value = " " + v.Value
	}
	return "Value" + value + " at '" + v.Path + "' failed to satisfy constraint: " + v.Rule
}

// Must is the rule as services write it that tell one violation at a time: "must
// have length less than or equal to 5".
func (v Violation) Must() string {
	rule := strings.TrimPrefix(v.Rule, "Member ")
	if before, pattern, ok := strings.Cut(rule, " pattern: "); ok {
		return before + " '" + pattern + "'"
	}
	return rule
}

// Bounds on what an answer repeats of a request.
const (
	maxViolations = 25
	maxValue      = 1024
)

const notNull = "Member must not be null"

// Missing is the violation of an item that is null where none may be.
func Missing(path string) Violation {
	return Violation{Path: path, Value: "null", Rule: notNull, Null: true}
}

// Message joins violations as AWS does.
func Message(vs []Violation) string {
	var b strings.Builder
	plural := "s"
	if len(vs) == 1 {
		plural = ""
	}
	fmt.Fprintf(&b, "%d validation error%s detected: ", len(vs), plural)
	for i, v := range vs {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(v.String())
	}
	return b.String()
}

// Input checks v, an addressable structure of plan p, under the constraints c.
func Input(p *shape.Plan, c shape.Constraints, v reflect.Value) []Violation {
	w := walker{constraints: c}
	w.structure(p, v)
	return w.found
}

type walker struct {
	constraints shape.Constraints
	path        []string
	found       []Violation
}

func (w *walker) report(value, rule string) {
	w.add(Violation{Path: strings.Join(w.path, "."), Value: value, Rule: rule})
}

func (w *walker) add(v Violation) {
	if len(w.found) < maxViolations {
		w.found = append(w.found, v)
	}
}

func (w *walker) push(names ...string) { w.path = append(w.path, names...) }
func (w *walker) pop(n int)            { w.path = w.path[:len(w.path)-n] }

func (w *walker) structure(p *shape.Plan, v reflect.Value) {
	for i := range p.Fields {
		f := &p.Fields[i]
		fv := v.Field(f.Index)
		if fv.IsZero() {
			if f.Required {
				w.push(f.Path)
				w.add(Missing(strings.Join(w.path, ".")))
				w.pop(1)
			}
			continue
		}
		if f.Constraint == nil && scalar(f.Plan) {
			continue
		}
		w.push(f.Path)
		if fv.Kind() == reflect.Pointer {
			fv = fv.Elem()
		}
		w.value(f.Plan, f.Constraint, fv)
		w.pop(1)
	}
}

func scalar(p *shape.Plan) bool {
	return p.Kind != shape.Struct && p.Kind != shape.List && p.Kind != shape.Map
}

func (w *walker) value(p *shape.Plan, c *shape.Constraint, v reflect.Value) {
	switch p.Kind {
	case shape.Struct:
		w.structure(p, v)
	case shape.List:
		w.list(p, c, v)
	case shape.Map:
		w.mapping(p, c, v)
	default:
		for _, rule := range w.broken(p, c, v) {
			w.report(quote(v), rule)
		}
	}
}

func (w *walker) list(p *shape.Plan, c *shape.Constraint, v reflect.Value) {
	if c != nil {
		for _, rule := range length(c, v.Len()) {
			w.report(quote(v), rule)
		}
	}
	elem := w.named(c, false)
	if scalar(p.Elem) {
		w.scalars(p.Elem, elem, v)
		return
	}
	for i := range v.Len() {
		w.push(strconv.Itoa(i+1), "member")
		w.value(p.Elem, elem, v.Index(i))
		w.pop(2)
	}
}

// scalars reports a list of scalars with a wrong item once, with all that is
// demanded of an item, as AWS does.
func (w *walker) scalars(p *shape.Plan, c *shape.Constraint, v reflect.Value) {
	if c == nil {
		return
	}
	for i := range v.Len() {
		if len(w.broken(p, c, v.Index(i))) > 0 {
			w.report(quote(v), "Member must satisfy constraint: ["+strings.Join(demands(p, c), ", ")+"]")
			return
		}
	}
}

func (w *walker) mapping(p *shape.Plan, c *shape.Constraint, v reflect.Value) {
	if c != nil {
		for _, rule := range length(c, v.Len()) {
			w.report(quote(v), rule)
		}
	}
	key, elem := w.named(c, true), w.named(c, false)
	if key == nil && elem == nil && scalar(p.Elem) {
		return
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, k := range keys {
		if key != nil && len(w.broken(&shape.Plan{Kind: shape.String}, key, k)) > 0 {
			w.report(quote(v), "Map keys must satisfy constraint: ["+strings.Join(demands(&shape.Plan{Kind: shape.String}, key), ", ")+"]")
		}
		item := reflect.New(p.Elem.Type).Elem()
		item.Set(v.MapIndex(k))
		w.push(cut(k.String()), "member")
		w.value(p.Elem, elem, item)
		w.pop(2)
	}
}

func (w *walker) named(c *shape.Constraint, key bool) *shape.Constraint {
	if c == nil {
		return nil
	}
	if key {
		return w.constraints[c.Key]
	}
	return w.constraints[c.Elem]
}

// broken returns the rules that a scalar violates.
func (w *walker) broken(p *shape.Plan, c *shape.Constraint, v reflect.Value) []string {
	if c == nil {
		return nil
	}
	switch p.Kind {
	case shape.String:
		return brokenString(c, v.String())
	case shape.Blob:
		return length(c, v.Len())
	case shape.Int32, shape.Int64:
		return bounds(c, float64(v.Int()), "value")
	case shape.Float:
		return bounds(c, v.Float(), "value")
	}
	return nil
}

func brokenString(c *shape.Constraint, s string) []string {
	rules := length(c, utf8.RuneCountInString(s))
	if !c.Match(s) {
		rules = append(rules, patternRule(c))
	}
	if !c.Has(s) {
		rules = append(rules, enumRule(c))
	}
	return rules
}

func length(c *shape.Constraint, n int) []string { return bounds(c, float64(n), "length") }

func bounds(c *shape.Constraint, n float64, of string) []string {
	var rules []string
	if c.Max != nil && n > *c.Max {
		rules = append(rules, boundRule(of, "less", *c.Max))
	}
	if c.Min != nil && n < *c.Min {
		rules = append(rules, boundRule(of, "greater", *c.Min))
	}
	return rules
}

// demands lists everything that is demanded of a scalar.
func demands(p *shape.Plan, c *shape.Constraint) []string {
	of := "length"
	if p.Kind == shape.Int32 || p.Kind == shape.Int64 || p.Kind == shape.Float {
		of = "value"
	}
	var rules []string
	if c.Max != nil {
		rules = append(rules, boundRule(of, "less", *c.Max))
	}
	if c.Min != nil {
		rules = append(rules, boundRule(of, "greater", *c.Min))
	}
	if c.Pattern != "" {
		rules = append(rules, patternRule(c))
	}
	if len(c.Enum) > 0 {
		rules = append(rules, enumRule(c))
	}
	return append(rules, notNull)
}

func boundRule(of, than string, bound float64) string {
	return "Member must have " + of + " " + than + " than or equal to " + strconv.FormatFloat(bound, 'f', -1, 64)
}

func patternRule(c *shape.Constraint) string {
	return "Member must satisfy regular expression pattern: " + c.Pattern
}

func enumRule(c *shape.Constraint) string {
	return "Member must satisfy enum value set: [" + strings.Join(c.Enum, ", ") + "]"
}
