package hostile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"pgregory.net/rapid"

	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/shape"
)

// dice gives numbers from 0 to n-1. Zero is always the plain choice, so that
// rapid shrinks a failing input towards a plain one.
type dice func(n int) int

// rapidDice reads its numbers off a tape; where that ends, everything is plain.
func rapidDice(t *rapid.T) dice {
	tape := rapid.SliceOfN(rapid.Uint16(), 150, 400).Draw(t, "tape")
	return func(n int) int {
		if len(tape) == 0 {
			return 0
		}
		v := int(tape[0]) % n
		tape = tape[1:]
		return v
	}
}

func randomDice(seed uint64) dice { return rand.New(rand.NewPCG(seed, 1)).IntN }

// once is true in one of n cases.
func (d dice) once(n int) bool { return d(n) == n-1 }

func one[T any](d dice, list []T) T { return list[d(len(list))] }

// maker makes inputs of operations from their shapes.
type maker struct {
	dice
	refs map[string][]string // of real things
	all  []string            // the same in one list
	op   wire.Served
	// Of the input being made: one in so many values is spoilt, and one in so many
	// optional members is there.
	malice, rare int
	bytes.Buffer
}

func newMaker(d dice, worlds ...*world) *maker {
	m := &maker{dice: d, refs: map[string][]string{}}
	for _, w := range worlds {
		for kind, refs := range w.refs {
			m.refs[kind] = append(m.refs[kind], refs...)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(m.refs)) {
		m.all = append(m.all, m.refs[kind]...)
	}
	return m
}

// input makes a body for op in its protocol.
func (m *maker) input(op wire.Served) []byte {
	m.op = op
	m.malice, m.rare = one(m.dice, []int{1000, 60, 15, 5}), one(m.dice, []int{4, 8, 16, 2})
	m.Reset()
	switch {
	case isForm(op):
		m.form()
	case m.once(40):
		m.WriteString(one(m.dice, brokenBodies))
	default:
		m.structure(op.Input, 0)
	}
	return bytes.Clone(m.Bytes())
}

var brokenBodies = []string{
	"", "null", "[]", "{", "}", `"x"`, "0", "{}{}", `{"a"}`, `{"a":}`, "{\"\xff\":1}", "\x00", "{,}", `{"cluster":"\ud800"}`, `{"a":01}`, "\ufeff{}",
	strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 100_000), "{}" + strings.Repeat(" ", 1<<20), `{"a":` + strings.Repeat("9", 1<<20) + "}",
}

const maxDepth = 6

func (m *maker) structure(p *shape.Plan, depth int) {
	m.WriteByte('{')
	comma := ""
	for i := range p.Fields {
		f := &p.Fields[i]
		if f.Required && m.bad() || !f.Required && !m.once(m.rare) || depth > maxDepth {
			continue
		}
		times := 1
		if m.bad() {
			times = 2 // of two members of one name AWS takes the last
		}
		for range times {
			m.WriteString(comma + strconv.Quote(f.Name) + ":")
			m.value(f.Plan, f.Constraint, f.Name, depth+1)
			comma = ","
		}
	}
	if m.once(30) {
		m.WriteString(comma + `"neverHeardOf":`)
		m.junk()
	}
	m.WriteByte('}')
}

func (m *maker) n(n int) int { return m.dice(n) }

// bad is whether the next value is to be spoilt.
func (m *maker) bad() bool { return m.once(m.malice) }

func (m *maker) value(p *shape.Plan, c *shape.Constraint, name string, depth int) {
	if m.bad() {
		m.junk()
		return
	}
	switch p.Kind {
	case shape.Struct:
		m.structure(p, depth)
	case shape.List:
		m.list(p, c, name, depth)
	case shape.Map:
		m.mapping(p, name, depth)
	case shape.Bool:
		m.WriteString(one(m.dice, []string{"false", "true"}))
	case shape.Int32, shape.Int64, shape.Float, shape.Timestamp:
		m.WriteString(m.number(p.Kind))
	case shape.Blob:
		m.WriteString(one(m.dice, []string{`"aGk="`, `""`, `"!"`, `"aGk"`}))
	case shape.Doc:
		m.junk()
	default:
		m.quoted(m.text(c, name))
	}
}

// junk is a value of any type but perhaps the right one.
func (m *maker) junk() {
	m.WriteString(one(m.dice, []string{
		"null", "0", `""`, "{}", "[]", "true", "-1", "1.5", "1e308", "1e999", `"text"`, "[null]", `[{}]`, `[[]]`, `{"":null}`, "99999999999999999999",
		strings.Repeat("[", 60) + strings.Repeat("]", 60), strings.Repeat("[", 500) + strings.Repeat("]", 500),
	}))
}

func (m *maker) number(k shape.Kind) string {
	switch {
	case m.bad():
		return one(m.dice, []string{
			"9223372036854775807", "-9223372036854775808", "2147483648", "-2147483649", "1e3", "0.5", "1e19", "253402300800", "-0", "1e-400",
		})
	case m.bad() || m.once(8):
		return one(m.dice, []string{"0", "-1", "65535", "65536", "2147483647", "-2147483648", "101", "11", "513"})
	case k == shape.Timestamp:
		return "1790000000.5"
	}
	return one(m.dice, []string{"1", "2", "3", "10", "16", "80", "100", "256", "8080"})
}

func (m *maker) list(p *shape.Plan, c *shape.Constraint, name string, depth int) {
	n := one(m.dice, []int{1, 1, 2, 0, 3})
	switch {
	case !m.bad():
	case m.once(2):
		n = 11
	default:
		n = 3000 // items of a plain kind, so that the body stays below the limit
	}
	m.WriteByte('[')
	for i := range n {
		if i > 0 {
			m.WriteByte(',')
		}
		if n > 100 && p.Elem.Kind == shape.Struct {
			m.WriteString("{}")
			continue
		}
		m.value(p.Elem, m.item(c), name, depth+1)
	}
	m.WriteByte(']')
}

func (m *maker) item(c *shape.Constraint) *shape.Constraint {
	if c == nil {
		return nil
	}
	return m.op.Service.Constraints[c.Elem]
}

func (m *maker) mapping(p *shape.Plan, name string, depth int) {
	m.WriteByte('{')
	for i := range m.n(3) {
		if i > 0 {
			m.WriteByte(',')
		}
		m.quoted(m.text(nil, name))
		m.WriteByte(':')
		m.value(p.Elem, nil, name, depth+1)
	}
	m.WriteByte('}')
}

func (m *maker) quoted(s string) {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings always encode
	}
	m.Write(b)
}

// text is a string for a member: mostly one that means something there.
func (m *maker) text(c *shape.Constraint, name string) string {
	switch {
	case m.bad():
		if m.once(50) && m.Len() < 1<<20 {
			return strings.Repeat(one(m.dice, []string{"a", "é", "/", "\x00"}), 1<<20/2)
		}
		return one(m.dice, nasty)
	case m.bad() && len(m.all) > 0:
		return m.spoilt(one(m.dice, m.all))
	}
	return m.fitting(c, name)
}

var nasty = []string{
	"", " ", "/", "%", "..", "a/b", "a%2Fb", "../../etc/passwd", "\x00", "a\nb", "\u202e", "🚢", "é", "-", "_", "*", "0", "-1", "null", "true",
	"a:b", ":", "a:", ":1", "app:0", "app:-1", "app:99999999999999999999", "app:1:2", "arn", "arn:", "arn:aws:ecs", "arn:aws:ecs:::", "arn:aws:ecs:::cluster/",
	"arn:aws:ecs:us-east-1:000000000000:cluster/default", "arn:aws:ecs:mars-1:123456789012:service/a/b", "arn:aws:s3:::bucket",
	"arn:aws:ecs:us-east-1:123456789012:task/default/", "arn:aws:ecs:us-east-1:123456789012:task-definition/app:1", "service/", "cluster/default",
	strings.Repeat("a", 255), strings.Repeat("a", 256), strings.Repeat("a/", 300), "ABC", "default\x7f", "aws:tag", "ecs.x", "attribute:x", "attribute:",
	"runningTasksCount == 0", "not (attribute:stack exists", "task:group == service:svc", strings.Repeat("(", 2000), "attribute:x =~ (a+)+$", "((((", "{}", "[]",
	"2 vCPU", "-1 GB", "1e9", "NaN", "9999999999 GB", "9223372036854775807", "1-2", "65536-1", "0-0", "100-90", "1-65535",
}

// spoilt is sometimes not quite the string.
func (m *maker) spoilt(s string) string {
	switch m.n(12) {
	case 9:
		return s + "/"
	case 10:
		return strings.ToUpper(s)
	case 11:
		return s + "\x00"
	}
	return s
}

// kinds tells by a member's name, in small letters, what it refers to; the first
// that is contained holds.
var kinds = []struct{ in, kind string }{
	{"taskdefinition", "definition"}, {"family", "family"}, {"servicedeployment", "deployment"}, {"servicerevision", "revision"},
	{"containerinstance", "instance"}, {"targetid", "instance"}, {"cluster", "cluster"}, {"service", "service"}, {"startedby", "startedBy"}, {"group", "group"},
	{"clienttoken", "token"}, {"containername", "container"}, {"task", "task"}, {"repository", "repository"}, {"registryid", "registry"},
	{"imagedigest", "digest"}, {"imagetag", "digest"}, {"imageids", "digest"},
}

func isARN(s string) bool { return strings.HasPrefix(s, "arn:") }

func (m *maker) fitting(c *shape.Constraint, name string) string {
	if c != nil && len(c.Enum) > 0 {
		return one(m.dice, c.Enum)
	}
	low := strings.ToLower(name)
	for _, k := range kinds {
		refs := m.refs[k.kind]
		if strings.HasSuffix(low, "name") || low == "family" {
			refs = append(slices.DeleteFunc(slices.Clone(refs), isARN), "fresh", "fresh-2")
		}
		if strings.Contains(low, k.in) && len(refs) > 0 {
			return one(m.dice, refs)
		}
	}
	switch {
	case low == "resourcearn":
		return one(m.dice, slices.DeleteFunc(slices.Clone(m.all), func(s string) bool { return !isARN(s) }))
	case strings.Contains(low, "status"):
		return one(m.dice, []string{"RUNNING", "ACTIVE", "STOPPED", "PENDING", "INACTIVE", "DRAINING", "ALL"})
	case low == "cpu" || low == "memory":
		return one(m.dice, []string{"256", "512", "1024", "1 vCPU", "2 GB"})
	case low == "image":
		return one(m.dice, []string{"busybox", "busybox:1", "r/a@sha256:" + strings.Repeat("0", 64)})
	case low == "expression" || low == "filter":
		return one(m.dice, []string{"attribute:ecs.instance-type == m5.large", "agentConnected == true", "task:group == batch"})
	}
	return one(m.dice, []string{"app", "web", "a", "b", "80", "tcp", "enabled", "stack"})
}

// form makes parameters: those of the shape, and some beside it.
func (m *maker) form() {
	_, name, _ := strings.Cut(m.op.Action, ":")
	v := url.Values{"Action": {name}, "Version": {m.op.Service.APIVersion}}
	m.params(v, "", m.op.Input, 0)
	if m.once(20) {
		v.Set(one(m.dice, []string{"", "Filter", "Filter.", "Filter.0", "Filter.1.Value.1", "MaxResults.1", "a.b.c", "Filter.999999999.Name", "\x00"}), m.text(nil, ""))
	}
	m.WriteString(v.Encode())
	if m.once(30) {
		m.WriteString(one(m.dice, []string{"&", "&&&", "&=", "&%", "&%zz=1", "&a=%", "&=x", strings.Repeat("&a=b", 30_000)}))
	}
}

func (m *maker) params(v url.Values, prefix string, p *shape.Plan, depth int) {
	for i := range p.Fields {
		f := &p.Fields[i]
		if m.n(3) != 0 && !f.Required || depth > maxDepth {
			continue
		}
		m.param(v, prefix+f.Query, f.Plan, f.Constraint, f.Name, depth)
	}
}

func (m *maker) param(v url.Values, name string, p *shape.Plan, c *shape.Constraint, member string, depth int) {
	switch p.Kind {
	case shape.Struct:
		m.params(v, name+".", p, depth+1)
	case shape.List:
		for i := range one(m.dice, []int{1, 0, 2, 5}) {
			m.param(v, fmt.Sprintf("%s.%d", name, i+1), p.Elem, m.item(c), member, depth+1)
		}
	case shape.Bool:
		v.Set(name, one(m.dice, []string{"false", "true", "yes", ""}))
	case shape.Int32, shape.Int64:
		v.Set(name, m.number(p.Kind))
	default:
		v.Set(name, one(m.dice, []string{m.text(c, member), "vpc-id", "instance-id", "availability-zone", "tag:Name", "*", "?"}))
	}
}
