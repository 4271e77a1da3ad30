package policy

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// Kind is what a document is for, which decides what may be in it.
type Kind int

// The kinds of documents.
const (
	Identity Kind = iota // what whoever has it may do; also boundaries and session policies
	Trust                // who may assume the role that has it
)

// Document is a policy that has been read. It is safe for concurrent use.
type Document struct {
	statements []statement
}

type statement struct {
	sid         string
	deny        bool
	principals  *principals // of trust policies alone
	actions     []string    // in small letters
	notAction   bool
	resources   []template
	notResource bool
	conditions  []condition
}

// MalformedError says what is wrong with a document, in AWS's words where those
// are known.
type MalformedError struct{ Text string }

func (e *MalformedError) Error() string { return e.Text }

const syntaxErrors = "Syntax errors in policy."

// current is the version in which policies know variables.
const current = "2012-10-17"

// Parse reads a document. Its errors are *MalformedError.
func Parse(text string, kind Kind) (*Document, error) {
	var top map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &top); err != nil {
		return nil, malformed("This policy contains invalid Json")
	}
	version := "2008-10-17"
	for name, raw := range top {
		switch name {
		case "Version":
			if json.Unmarshal(raw, &version) != nil || version != current && version != "2008-10-17" {
				return nil, malformed("The policy must contain a valid version string")
			}
		case "Id", "Statement":
		default:
			return nil, malformed(syntaxErrors)
		}
	}
	list, err := parseStatements(top["Statement"])
	if err != nil {
		return nil, err
	}
	d := &Document{}
	for _, elements := range list {
		s, err := parseStatement(elements, kind, version == current)
		if err != nil {
			return nil, err
		}
		if s.sid != "" && slices.ContainsFunc(d.statements, func(o statement) bool { return o.sid == s.sid }) {
			return nil, malformed("Statement IDs (SID) in a single policy must be unique.")
		}
		d.statements = append(d.statements, s)
	}
	return d, nil
}

// parseStatements reads a statement or a list of them.
func parseStatements(raw json.RawMessage) ([]map[string]json.RawMessage, error) {
	var list []map[string]json.RawMessage
	if strings.HasPrefix(string(raw), "{") {
		list = make([]map[string]json.RawMessage, 1)
		if json.Unmarshal(raw, &list[0]) != nil {
			return nil, malformed(syntaxErrors)
		}
		return list, nil
	}
	if json.Unmarshal(raw, &list) != nil || len(list) == 0 {
		return nil, malformed(syntaxErrors)
	}
	return list, nil
}

func parseStatement(elements map[string]json.RawMessage, kind Kind, variables bool) (statement, error) {
	var s statement
	if err := checkElements(elements, kind); err != nil {
		return s, err
	}
	for _, read := range []func(*statement, map[string]json.RawMessage, Kind, bool) error{
		readEffect, readSid, readPrincipals, readActions, readResources, readConditions,
	} {
		if err := read(&s, elements, kind, variables); err != nil {
			return s, err
		}
	}
	return s, nil
}

// checkElements refuses elements that are unknown, out of place, or exclude each
// other.
func checkElements(elements map[string]json.RawMessage, kind Kind) error {
	for name := range elements {
		switch name {
		case "Sid", "Effect", "Action", "NotAction", "Condition":
		case "Principal", "NotPrincipal":
			if kind == Identity {
				return malformed("Policy document should not specify a principal.")
			}
		case "Resource", "NotResource":
			if kind == Trust {
				return malformed("Has prohibited field Resource")
			}
		default:
			return malformed(syntaxErrors)
		}
	}
	for _, name := range []string{"Principal", "Action", "Resource"} {
		_, one := elements[name]
		_, other := elements["Not"+name]
		if one && other {
			return malformed(syntaxErrors)
		}
	}
	return nil
}

func readEffect(s *statement, elements map[string]json.RawMessage, _ Kind, _ bool) error {
	raw, ok := elements["Effect"]
	if !ok {
		return malformed("Missing required field Effect")
	}
	var effect string
	if json.Unmarshal(raw, &effect) != nil || effect != "Allow" && effect != "Deny" {
		return malformed(syntaxErrors)
	}
	s.deny = effect == "Deny"
	return nil
}

var sidForm = regexp.MustCompile(`^[0-9A-Za-z]*$`)

func readSid(s *statement, elements map[string]json.RawMessage, kind Kind, _ bool) error {
	raw, ok := elements["Sid"]
	if !ok {
		return nil
	}
	if json.Unmarshal(raw, &s.sid) != nil {
		return malformed(syntaxErrors)
	}
	if kind == Identity && !sidForm.MatchString(s.sid) {
		return malformed("Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
	}
	return nil
}

func readPrincipals(s *statement, elements map[string]json.RawMessage, kind Kind, _ bool) error {
	if kind == Identity {
		return nil
	}
	raw, not := elements["NotPrincipal"]
	if !not {
		var ok bool
		if raw, ok = elements["Principal"]; !ok {
			return malformed("Missing required field Principal")
		}
	}
	var err error
	if s.principals, err = parsePrincipals(raw); err != nil {
		return err
	}
	s.principals.not = not
	return nil
}

var vendor = regexp.MustCompile(`^[a-zA-Z0-9-]+$`)

func readActions(s *statement, elements map[string]json.RawMessage, kind Kind, _ bool) error {
	list, not, err := either(elements, "Action")
	if err != nil {
		return err
	}
	if len(list) == 0 {
		if kind == Trust {
			return malformed("Missing required field Action")
		}
		return malformed("Policy statement must contain actions.")
	}
	for _, a := range list {
		service, _, ok := strings.Cut(a, ":")
		switch {
		case a == "*" && kind == Identity:
		case !ok:
			return malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
		case !vendor.MatchString(service):
			return malformed("Vendor %s is not valid", service)
		case kind == Trust && !strings.EqualFold(service, "sts"):
			return malformed("AssumeRole policy may only specify STS AssumeRole actions.")
		}
		s.actions = append(s.actions, strings.ToLower(a))
	}
	s.notAction = not
	return nil
}

func readResources(s *statement, elements map[string]json.RawMessage, kind Kind, variables bool) error {
	if kind == Trust {
		return nil
	}
	list, not, err := either(elements, "Resource")
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return malformed("Policy statement must contain resources.")
	}
	for _, r := range list {
		if r != "*" && !strings.HasPrefix(r, "arn:") && !strings.HasPrefix(r, "${") {
			return malformed(`Resource %s must be in ARN format or "*".`, r)
		}
		s.resources = append(s.resources, parseTemplate(r, variables))
	}
	s.notResource = not
	return nil
}

// either reads the element, or its contrary.
func either(elements map[string]json.RawMessage, name string) (list []string, not bool, err error) {
	raw, not := elements["Not"+name]
	if !not {
		var ok bool
		if raw, ok = elements[name]; !ok {
			return nil, false, nil
		}
	}
	list, err = parseStrings(raw)
	return list, not, err
}

func readConditions(s *statement, elements map[string]json.RawMessage, _ Kind, variables bool) error {
	raw, ok := elements["Condition"]
	if !ok {
		return nil
	}
	var block map[string]map[string]json.RawMessage
	if json.Unmarshal(raw, &block) != nil {
		return malformed(syntaxErrors)
	}
	for name, keys := range block {
		c, ok := parseOperator(name)
		if !ok {
			return malformed("Invalid Condition type : %s.", name)
		}
		for key, raw := range keys {
			if err := c.read(key, raw, variables); err != nil {
				return err
			}
			s.conditions = append(s.conditions, c)
		}
	}
	return nil
}

// read sets the key and the values of a condition.
func (c *condition) read(key string, raw json.RawMessage, variables bool) error {
	if !strings.Contains(key, ":") {
		return malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
	}
	list, err := parseScalars(raw)
	if err != nil {
		return err
	}
	c.key, c.values = strings.ToLower(key), nil
	for _, v := range list {
		t := parseTemplate(v, variables)
		if t.parts == nil && c.op.valid != nil && !c.op.valid(v) {
			return malformed("The value %s of condition key %s is not valid.", v, key)
		}
		c.values = append(c.values, t)
	}
	return nil
}

// parseStrings reads a string or a list of strings.
func parseStrings(raw json.RawMessage) ([]string, error) {
	var one string
	if string(raw) != "null" && json.Unmarshal(raw, &one) == nil {
		return []string{one}, nil
	}
	var list []*string
	if json.Unmarshal(raw, &list) != nil || slices.Contains(list, nil) {
		return nil, malformed(syntaxErrors)
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = *s
	}
	return out, nil
}

// parseScalars reads a string, number or boolean, or a list of such.
func parseScalars(raw json.RawMessage) ([]string, error) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	out := make([]string, 0, len(list))
	for _, raw := range list {
		var text string
		switch c := string(raw); {
		case c == "null" || c[0] == '{' || c[0] == '[':
			return nil, malformed(syntaxErrors)
		case json.Unmarshal(raw, &text) == nil:
			out = append(out, text)
		default:
			out = append(out, c)
		}
	}
	return out, nil
}
