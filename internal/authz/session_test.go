package authz_test

import (
	"errors"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/authz"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/tag"
	"github.com/slipway/slipway/internal/wire"
)

const trustTasks = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}}`

// task is a session of a task's role.
type task struct {
	room    *iam.Room
	guard   *authz.Guard
	account string
	session iam.Session
}

func openTask(t testing.TB) *task {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()}, iam.Tables()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	room := iam.New(st, iam.Config{})
	a, _, err := room.CreateAccount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	role, err := room.CreateRole(t.Context(), iam.NewRole{Account: a.ID, Name: "app", Trust: trustTasks})
	if err != nil {
		t.Fatal(err)
	}
	s, err := room.AssumeTaskRole(t.Context(), a.ID, role.ARN(), "t1", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return &task{room, authz.New(room), a.ID, s}
}

func (k *task) put(t testing.TB, name, document string) {
	t.Helper()
	if err := k.room.PutRolePolicy(t.Context(), k.account, "app", iam.Inline{Name: name, Document: document}); err != nil {
		t.Fatal(err)
	}
}

func (k *task) credential(t testing.TB) wire.Credential {
	t.Helper()
	cred, ok, err := k.guard.Key(t.Context(), k.session.AccessKeyID, k.session.Token)
	if err != nil || !ok || cred.SecretAccessKey != k.session.SecretAccessKey || !cred.Expires.Equal(k.session.Expires) {
		t.Fatalf("Key = %+v, %v, %v", cred, ok, err)
	}
	return cred
}

func call() *wire.Call {
	return &wire.Call{Service: "ecs", Operation: "RunTask", Region: "eu-west-3", RemoteAddr: "203.0.113.9:4711", TLS: true, UserAgent: "aws-cli/2"}
}

func TestSessionKeys(t *testing.T) {
	k := openTask(t)
	k.credential(t)
	for name, c := range map[string][2]string{
		"no token": {k.session.AccessKeyID, ""}, "another id": {"ASIAAAAAAAAAAAAAAAAA", k.session.Token}, "another token": {k.session.AccessKeyID, "x" + k.session.Token},
	} {
		if _, ok, err := k.guard.Key(t.Context(), c[0], c[1]); ok || err != nil {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
	}
}

func TestConditionsOfACall(t *testing.T) {
	k := openTask(t)
	if err := k.room.TagRole(t.Context(), k.account, "app", []tag.Tag{{Key: "team", Value: "red"}, {Key: "empty"}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, condition string
		want            bool
	}{
		{"none", `{}`, true},
		{"the region", `{"StringEquals":{"aws:RequestedRegion":"eu-west-3"}}`, true},
		{"another region", `{"StringEquals":{"aws:RequestedRegion":"us-east-1"}}`, false},
		{"the address", `{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, true},
		{"another address", `{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`, false},
		{"TLS", `{"Bool":{"aws:SecureTransport":"true"}}`, true},
		{"the role", `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/app"}}`, true},
		{"the account", `{"StringEquals":{"aws:PrincipalAccount":"` + k.account + `"}}`, true},
		{"the user id", `{"StringLike":{"aws:userid":"AROA*:t1"}}`, false}, // the call below is of nobody
		{"the type", `{"StringEquals":{"aws:PrincipalType":"AssumedRole"}}`, true},
		{"a tag", `{"StringEquals":{"aws:PrincipalTag/Team":"red"}}`, true},
		{"a tag that is empty", `{"StringEquals":{"aws:PrincipalTag/empty":""}}`, true},
		{"a tag that is not there", `{"Null":{"aws:PrincipalTag/none":"true"}}`, true},
		{"the time", `{"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"},"NumericGreaterThan":{"aws:EpochTime":"1577836800"}}`, true},
		{"sessions from before", `{"DateLessThan":{"aws:TokenIssueTime":"2020-01-01T00:00:00Z"}}`, false},
		{"the client", `{"StringLike":{"aws:UserAgent":"aws-cli/*"}}`, true},
		{"no service", `{"Bool":{"aws:PrincipalIsAWSService":"false"}}`, true},
		{"what the operation tells", `{"StringEquals":{"ecs:cluster":"c1"}}`, true},
		{"what nobody tells", `{"StringEquals":{"ecs:service":"c1"}}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			k.put(t, "p", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ecs:RunTask","Resource":"*","Condition":`+c.condition+`}}`)
			about := call()
			about.Conditions = func(key string) ([]string, bool) { return []string{"c1"}, key == "ecs:cluster" }
			if err := k.guard.Authorize(t.Context(), about, k.credential(t), "ecs:RunTask", nil); (err == nil) != c.want {
				t.Errorf("%v, want allowed: %v", err, c.want)
			}
		})
	}
}

func TestEachResourceMustBeAllowed(t *testing.T) {
	k := openTask(t)
	k.put(t, "p", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:::a/*","arn:aws:s3:::b/*"]}}`)
	cred := k.credential(t)
	ask := func(resources ...string) error {
		return k.guard.Authorize(t.Context(), call(), cred, "s3:GetObject", resources)
	}
	if err := ask("arn:aws:s3:::a/1", "arn:aws:s3:::b/2"); err != nil {
		t.Error(err)
	}
	want := "User: arn:aws:sts::" + k.account + ":assumed-role/app/t1 is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::c/3 " +
		"because no identity-based policy allows the s3:GetObject action"
	if d, ok := errors.AsType[*wire.Denied](ask("arn:aws:s3:::a/1", "arn:aws:s3:::c/3")); !ok || d.Text != want {
		t.Errorf("refused with %v, want %s", d, want)
	}
	if err := ask(); err == nil {
		t.Error("no resource is any resource")
	}
}

func TestBounds(t *testing.T) {
	k := openTask(t)
	k.put(t, "p", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	bound, err := k.room.CreatePolicy(t.Context(), iam.NewPolicy{Account: k.account, Name: "bound", Document: `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["s3:*","ecs:*"],"Resource":"*"},{"Effect":"Deny","Action":"ecs:Delete*","Resource":"*"}]}`})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.room.SetBoundary(t.Context(), k.account, "app", bound.ARN()); err != nil {
		t.Fatal(err)
	}
	for action, because := range map[string]string{
		"s3:GetObject": "", "ecs:RunTask": "",
		"iam:GetRole":       " on resource: * because no permissions boundary allows the iam:GetRole action",
		"ecs:DeleteCluster": " on resource: * with an explicit deny in a permissions boundary",
	} {
		err := k.guard.Authorize(t.Context(), call(), k.credential(t), action, nil)
		want := "User: arn:aws:sts::" + k.account + ":assumed-role/app/t1 is not authorized to perform: " + action + because
		if d, ok := errors.AsType[*wire.Denied](err); because == "" && err != nil || because != "" && (!ok || d.Text != want) {
			t.Errorf("%s: %v, want %q", action, err, because)
		}
	}
}

// A login to the registry knows the key id alone.
func TestAuthorizeKeyOfASession(t *testing.T) {
	k := openTask(t)
	if err := k.guard.AuthorizeKey(k.session.AccessKeyID, "ecr:BatchGetImage", "arn:aws:ecr:r:a:repository/x"); !apierr.Is(err, "AccessDeniedException") {
		t.Errorf("without a policy: %v", err)
	}
	if err := k.room.AttachRolePolicy(t.Context(), k.account, "app", "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"); err != nil {
		t.Fatal(err)
	}
	if err := k.guard.AuthorizeKey(k.session.AccessKeyID, "ecr:BatchGetImage", "arn:aws:ecr:r:a:repository/x"); err != nil {
		t.Errorf("with the execution role's policy: %v", err)
	}
	if err := k.guard.AuthorizeKey(k.session.AccessKeyID, "ecr:PutImage", "*"); !apierr.Is(err, "AccessDeniedException") {
		t.Errorf("more than that: %v", err)
	}
	if err := k.guard.AuthorizeKey("ASIAAAAAAAAAAAAAAAAA", "ecr:BatchGetImage", "*"); !apierr.Is(err, "UnrecognizedClientException") {
		t.Errorf("nobody's session: %v", err)
	}
}

func BenchmarkAuthorizeSession(b *testing.B) {
	k := openTask(b)
	k.put(b, "app", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["sqs:*","dynamodb:GetItem"],"Resource":"*"},
		{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-3"}}}]}`)
	if err := k.room.AttachRolePolicy(b.Context(), k.account, "app", "arn:aws:iam::aws:policy/CloudWatchLogsFullAccess"); err != nil {
		b.Fatal(err)
	}
	cred, about := k.credential(b), call()
	b.ReportAllocs()
	for b.Loop() {
		if err := k.guard.Authorize(b.Context(), about, cred, "s3:GetObject", []string{"arn:aws:s3:::bucket/key"}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKeyOfASession(b *testing.B) {
	k := openTask(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok, err := k.guard.Key(b.Context(), k.session.AccessKeyID, k.session.Token); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
