package query

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// web is the instance that the tables below ask about.
var web = Subject{
	AgentConnected: true,
	AgentVersion:   "1.94.0",
	EC2InstanceID:  "i-abcd1234",
	RegisteredAt:   time.Date(2018, 6, 18, 22, 28, 28, 123e6, time.UTC),
	RunningTasks:   3,
	Attributes: map[string]string{
		"ecs.availability-zone":   "us-east-1a",
		"ecs.instance-type":       "t3.small",
		"ecs.os-type":             "linux",
		"stack":                   "prod blue",
		"ssd":                     "",
		"a/b.c_d-e\\f":            "x",
		"ecs.capability.external": "",
	},
	Groups: map[string]int{"service:web": 2, "family:job": 1, "service:gone": 0},
}

// Each row names the part of the language that it is about (developer guide, cluster-query-language).
func TestMatch(t *testing.T) {
	tests := []struct {
		row, expr string
		want      bool
	}{
		{"expr: symbols", "attribute:ecs.os-type == linux && attribute:ecs.instance-type == t3.small", true},
		{"expr: words", "attribute:ecs.os-type equals linux and not attribute:ecs.instance-type equals t3.small", false},
		{"expr: and binds tighter than or", "attribute:ecs.os-type == linux or attribute:ecs.os-type == x and attribute:ecs.os-type == y", true},
		{"expr: parentheses", "(attribute:ecs.os-type == linux or attribute:ecs.os-type == x) and attribute:ecs.os-type == y", false},
		{"expr: double pipe", "attribute:ecs.os-type == windows||attribute:ecs.os-type==linux", true},
		{"expr: not of a group", "not(task:group == service:web)", false},
		{"expr: exclamation mark", "!(task:group == service:other)", true},
		{"expr: not binds to the nearest", "not task:group == service:web or agentConnected == true", true},
		{"expr: upper-case keywords", "agentConnected == true AND NOT agentConnected == false", true},

		{"subject: agentConnected", "agentConnected == true", true},
		{"subject: agentConnected in", "agentConnected in [false]", false},
		{"subject: agentVersion", "agentVersion == 1.94.0", true},
		{"subject: attribute", "attribute:ecs.availability-zone == us-east-1a", true},
		{"subject: attribute with every kind of character", `attribute:a/b.c_d-e\f == x`, true},
		{"subject: ec2InstanceId", "ec2InstanceId in ['i-abcd1234', 'i-wxyx7890']", true},
		{"subject: ec2InstanceId not in", "ec2InstanceId not_in [i-wxyx7890]", true},
		{"subject: registeredAt", "registeredAt >= 2018-06-18 && registeredAt < 2018-06-20", true},
		{"subject: runningTasksCount", "runningTasksCount == 3", true},
		{"subject: task:group", "task:group == service:web", true},

		{"operator: !=", "attribute:ecs.os-type != linux", false},
		{"operator: not_equals", "attribute:ecs.os-type not_equals windows", true},
		{"operator: >", "runningTasksCount > 2", true},
		{"operator: greater_than", "runningTasksCount greater_than 3", false},
		{"operator: >=", "runningTasksCount >= 3", true},
		{"operator: greater_than_equal", "runningTasksCount greater_than_equal 4", false},
		{"operator: <", "runningTasksCount < 3", false},
		{"operator: less_than", "runningTasksCount less_than 4", true},
		{"operator: <=", "runningTasksCount <= 3", true},
		{"operator: less_than_equal", "runningTasksCount less_than_equal 2", false},
		{"operator: exists", "attribute:ssd exists", true},
		{"operator: !exists", "attribute:ssd !exists", false},
		{"operator: not_exists", "attribute:gpu not_exists", true},
		{"operator: in", "attribute:ecs.availability-zone in [us-east-1a, us-east-1b]", true},
		{"operator: !in", "attribute:ecs.availability-zone !in [us-east-1a,us-east-1b]", false},
		{"operator: in, quotes mixed", `attribute:stack in ["prod blue", 'x', y]`, true},
		{"operator: =~", "attribute:ecs.instance-type =~ t3.*", true},
		{"operator: matches", "attribute:ecs.instance-type matches (t2|t3)\\.(small|large) and agentConnected == true", true},
		{"operator: !~", "attribute:ecs.instance-type !~ g2.*", true},
		{"operator: not_matches", "(attribute:ecs.instance-type not_matches t3.*)", false},
		{"operator: a pattern covers the whole value", "attribute:ecs.instance-type =~ t3", false},
		{"operator: an alternation covers the whole value", "attribute:ecs.instance-type =~ t3|small", false},
		{"operator: a quoted pattern", "attribute:stack =~ 'prod (blue|green)'", true},
		{"operator: a bracket in a pattern", "(attribute:ecs.instance-type =~ t[)3]\\.small)", true},
		{"operator: matches a group", "task:group =~ service:.*", true},
		{"operator: a group with no task left", "task:group == service:gone", false},
		{"operator: group exists", "task:group exists", true},
		{"operator: group in", "task:group in [service:x, family:job]", true},
		{"operator: group not in", "task:group !in [service:x, family:job]", false},
		{"operator: group order of attributes", "attribute:ecs.instance-type > t2.small", true},

		{"types: versions compare by number", "agentVersion > 1.9.0", true},
		{"types: short version", "agentVersion >= 1.94", true},
		{"types: a pre-release is before its release", "agentVersion > 1.94.0-rc2", true},
		{"types: version, v and build", "agentVersion == v1.94.0+abc", true},
		{"types: datetime, offset", "registeredAt == 2018-06-19T00:28:28+02:00", true},
		{"types: datetime, Z", "registeredAt <= 2018-06-18T22:28:28Z", true},
		{"types: datetime, no offset", "registeredAt < 2018-06-18T22:28:28", false},
		{"types: date", "registeredAt > 2018-06-18", true},
		{"types: integers compare by number", "runningTasksCount < 10", true},

		{"semantics: missing == is false", "attribute:gpu == x", false},
		{"semantics: missing != is true", "attribute:gpu != x", true},
		{"semantics: missing in is false", "attribute:gpu in [x]", false},
		{"semantics: missing not_in is true", "attribute:gpu not_in [x]", true},
		{"semantics: missing =~ is false", "attribute:gpu =~ .*", false},
		{"semantics: missing !~ is true", "attribute:gpu !~ .*", true},
		{"semantics: missing exists is false", "attribute:gpu exists", false},
		{"semantics: missing > is false", "attribute:gpu > a", false},
		{"semantics: missing <= is false", "attribute:gpu <= z", false},

		{"values: spaces inside quotes", "attribute:stack == 'prod blue'", true},
		{"values: colon and at", "task:group != a@b:c", true},
	}
	for _, tt := range tests {
		t.Run(tt.row, func(t *testing.T) {
			expr, err := Parse(tt.expr)
			if err != nil {
				t.Fatalf("Parse(%q): %v", tt.expr, err)
			}
			if got := expr.Match(web); got != tt.want {
				t.Errorf("%q is %v, want %v", tt.expr, got, tt.want)
			}
			again, err := Parse(expr.String())
			if err != nil {
				t.Fatalf("canonical form %q of %q: %v", expr, tt.expr, err)
			}
			if again.Match(web) != tt.want || again.String() != expr.String() {
				t.Errorf("canonical form %q of %q means something else", expr, tt.expr)
			}
		})
	}
}

// An instance of which nothing is known yet has no version, no id and no date to compare.
func TestMatchUnknown(t *testing.T) {
	for expr, want := range map[string]bool{
		"agentVersion > 0.0.0":            false,
		"agentVersion != 1.0.0":           true,
		"ec2InstanceId =~ .*":             false,
		"ec2InstanceId != i-1":            true,
		"registeredAt < 2999-01-01":       false,
		"runningTasksCount == 0":          true,
		"agentConnected == false":         true,
		"task:group exists":               false,
		"task:group !~ .*":                true,
		"attribute:ecs.os-type not_in[x]": true,
	} {
		parsed, err := Parse(expr)
		if err != nil {
			t.Errorf("Parse(%q): %v", expr, err)
		} else if got := parsed.Match(Subject{}); got != want {
			t.Errorf("%q is %v, want %v", expr, got, want)
		}
	}
}

func TestSyntaxError(t *testing.T) {
	tests := []struct {
		name, expr string
		position   int
		expected   string // a part of it
		found      string
	}{
		{"nothing", "", 1, "a subject", ""},
		{"only spaces", "  ", 3, "a subject", ""},
		{"unknown subject", "zone == a", 1, "a subject", "zone"},
		{"subject in wrong case", "AgentVersion == 1.0.0", 1, "a subject", "AgentVersion"},
		{"no operator", "attribute:a", 12, "an operator", ""},
		{"unknown operator", "attribute:a is b", 13, "an operator", "is"},
		{"single equals sign", "attribute:a = b", 13, "an operator", "="},
		{"no value", "attribute:a ==", 15, "a value", ""},
		{"value missing before and", "attribute:a == && b", 16, "a value", "&"},
		{"dangling and", "attribute:a == b and", 21, "a subject", ""},
		{"two values", "attribute:a == b c", 18, "and, or, or the end", "c"},
		{"list without brackets", "attribute:a in b", 16, "a list in brackets", "b"},
		{"empty list", "attribute:a in []", 17, "a value", "]"},
		{"list not closed", "attribute:a in [b", 18, "a comma or a closing bracket", ""},
		{"quote not closed", "attribute:a == 'b", 18, "a closing quote", ""},
		{"empty value", "attribute:a == ''", 16, "a value of 1 to 128", "''"},
		{"space at the edge", "attribute:a == ' b'", 16, "a value of 1 to 128", "' b'"},
		{"parenthesis not closed", "(attribute:a == b", 18, "a closing parenthesis", ""},
		{"parenthesis not opened", "attribute:a == b)", 17, "and, or, or the end", ")"},
		{"attribute without name", "attribute: == b", 11, "an attribute name", " "},
		{"attribute name with colon", "attribute:a:b == c", 11, "an attribute name", "a:b"},
		{"version", "agentVersion > latest", 16, "a version", "latest"},
		{"version of four parts", "agentVersion > 1.2.3.4", 16, "a version", "1.2.3.4"},
		{"version in a list", "agentVersion in [1.2.3]", 14, "an operator", "in"},
		{"date", "registeredAt > yesterday", 16, "a date", "yesterday"},
		{"count", "runningTasksCount > few", 21, "an integer", "few"},
		{"order of groups", "task:group > a", 12, "an operator that task:group takes", ">"},
		{"exists of the version", "agentVersion exists", 14, "an operator", "exists"},
		{"bad pattern", "attribute:a =~ a[", 16, "a regular expression", "a["},
		{"look-ahead", "attribute:a =~ '(?!x)y'", 16, "a regular expression", "'(?!x)y'"},
		{"pattern that closes our group", "attribute:a =~ 'a)|(b'", 16, "a regular expression", "'a)|(b'"},
		{"huge repetition", `attribute:a =~ (\pL*){999}`, 16, "that is smaller", `(\pL*){999}`},
		{"huge nested repetition", "attribute:a =~ ((a{10}){10}){11}", 16, "a regular expression", "((a{10}){10}){11}"},
		{"characters, not bytes", "attribute:a == é", 16, "a value", "é"},
		{"too long", strings.Repeat("x", MaxLength+1), MaxLength + 1, "at most 2000 characters", "more"},
		{"too deep", strings.Repeat("(", MaxDepth+1), MaxDepth + 1, "at most 50 nested", "("},
		{"too many negations", strings.Repeat("!", MaxDepth+1), MaxDepth + 1, "at most 50 nested", "!"},
		{"long find is cut", "attribute:a == b " + strings.Repeat("c", 50), 18, "and, or", strings.Repeat("c", 40) + "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(tt.expr)
			syntax, ok := errors.AsType[*SyntaxError](err)
			if !ok {
				t.Fatalf("Parse(%q) error is %v, want a SyntaxError", tt.expr, err)
			}
			if syntax.Position != tt.position || !strings.Contains(syntax.Expected, tt.expected) || syntax.Found != tt.found {
				t.Errorf("Parse(%q): %v\nwant position %d, …%s…, found %q", tt.expr, err, tt.position, tt.expected, tt.found)
			}
		})
	}
}

func TestSyntaxErrorText(t *testing.T) {
	for expr, want := range map[string]string{
		"attribute:a in b": `Invalid expression at position 16: expected a list in brackets, found "b".`,
		"(attribute:a == b": "Invalid expression at position 18: expected and, or, or a closing parenthesis, " +
			"found the end of the expression.",
	} {
		if _, err := Parse(expr); err == nil || err.Error() != want {
			t.Errorf("Parse(%q) error is\n%v\nwant\n%s", expr, err, want)
		}
	}
}

func TestAttributesOnly(t *testing.T) {
	for expr, want := range map[string]bool{
		"attribute:a == b":                          true,
		"attribute:a exists or !(attribute:b =~ c)": true,
		"agentConnected == true":                    false,
		"attribute:a == b and task:group == c":      false,
		"not (registeredAt > 2020-01-01)":           false,
	} {
		parsed, err := Parse(expr)
		if err != nil {
			t.Errorf("Parse(%q): %v", expr, err)
		} else if parsed.AttributesOnly() != want {
			t.Errorf("AttributesOnly of %q is %v", expr, !want)
		}
	}
}

func TestVersionOrder(t *testing.T) {
	// semver.org, item 11, and the shorter spellings.
	ascending := []string{"0.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.2.0", "1.10.0", "2"}
	for i, a := range ascending {
		for j, b := range ascending {
			v, okV := parseVersion(a)
			w, okW := parseVersion(b)
			if !okV || !okW {
				t.Fatalf("%q or %q is no version", a, b)
			}
			if got := v.compare(w); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("compare(%s, %s) = %d", a, b, got)
			}
		}
	}
	for _, bad := range []string{"", "v", "1.", "1..2", "a", "1.2.3.4", "-1", "+1", "1.0-", "99999999999"} {
		if _, ok := parseVersion(bad); ok {
			t.Errorf("%q is taken for a version", bad)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"attribute:ecs.instance-type =~ g2.* and attribute:ecs.availability-zone != us-east-1d",
		"(attribute:a == 'b c' or attribute:a in [d, \"e\"]) && !(task:group == service:x)",
		"agentVersion < 1.16.0 || registeredAt >= 2018-02-18 and runningTasksCount == 1",
		"attribute:x exists and attribute:y !exists or not agentConnected == true",
		"ec2InstanceId !~ i-(ab|cd)[0-9]{4}", "((((", "!!!", "attribute:a =~ '\"'", `attribute:a =~ a'b"c`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		expr, err := Parse(text)
		if err != nil {
			syntax, ok := errors.AsType[*SyntaxError](err)
			if !ok || syntax.Position < 1 || syntax.Position > max(len(text), MaxLength)+1 {
				t.Fatalf("Parse(%q): %#v", text, err)
			}
			return
		}
		got := expr.Match(web)
		canonical := expr.String()
		if len(canonical) > MaxLength {
			return // quotes and spaces can push a legal expression over the limit
		}
		again, err := Parse(canonical)
		if err != nil {
			t.Fatalf("canonical form %q of %q: %v", canonical, text, err)
		}
		if again.String() != canonical || again.Match(web) != got || again.AttributesOnly() != expr.AttributesOnly() {
			t.Fatalf("%q and its canonical form %q differ", text, canonical)
		}
	})
}
