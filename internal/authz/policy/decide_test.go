package policy_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/slipway/slipway/internal/authz/policy"
)

func parse(t testing.TB, text string, kind policy.Kind) *policy.Document {
	t.Helper()
	d, err := policy.Parse(text, kind)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}

func statement(inner string) string { return `{"Version":"2012-10-17","Statement":[` + inner + `]}` }

func TestDecide(t *testing.T) {
	const task = "arn:aws:ecs:eu-west-3:123456789012:task/default/0123"
	about := policy.Values{"aws:principaltag/cluster": {"default"}, "aws:principaltag/all": {"*"}}
	for _, c := range []struct {
		name, inner string
		want        policy.Decision
	}{
		{"the action on everything", `{"Effect":"Allow","Action":"ecs:StopTask","Resource":"*"}`, policy.Allow},
		{"in another case", `{"Effect":"Allow","Action":"ECS:stoptask","Resource":"*"}`, policy.Allow},
		{"a pattern", `{"Effect":"Allow","Action":["s3:*","ecs:Stop*"],"Resource":"*"}`, policy.Allow},
		{"all actions", `{"Effect":"Allow","Action":"*","Resource":["*"]}`, policy.Allow},
		{"another action", `{"Effect":"Allow","Action":"ecs:RunTask","Resource":"*"}`, policy.Silent},
		{"NotAction", `{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`, policy.Allow},
		{"NotAction of this", `{"Effect":"Allow","NotAction":["iam:*","ecs:*"],"Resource":"*"}`, policy.Silent},
		{"the resource", `{"Effect":"Allow","Action":"*","Resource":"` + task + `"}`, policy.Allow},
		{"a pattern of it", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:ecs:*:123456789012:task/*/01?3"}`, policy.Allow},
		{"another resource", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:ecs:*:*:cluster/*"}`, policy.Silent},
		{"resources know case", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:ecs:*:*:TASK/*"}`, policy.Silent},
		{"NotResource", `{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::x"}`, policy.Allow},
		{"NotResource of this", `{"Effect":"Allow","Action":"*","NotResource":"arn:aws:ecs:*"}`, policy.Silent},
		{"a variable", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:ecs:*:*:task/${aws:PrincipalTag/cluster}/*"}`, policy.Allow},
		{"a variable that holds a star", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:ecs:*:*:task/${aws:PrincipalTag/all}/*"}`, policy.Silent},
		{"a variable that has no value", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:ecs:*:*:task/*${aws:absent}*"}`, policy.Silent},
		{"a denial", `{"Effect":"Deny","Action":"ecs:Stop*","Resource":"*"}`, policy.Deny},
		{"a denial before what allows", `{"Effect":"Deny","Action":"ecs:Stop*","Resource":"*"},{"Effect":"Allow","Action":"*","Resource":"*"}`, policy.Deny},
		{"a denial after what allows", `{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"ecs:Stop*","Resource":"*"}`, policy.Deny},
		{"a denial of others", `{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"ecs:Run*","Resource":"*"}`, policy.Allow},
		{"a denial under a condition that fails", `{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}}`, policy.Allow},
		{"a denial of what is absent", `{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`, policy.Deny},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := parse(t, statement(c.inner), policy.Identity)
			if got := d.Decide(&policy.Request{Action: "ecs:StopTask", Resource: task, Context: about.Get}); got != c.want {
				t.Errorf("decision %v, want %v", got, c.want)
			}
		})
	}
}

func TestAnOldDocumentKnowsNoVariables(t *testing.T) {
	d := parse(t, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:${aws:username}"}}`, policy.Identity)
	q := policy.Request{Action: "a:b", Resource: "arn:ada", Context: policy.Values{"aws:username": {"ada"}}.Get}
	if d.Decide(&q) != policy.Silent {
		t.Error("a variable was expanded")
	}
	q.Resource = "arn:${aws:username}"
	if d.Decide(&q) != policy.Allow {
		t.Error("the text itself does not match")
	}
}

func TestTrust(t *testing.T) {
	const account, role, session = "123456789012", "arn:aws:iam::123456789012:role/app", "arn:aws:sts::123456789012:assumed-role/app/s1"
	ecs := policy.Principal{Service: "ecs-tasks.amazonaws.com"}
	app := policy.Principal{Account: account, ARNs: []string{session, role}}
	for _, c := range []struct {
		name, principal string
		who             policy.Principal
		want            policy.Decision
	}{
		{"the service", `"Principal":{"Service":"ecs-tasks.amazonaws.com"}`, ecs, policy.Allow},
		{"one of the services", `"Principal":{"Service":["ec2.amazonaws.com","ecs-tasks.amazonaws.com"]}`, ecs, policy.Allow},
		{"another service", `"Principal":{"Service":"ec2.amazonaws.com"}`, ecs, policy.Silent},
		{"a service is nobody of the account", `"Principal":{"AWS":"123456789012"}`, ecs, policy.Silent},
		{"the account", `"Principal":{"AWS":"arn:aws:iam::123456789012:root"}`, app, policy.Delegate},
		{"the account's number", `"Principal":{"AWS":["210987654321","123456789012"]}`, app, policy.Delegate},
		{"another account", `"Principal":{"AWS":"210987654321"}`, app, policy.Silent},
		{"the role", `"Principal":{"AWS":"arn:aws:iam::123456789012:role/app"}`, app, policy.Allow},
		{"the session", `"Principal":{"AWS":"arn:aws:sts::123456789012:assumed-role/app/s1"}`, app, policy.Allow},
		{"another session", `"Principal":{"AWS":"arn:aws:sts::123456789012:assumed-role/app/s2"}`, app, policy.Silent},
		{"everyone", `"Principal":"*"`, app, policy.Delegate},
		{"everyone of AWS", `"Principal":{"AWS":"*"}`, app, policy.Delegate},
		{"federated", `"Principal":{"Federated":"cognito-identity.amazonaws.com"}`, app, policy.Silent},
		{"not this one", `"NotPrincipal":{"AWS":"arn:aws:iam::123456789012:role/app"}`, app, policy.Silent},
		{"not another one", `"NotPrincipal":{"AWS":"arn:aws:iam::123456789012:role/other"}`, app, policy.Allow},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := parse(t, statement(`{"Effect":"Allow",`+c.principal+`,"Action":"sts:AssumeRole"}`), policy.Trust)
			if got := d.Decide(&policy.Request{Action: "sts:AssumeRole", Resource: "*", Principal: c.who}); got != c.want {
				t.Errorf("decision %v, want %v", got, c.want)
			}
			if got := d.Decide(&policy.Request{Action: "sts:TagSession", Resource: "*", Principal: c.who}); got != policy.Silent {
				t.Errorf("of another action %v", got)
			}
		})
	}
}

func TestRefusedDocuments(t *testing.T) {
	const ok = `"Effect":"Allow","Action":"s3:*","Resource":"*"`
	for _, c := range []struct {
		name, text string
		kind       policy.Kind
		want       string
	}{
		{"no JSON", `{`, policy.Identity, "This policy contains invalid Json"},
		{"a list", `[]`, policy.Identity, "This policy contains invalid Json"},
		{"more than a document", `{} {}`, policy.Identity, "This policy contains invalid Json"},
		{"nothing", `{}`, policy.Identity, "Syntax errors in policy."},
		{"no statements", `{"Statement":[]}`, policy.Identity, "Syntax errors in policy."},
		{"null", `{"Statement":null}`, policy.Identity, "Syntax errors in policy."},
		{"a strange element", `{"Statements":[]}`, policy.Identity, "Syntax errors in policy."},
		{"a strange version", `{"Version":"2026-01-01","Statement":{` + ok + `}}`, policy.Identity, "The policy must contain a valid version string"},
		{"a strange element of a statement", statement(`{` + ok + `,"Resources":"*"}`), policy.Identity, "Syntax errors in policy."},
		{"no effect", statement(`{"Action":"s3:*","Resource":"*"}`), policy.Identity, "Missing required field Effect"},
		{"a strange effect", statement(`{"Effect":"allow","Action":"s3:*","Resource":"*"}`), policy.Identity, "Syntax errors in policy."},
		{"no action", statement(`{"Effect":"Allow","Resource":"*"}`), policy.Identity, "Policy statement must contain actions."},
		{"an empty list of actions", statement(`{"Effect":"Allow","Action":[],"Resource":"*"}`), policy.Identity, "Policy statement must contain actions."},
		{"an action of no service", statement(`{"Effect":"Allow","Action":"RunTask","Resource":"*"}`), policy.Identity, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."},
		{"a strange service", statement(`{"Effect":"Allow","Action":"e*:RunTask","Resource":"*"}`), policy.Identity, "Vendor e* is not valid"},
		{"Action and NotAction", statement(`{` + ok + `,"NotAction":"iam:*"}`), policy.Identity, "Syntax errors in policy."},
		{"a number for an action", statement(`{"Effect":"Allow","Action":1,"Resource":"*"}`), policy.Identity, "Syntax errors in policy."},
		{"null among the actions", statement(`{"Effect":"Allow","Action":["s3:*",null],"Resource":"*"}`), policy.Identity, "Syntax errors in policy."},
		{"no resource", statement(`{"Effect":"Allow","Action":"s3:*"}`), policy.Identity, "Policy statement must contain resources."},
		{"a resource that is no ARN", statement(`{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}`), policy.Identity, `Resource bucket must be in ARN format or "*".`},
		{"a principal in an identity policy", statement(`{` + ok + `,"Principal":"*"}`), policy.Identity, "Policy document should not specify a principal."},
		{"an unknown operator", statement(`{` + ok + `,"Condition":{"StringIs":{"aws:username":"x"}}}`), policy.Identity, "Invalid Condition type : StringIs."},
		{"an unknown quantity", statement(`{` + ok + `,"Condition":{"ForNoValue:StringLike":{"aws:username":"x"}}}`), policy.Identity, "Invalid Condition type : ForNoValue:StringLike."},
		{"NullIfExists", statement(`{` + ok + `,"Condition":{"NullIfExists":{"aws:username":"true"}}}`), policy.Identity, "Invalid Condition type : NullIfExists."},
		{"a value that is no number", statement(`{` + ok + `,"Condition":{"NumericEquals":{"s3:max-keys":"ten"}}}`), policy.Identity, "The value ten of condition key s3:max-keys is not valid."},
		{"a value that is a structure", statement(`{` + ok + `,"Condition":{"StringEquals":{"aws:username":{}}}}`), policy.Identity, "Syntax errors in policy."},
		{"a condition key of no service", statement(`{` + ok + `,"Condition":{"StringEquals":{"username":"x"}}}`), policy.Identity, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."},
		{"a strange Sid", statement(`{` + ok + `,"Sid":"a b"}`), policy.Identity, "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"},
		{"a Sid twice", statement(`{` + ok + `,"Sid":"a"},{` + ok + `,"Sid":"a"}`), policy.Identity, "Statement IDs (SID) in a single policy must be unique."},
		{"trust in nobody", statement(`{"Effect":"Allow","Action":"sts:AssumeRole"}`), policy.Trust, "Missing required field Principal"},
		{"trust with a resource", statement(`{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}`), policy.Trust, "Has prohibited field Resource"},
		{"trust without an action", statement(`{"Effect":"Allow","Principal":"*"}`), policy.Trust, "Missing required field Action"},
		{"trust in other actions", statement(`{"Effect":"Allow","Principal":"*","Action":"s3:*"}`), policy.Trust, "AssumeRole policy may only specify STS AssumeRole actions."},
		{"trust in a strange service", statement(`{"Effect":"Allow","Principal":{"Service":"ecs-tasks"},"Action":"sts:AssumeRole"}`), policy.Trust, `Invalid principal in policy: "Service":"ecs-tasks"`},
		{"trust in patterns", statement(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/*"},"Action":"sts:AssumeRole"}`), policy.Trust, `Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:role/*"`},
		{"trust in a strange kind", statement(`{"Effect":"Allow","Principal":{"Azure":"x"},"Action":"sts:AssumeRole"}`), policy.Trust, `Invalid principal in policy: "Azure":"x"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := policy.Parse(c.text, c.kind)
			if bad, ok := errors.AsType[*policy.MalformedError](err); !ok || bad.Text != c.want {
				t.Errorf("%s: %v, want %q", c.text, err, c.want)
			}
		})
	}
}

// drawn is a statement over a small world, so that statements meet.
func drawn(effect string) *rapid.Generator[map[string]any] {
	return rapid.Custom(func(t *rapid.T) map[string]any {
		s := map[string]any{"Effect": effect}
		not := func(name string) string { return rapid.SampledFrom([]string{name, "Not" + name}).Draw(t, name) }
		s[not("Action")] = rapid.SliceOfN(rapid.SampledFrom([]string{"a:X", "a:*", "b:X", "*", "a:?"}), 1, 3).Draw(t, "actions")
		s[not("Resource")] = rapid.SliceOfN(rapid.SampledFrom([]string{"*", "arn:1", "arn:2*", "arn:${aws:username}"}), 1, 3).Draw(t, "resources")
		if rapid.Bool().Draw(t, "conditional") {
			op := rapid.SampledFrom([]string{"StringEquals", "StringNotLike", "StringEqualsIfExists", "ForAllValues:StringLike", "ForAnyValue:StringNotEquals"}).Draw(t, "operator")
			s["Condition"] = map[string]any{op: map[string]any{"aws:username": rapid.SampledFrom([]string{"1", "2", "*"}).Draw(t, "value")}}
		}
		return s
	})
}

func request(t *rapid.T) policy.Request {
	about := policy.Values{}
	if rapid.Bool().Draw(t, "has a name") {
		about["aws:username"] = rapid.SliceOfN(rapid.SampledFrom([]string{"1", "2", "3"}), 0, 2).Draw(t, "names")
	}
	return policy.Request{
		Action:   rapid.SampledFrom([]string{"a:X", "A:x", "b:X", "b:Y"}).Draw(t, "action"),
		Resource: rapid.SampledFrom([]string{"*", "arn:1", "arn:2", "arn:22"}).Draw(t, "resource"), Context: about.Get,
	}
}

func document(t *rapid.T, statements []map[string]any) *policy.Document {
	b, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		t.Fatal(err)
	}
	d, err := policy.Parse(string(b), policy.Identity)
	if err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return d
}

func TestADenialAlwaysWins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		denial := drawn("Deny").Draw(t, "denial")
		others := rapid.SliceOfN(rapid.OneOf(drawn("Allow"), drawn("Deny")), 0, 4).Draw(t, "others")
		q := request(t)
		alone := document(t, []map[string]any{denial}).Decide(&q)
		at := rapid.IntRange(0, len(others)).Draw(t, "at")
		all := append(append(append([]map[string]any{}, others[:at]...), denial), others[at:]...)
		if got := document(t, all).Decide(&q); alone == policy.Deny && got != policy.Deny {
			t.Fatalf("%v with others, denied alone", got)
		}
	})
}

func TestWhatAllowsMoreTakesNothingAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.SliceOfN(rapid.OneOf(drawn("Allow"), drawn("Deny")), 1, 4).Draw(t, "some")
		more := append(append([]map[string]any{}, some...), drawn("Allow").Draw(t, "more"))
		q := request(t)
		before, after := document(t, some).Decide(&q), document(t, more).Decide(&q)
		if after < before {
			t.Fatalf("%v became %v", before, after)
		}
		if before == policy.Deny && after != policy.Deny {
			t.Fatalf("a denial became %v", after)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(statement(`{"Effect":"Allow","Action":"a:*","Resource":"arn:${a:b,'c'}","Condition":{"Null":{"a:b":true}}}`), true)
	f.Add(`{"Statement":{"Effect":"Deny","Principal":{"AWS":["*"]},"Action":"sts:*"}}`, false)
	f.Fuzz(func(t *testing.T, text string, identity bool) {
		kind := policy.Trust
		if identity {
			kind = policy.Identity
		}
		d, err := policy.Parse(text, kind)
		if err != nil {
			return
		}
		got := d.Decide(&policy.Request{Action: "sts:AssumeRole", Resource: "arn:aws:x", Context: policy.Values{"a:b": {"c"}}.Get})
		if got == policy.Allow && !strings.Contains(text, "llow") && !strings.Contains(text, `\u`) {
			t.Errorf("%q allows", text)
		}
	})
}

func TestCache(t *testing.T) {
	var c policy.Cache
	text := statement(`{"Effect":"Allow","Action":"sts:*","Resource":"*"}`)
	one, err := c.Parse(text, policy.Identity)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := c.Parse(text, policy.Identity); again != one {
		t.Error("a document was read twice")
	}
	if _, err := c.Parse(text, policy.Trust); err == nil {
		t.Error("an identity policy was taken for a trust policy")
	}
}
