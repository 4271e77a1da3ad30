package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxConstants is the length from which an enumeration is a catalogue (instance
// types, regions) and not a vocabulary: no constants are written for it.
const maxConstants = 100

// constraint returns the name under which the constraint of a shape is in the
// table, or "" if nothing is demanded of the shape or its items.
func (g *generator) constraint(name string) string {
	s := g.Shapes[name]
	if g.constraints[name] {
		return name
	}
	if !g.constrained(s) {
		return ""
	}
	g.constraints[name] = true
	for _, r := range []*ref{s.Member, s.Key, s.Value} {
		if r != nil {
			g.constraint(r.Shape)
		}
	}
	return name
}

func (g *generator) constrained(s *shapeDef) bool {
	if s.Type == "structure" {
		return false
	}
	if g.minimum(s) != nil || s.Max != nil || len(s.Enum) > 0 || goPattern(s.Pattern) != "" {
		return true
	}
	return slices.ContainsFunc([]*ref{s.Member, s.Key, s.Value}, func(r *ref) bool {
		return r != nil && g.constrained(g.Shapes[r.Shape])
	})
}

// minimum drops the lengths that every value has.
func (g *generator) minimum(s *shapeDef) *float64 {
	number := s.Type == "integer" || s.Type == "long" || s.Type == "float" || s.Type == "double"
	if s.Min != nil && *s.Min <= 0 && !number {
		return nil
	}
	return s.Min
}

// goPattern returns the pattern in Go's syntax, or "" for the few that look
// around and that Go's regular expressions therefore cannot express.
func goPattern(p string) string {
	p = javaEscape.ReplaceAllString(p, `\x{$1}`)
	if _, err := regexp.Compile("^(?:" + p + ")$"); err != nil {
		return ""
	}
	return p
}

var javaEscape = regexp.MustCompile(`\\u([0-9A-Fa-f]{4,6})`)

func (g *generator) writeEnums() error {
	for _, name := range sortedKeys(g.enums) {
		values := g.Shapes[name].Enum
		if len(values) > maxConstants {
			continue
		}
		g.p("// The values of %s.\nconst (", name)
		for _, v := range values {
			ident := exported(name) + constantName(v)
			if _, ok := g.taken[ident]; ok {
				ident += "Value"
			}
			if err := g.take(ident, "enumeration "+name); err != nil {
				return err
			}
			g.p("%s = %q", ident, v)
		}
		g.p(")\n")
	}
	return nil
}

// constantName turns an enum's value into a part of an identifier.
func constantName(v string) string {
	var b strings.Builder
	for part := range strings.FieldsFuncSeq(v, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		switch {
		case slices.Contains(initialisms, strings.ToUpper(part)):
			b.WriteString(strings.ToUpper(part))
		case part == strings.ToUpper(part):
			b.WriteString(exported(strings.ToLower(part)))
		default:
			b.WriteString(exported(part))
		}
	}
	return b.String()
}

var initialisms = []string{
	"ARN", "ASG", "AZ", "CPU", "EBS", "EC2", "ECS", "EFS", "EKS", "ENI", "FIPS", "GPU", "HTTP", "HTTPS", "ID",
	"IO", "IP", "IPC", "JSON", "KMS", "PID", "TCP", "TLS", "UDP", "VPC",
}

func (g *generator) writeErrors() error {
	if len(g.errors) == 0 {
		return nil
	}
	g.p("// The codes of the modelled errors.\nconst (")
	for _, name := range sortedKeys(g.errors) {
		code := g.errorCode(name)
		ident := "Code" + exported(strings.ReplaceAll(code, ".", ""))
		if err := g.take(ident, "error "+name); err != nil {
			return err
		}
		g.p("%s = %q", ident, code)
	}
	g.p(")\n")
	return nil
}

func (g *generator) errorCode(name string) string {
	if e := g.Shapes[name].Error; e != nil {
		return cmp.Or(e.Code, name)
	}
	return name
}

func (g *generator) writeService() error {
	md, ops := g.Metadata, sortedKeys(g.Operations)
	signing := cmp.Or(md.SigningName, md.EndpointPrefix)
	g.p("// API describes %s.\nvar API = &wire.Service{", md.ServiceName)
	g.p("Name: %q,\nSigningName: %q,\nProtocols: %#v,", cmp.Or(g.name, signing), signing, g.protocols())
	g.field("TargetPrefix", md.TargetPrefix)
	g.field("JSONVersion", md.JSONVersion)
	g.field("APIVersion", md.APIVersion)
	g.field("XMLNamespace", md.XMLNamespace)
	invalid, missing, internal := g.codes()
	g.field("InvalidCode", invalid)
	g.field("InvalidText", g.text)
	g.field("MissingCode", missing)
	g.field("InternalCode", internal)
	g.p("Errors: map[string]wire.ErrorSpec{")
	for _, name := range sortedKeys(g.errors) {
		g.writeErrorSpec(name)
	}
	g.p("},\nConstraints: shape.Constraints{")
	for _, name := range sortedKeys(g.constraints) {
		g.writeConstraint(name)
	}
	g.p("},\nOperations: []string{")
	for line := range slices.Chunk(ops, 6) {
		g.p("%s,", quoted(line))
	}
	g.p("},\n}")
	return nil
}

func (g *generator) field(name, value string) {
	if value != "" {
		g.p("%s: %q,", name, value)
	}
}

// codes returns the service's words for errors of the protocol.
func (g *generator) codes() (invalid, missing, internal string) {
	switch {
	case g.speaks("ec2"):
		invalid, missing, internal = "InvalidParameterValue", "MissingParameter", "InternalError"
	case g.speaks("query") && !g.speaks("json"):
		invalid, internal = "ValidationError", "InternalFailure"
	default:
		invalid, internal = "ValidationException", "InternalFailure"
	}
	if _, ok := g.Shapes["ServerException"]; ok {
		internal = "ServerException"
	}
	return cmp.Or(g.invalid, invalid), missing, cmp.Or(g.internal, internal)
}

// writeErrorSpec writes what differs from a client's error with status 400.
func (g *generator) writeErrorSpec(name string) {
	s := g.Shapes[name]
	status, server := 400, s.Fault
	if e := s.Error; e != nil {
		status = cmp.Or(e.Status, status)
		server = server || (e.Sender != nil && !*e.Sender)
	}
	if server && status < 500 {
		status = 500
	}
	if status == 400 && !server {
		return
	}
	fault := "apierr.FaultClient"
	if server {
		fault = "apierr.FaultServer"
	}
	g.p("%q: {Status: %d, Fault: %s},", g.errorCode(name), status, fault)
}

func (g *generator) writeConstraint(name string) {
	s := g.Shapes[name]
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if lo := g.minimum(s); lo != nil {
		add("Min: new(float64(%s))", strconv.FormatFloat(*lo, 'f', -1, 64))
	}
	if s.Max != nil {
		add("Max: new(float64(%s))", strconv.FormatFloat(*s.Max, 'f', -1, 64))
	}
	if len(s.Enum) > 0 {
		add("Enum: []string{%s}", quoted(s.Enum))
	}
	if p := goPattern(s.Pattern); p != "" {
		add("Pattern: %s", strconv.Quote(p))
	}
	for _, r := range []*ref{s.Member, s.Value} {
		if r != nil && g.constraints[r.Shape] {
			add("Elem: %q", r.Shape)
		}
	}
	if s.Key != nil && g.constraints[s.Key.Shape] {
		add("Key: %q", s.Key.Shape)
	}
	g.p("%q: {%s},", name, strings.Join(parts, ", "))
}

func quoted(list []string) string {
	q := make([]string, len(list))
	for i, s := range list {
		q[i] = strconv.Quote(s)
	}
	return strings.Join(q, ", ")
}
