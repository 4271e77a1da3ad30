package stsapi_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	iamsdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/slipway/slipway/internal/authz"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/service/iam/iamapi"
	"github.com/slipway/slipway/internal/service/iam/iamtest"
	"github.com/slipway/slipway/internal/service/sts/stsapi"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/wire"
)

// door is IAM and STS on a socket, over a real store, with an account.
type door struct {
	room    *iam.Room
	guard   *authz.Guard
	url     string
	account string
	key     iam.AccessKey // of root
	root    aws.Config
	late    time.Duration // how far the room's clock is behind: sessions end that much earlier
}

func open(t *testing.T) *door {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()}, iam.Tables()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	d := &door{}
	d.room = iam.New(st, iam.Config{Now: func() time.Time { return time.Now().Add(-d.late) }})
	d.guard = authz.New(d.room)
	mux := wire.NewMux(wire.Config{Keys: d.guard, Authorizer: d.guard})
	stsapi.Register(mux, d.room)
	iamapi.Register(mux, d.room)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	account, root, err := d.room.CreateAccount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d.url, d.account, d.key, d.root = srv.URL, account.ID, root, sdkConfig(srv.URL, root.ID, root.Secret, "")
	return d
}

// sdkConfig configures SDK clients that call url with the key and try once.
func sdkConfig(url, id, secret, token string) aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: &url, RetryMaxAttempts: 1, HTTPClient: iamtest.Client{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: token}, nil
		}),
	}
}

const allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// trustIn is a trust policy for an AWS principal, under a condition that may be "".
func trustIn(principal, condition string) string {
	if condition != "" {
		condition = `,"Condition":` + condition
	}
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":["sts:AssumeRole","sts:TagSession"]` + condition + `}]}`
}

// role makes a role that trusts somebody, with one inline policy unless it is "".
func (d *door) role(t *testing.T, name, trust, inline string) *iam.Role {
	t.Helper()
	role, err := d.room.CreateRole(t.Context(), iam.NewRole{Account: d.account, Name: name, Path: "/app/", Trust: trust})
	if err != nil {
		t.Fatal(err)
	}
	if inline != "" {
		if err := d.room.PutRolePolicy(t.Context(), d.account, name, iam.Inline{Name: "p", Document: inline}); err != nil {
			t.Fatal(err)
		}
	}
	return role
}

// assume assumes a role and returns the session's configuration.
func (d *door) assume(t *testing.T, as aws.Config, in *sts.AssumeRoleInput) (aws.Config, *sts.AssumeRoleOutput) {
	t.Helper()
	if in.RoleSessionName == nil {
		in.RoleSessionName = new("s1")
	}
	out, err := sts.NewFromConfig(as).AssumeRole(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	c := out.Credentials
	return sdkConfig(d.url, *c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken), out
}

// refused checks an error's code and, unless it is "", its text.
func refused(t *testing.T, err error, code, text string) {
	t.Helper()
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok || e.ErrorCode() != code || text != "" && e.ErrorMessage() != text {
		t.Errorf("got %v, want %s %q", err, code, text)
	}
}

func TestGetCallerIdentity(t *testing.T) {
	d := open(t)
	instance, err := d.room.IssueInstanceKey(t.Context(), d.account, "i-0123456789abcdef0")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(key iam.AccessKey) (*sts.GetCallerIdentityOutput, error) {
		return sts.NewFromConfig(sdkConfig(d.url, key.ID, key.Secret, "")).GetCallerIdentity(t.Context(), nil)
	}
	for _, key := range []iam.AccessKey{d.key, instance} {
		out, err := ask(key)
		if err != nil {
			t.Fatal(err)
		}
		if *out.Account != d.account || *out.Arn != key.Principal || *out.UserId != key.UserID {
			t.Errorf("caller is %s, %s, %s; want %+v", *out.Account, *out.Arn, *out.UserId, key)
		}
	}
	forged, unknown := d.key, d.key
	forged.Secret = strings.Repeat("x", 40)
	unknown.ID = "AKIAAAAAAAAAAAAAAAAA"
	for code, key := range map[string]iam.AccessKey{"SignatureDoesNotMatch": forged, "InvalidClientTokenId": unknown} {
		_, err := ask(key)
		refused(t, err, code, "")
	}
}

func TestAssumeRole(t *testing.T) {
	d := open(t)
	role := d.role(t, "reader", trustIn(d.account, ""), `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"iam:Get*","Resource":"arn:aws:iam::*:role/app/*"},
		{"Effect":"Deny","Action":"iam:GetRole","Resource":"arn:aws:iam::*:role/app/secret"}]}`)
	d.role(t, "secret", trustIn(d.account, ""), "")
	session, out := d.assume(t, d.root, &sts.AssumeRoleInput{RoleArn: new(role.ARN()), RoleSessionName: new("ada@example.com")})

	arn := "arn:aws:sts::" + d.account + ":assumed-role/reader/ada@example.com"
	if *out.AssumedRoleUser.Arn != arn || *out.AssumedRoleUser.AssumedRoleId != role.ID+":ada@example.com" {
		t.Errorf("assumed %s, %s", *out.AssumedRoleUser.Arn, *out.AssumedRoleUser.AssumedRoleId)
	}
	c := out.Credentials
	if !strings.HasPrefix(*c.AccessKeyId, "ASIA") || len(*c.AccessKeyId) != 20 || len(*c.SecretAccessKey) != 40 {
		t.Errorf("credentials %s, %s", *c.AccessKeyId, *c.SecretAccessKey)
	}
	if left := time.Until(*c.Expiration); left > time.Hour || left < 55*time.Minute {
		t.Errorf("ends in %v, want an hour", left)
	}
	who, err := sts.NewFromConfig(session).GetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if *who.Arn != arn || *who.UserId != role.ID+":ada@example.com" || *who.Account != d.account {
		t.Errorf("the session is %s, %s of %s", *who.Arn, *who.UserId, *who.Account)
	}

	client := iamsdk.NewFromConfig(session)
	if _, err := client.GetRole(t.Context(), &iamsdk.GetRoleInput{RoleName: new("reader")}); err != nil {
		t.Errorf("what the role may do: %v", err)
	}
	_, err = client.DeleteRole(t.Context(), &iamsdk.DeleteRoleInput{RoleName: new("reader")})
	refused(t, err, "AccessDenied", "User: "+arn+" is not authorized to perform: iam:DeleteRole on resource: "+role.ARN()+
		" because no identity-based policy allows the iam:DeleteRole action")
	_, err = client.GetRole(t.Context(), &iamsdk.GetRoleInput{RoleName: new("secret")})
	refused(t, err, "AccessDenied", "User: "+arn+" is not authorized to perform: iam:GetRole on resource: arn:aws:iam::"+d.account+
		":role/app/secret with an explicit deny in an identity-based policy")

	// A changed policy counts at once, and so does a role that goes.
	if err := d.room.DeleteRolePolicy(t.Context(), d.account, "reader", "p"); err != nil {
		t.Fatal(err)
	}
	_, err = client.GetRole(t.Context(), &iamsdk.GetRoleInput{RoleName: new("reader")})
	refused(t, err, "AccessDenied", "")
	if err := d.room.DeleteRole(t.Context(), d.account, "reader"); err != nil {
		t.Fatal(err)
	}
	d.role(t, "reader", trustIn(d.account, ""), allowAll)
	_, err = client.GetRole(t.Context(), &iamsdk.GetRoleInput{RoleName: new("reader")})
	refused(t, err, "InvalidClientTokenId", "The security token included in the request is invalid.")
}

func TestTrustDecides(t *testing.T) {
	d := open(t)
	d.role(t, "caller", trustIn(d.account, ""), "")
	caller, _ := d.assume(t, d.root, &sts.AssumeRoleInput{RoleArn: new("arn:aws:iam::" + d.account + ":role/app/caller")})
	may := d.role(t, "may", trustIn(d.account, ""), `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}}`)
	allowed, _ := d.assume(t, d.root, &sts.AssumeRoleInput{RoleArn: new(may.ARN())})
	d.role(t, "barred", trustIn(d.account, ""), `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"sts:*","Resource":"*"}}`)
	barred, _ := d.assume(t, d.root, &sts.AssumeRoleInput{RoleArn: new("arn:aws:iam::" + d.account + ":role/app/barred")})

	other, otherKey, err := d.room.CreateAccount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stranger := sdkConfig(d.url, otherKey.ID, otherKey.Secret, "")
	name := func(role string) string { return "arn:aws:iam::" + d.account + ":role/app/" + role }
	d.role(t, "whole", trustIn(d.account, ""), "")
	d.role(t, "named", trustIn(name("caller"), ""), "")
	d.role(t, "namesbarred", trustIn(name("barred"), ""), "")
	d.role(t, "shared", trustIn(other.ID, `{"StringEquals":{"sts:ExternalId":"e1"}}`), "")
	d.role(t, "tags", trustIn(d.account, `{"StringEquals":{"aws:RequestTag/team":"red"},"ForAllValues:StringEquals":{"aws:TagKeys":["team"]}}`), "")
	d.role(t, "task", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}}`, "")

	for _, c := range []struct {
		name string
		as   aws.Config
		role string
		in   sts.AssumeRoleInput
		ok   bool
	}{
		{"root of the account", d.root, "whole", sts.AssumeRoleInput{}, true},
		{"root of another account", stranger, "whole", sts.AssumeRoleInput{}, false},
		{"a role with the permission", allowed, "whole", sts.AssumeRoleInput{}, true},
		{"a role without it", caller, "whole", sts.AssumeRoleInput{}, false},
		{"a role without it that is trusted by name", caller, "named", sts.AssumeRoleInput{}, true},
		{"a role with it that is not trusted", allowed, "named", sts.AssumeRoleInput{}, false},
		{"a denial wins over the name", barred, "namesbarred", sts.AssumeRoleInput{}, false},
		{"a service's role", d.root, "task", sts.AssumeRoleInput{}, false},
		{"a role that is not there", d.root, "none", sts.AssumeRoleInput{}, false},
		{"the external id", stranger, "shared", sts.AssumeRoleInput{ExternalId: new("e1")}, true},
		{"another external id", stranger, "shared", sts.AssumeRoleInput{ExternalId: new("e2")}, false},
		{"no external id", stranger, "shared", sts.AssumeRoleInput{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.in.RoleArn, c.in.RoleSessionName = new(name(c.role)), new("s1")
			_, err := sts.NewFromConfig(c.as).AssumeRole(t.Context(), &c.in)
			if c.ok && err != nil {
				t.Fatal(err)
			}
			if !c.ok {
				refused(t, err, "AccessDenied", "")
				if !strings.Contains(err.Error(), "is not authorized to perform: sts:AssumeRole on resource: "+name(c.role)) {
					t.Errorf("text %v", err)
				}
			}
		})
	}
}

func TestAssumeRoleBounds(t *testing.T) {
	d := open(t)
	role, err := d.room.CreateRole(t.Context(), iam.NewRole{Account: d.account, Name: "r", Trust: trustIn(d.account, ""), MaxSession: 7200})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.room.AttachRolePolicy(t.Context(), d.account, "r", "arn:aws:iam::aws:policy/AdministratorAccess"); err != nil {
		t.Fatal(err)
	}
	session, _ := d.assume(t, d.root, &sts.AssumeRoleInput{RoleArn: new(role.ARN()), DurationSeconds: new(int32(7200))})
	for _, c := range []struct {
		name, code, text string
		as               aws.Config
		in               sts.AssumeRoleInput
	}{
		{"too short", "ValidationError", "", d.root, sts.AssumeRoleInput{DurationSeconds: new(int32(899))}},
		{"longer than the role's", "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", d.root, sts.AssumeRoleInput{DurationSeconds: new(int32(7201))}},
		{"longer than a chain's", "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.", session, sts.AssumeRoleInput{DurationSeconds: new(int32(3601))}},
		{"a malformed session policy", "MalformedPolicyDocument", "Syntax errors in policy.", d.root, sts.AssumeRoleInput{Policy: new(`{"Version":"2012-10-17"}`)}},
		{"a session policy that is too large", "PackedPolicyTooLarge", "", d.root, sts.AssumeRoleInput{Policy: new(strings.Replace(allowAll, `"*"`, `["*"`+strings.Repeat(`,"s3:GetObject"`, 200)+`]`, 1))}},
		{"what is not served", "ValidationError", "", d.root, sts.AssumeRoleInput{SourceIdentity: new("ada")}},
		{"a bad session name", "ValidationError", "", d.root, sts.AssumeRoleInput{RoleSessionName: new("a b")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.in.RoleArn = new(role.ARN())
			if c.in.RoleSessionName == nil {
				c.in.RoleSessionName = new("s1")
			}
			_, err := sts.NewFromConfig(c.as).AssumeRole(t.Context(), &c.in)
			refused(t, err, c.code, c.text)
		})
	}
}

func TestASessionPolicyRestricts(t *testing.T) {
	d := open(t)
	role := d.role(t, "r", trustIn(d.account, ""), allowAll)
	session, out := d.assume(t, d.root, &sts.AssumeRoleInput{
		RoleArn: new(role.ARN()), Policy: new(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:ListRoles","Resource":"*"}}`),
	})
	if out.PackedPolicySize == nil || *out.PackedPolicySize == 0 { //nolint:staticcheck // older clients read it
		t.Error("the session says nothing of its policy's size")
	}
	client := iamsdk.NewFromConfig(session)
	if _, err := client.ListRoles(t.Context(), nil); err != nil {
		t.Error(err)
	}
	_, err := client.ListPolicies(t.Context(), nil)
	refused(t, err, "AccessDenied", "User: "+*out.AssumedRoleUser.Arn+" is not authorized to perform: iam:ListPolicies on resource: * because no session policy allows the iam:ListPolicies action")
	if err := d.guard.AuthorizeKey(*out.Credentials.AccessKeyId, "ecr:BatchGetImage", "*"); err == nil {
		t.Error("who knows the key id alone takes the session for the whole role")
	}
}

func TestSpoiltSessions(t *testing.T) {
	d := open(t)
	role := d.role(t, "r", trustIn(d.account, ""), allowAll)
	_, out := d.assume(t, d.root, &sts.AssumeRoleInput{RoleArn: new(role.ARN())})
	_, two := d.assume(t, d.root, &sts.AssumeRoleInput{RoleArn: new(role.ARN())})
	c := out.Credentials
	turned := []byte(*c.SessionToken)
	turned[len(turned)/2] ^= 1
	for _, tc := range []struct{ name, id, secret, token, code string }{
		{"as it is", *c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken, ""},
		{"a changed token", *c.AccessKeyId, *c.SecretAccessKey, string(turned), "InvalidClientTokenId"},
		{"a cut token", *c.AccessKeyId, *c.SecretAccessKey, (*c.SessionToken)[:40], "InvalidClientTokenId"},
		{"no token", *c.AccessKeyId, *c.SecretAccessKey, "", "InvalidClientTokenId"},
		{"another session's token", *c.AccessKeyId, *c.SecretAccessKey, *two.Credentials.SessionToken, "InvalidClientTokenId"},
		{"another key's id", *two.Credentials.AccessKeyId, *c.SecretAccessKey, *c.SessionToken, "InvalidClientTokenId"},
		{"another secret", *c.AccessKeyId, *two.Credentials.SecretAccessKey, *c.SessionToken, "SignatureDoesNotMatch"},
		{"a root key with a token", d.key.ID, d.key.Secret, *c.SessionToken, "InvalidClientTokenId"},
		{"no token at all, but text", *c.AccessKeyId, *c.SecretAccessKey, "hello", "InvalidClientTokenId"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := sts.NewFromConfig(sdkConfig(d.url, tc.id, tc.secret, tc.token)).GetCallerIdentity(t.Context(), nil)
			if tc.code == "" && err != nil {
				t.Error(err)
			} else if tc.code != "" {
				refused(t, err, tc.code, "")
			}
		})
	}
}

func TestASessionEnds(t *testing.T) {
	d := open(t)
	role := d.role(t, "r", trustIn(d.account, ""), allowAll)
	d.late = time.Hour - time.Minute
	young, _ := d.assume(t, d.root, &sts.AssumeRoleInput{RoleArn: new(role.ARN())})
	if _, err := sts.NewFromConfig(young).GetCallerIdentity(t.Context(), nil); err != nil {
		t.Errorf("a minute before its end: %v", err)
	}
	d.late = time.Hour
	old, _ := d.assume(t, d.root, &sts.AssumeRoleInput{RoleArn: new(role.ARN())})
	_, err := sts.NewFromConfig(old).GetCallerIdentity(t.Context(), nil)
	refused(t, err, "ExpiredToken", "The security token included in the request is expired")
}

func TestPresignedBySession(t *testing.T) {
	d := open(t)
	role := d.role(t, "r", trustIn(d.account, ""), "")
	session, out := d.assume(t, d.root, &sts.AssumeRoleInput{RoleArn: new(role.ARN())})
	signed, err := sts.NewPresignClient(sts.NewFromConfig(session)).PresignGetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(signed.URL, "X-Amz-Security-Token=") {
		t.Fatalf("no token in %s", signed.URL)
	}
	status, body := get(t, signed.URL)
	if status != 200 || !strings.Contains(body, *out.AssumedRoleUser.Arn) {
		t.Errorf("answer = %d %s", status, body)
	}
}

func TestGetSessionToken(t *testing.T) {
	d := open(t)
	out, err := sts.NewFromConfig(d.root).GetSessionToken(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	c := out.Credentials
	if left := time.Until(*c.Expiration); left > time.Hour {
		t.Errorf("root's session ends in %v, want an hour at most", left)
	}
	session := sdkConfig(d.url, *c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
	who, err := sts.NewFromConfig(session).GetCallerIdentity(t.Context(), nil)
	if err != nil || *who.Arn != d.key.Principal {
		t.Errorf("the session is %v, %v", who, err)
	}
	if _, err := iamsdk.NewFromConfig(session).ListRoles(t.Context(), nil); err != nil {
		t.Error(err)
	}
	_, err = sts.NewFromConfig(session).GetSessionToken(t.Context(), nil)
	refused(t, err, "AccessDenied", "Cannot call GetSessionToken with session credentials")
	info, err := sts.NewFromConfig(d.root).GetAccessKeyInfo(t.Context(), &sts.GetAccessKeyInfoInput{AccessKeyId: c.AccessKeyId})
	if err != nil || *info.Account != d.account {
		t.Errorf("the key is of %v, %v", info, err)
	}
}

func TestSessionTags(t *testing.T) {
	d := open(t)
	trust := trustIn(d.account, `{"StringEquals":{"aws:RequestTag/team":"red"},"ForAllValues:StringEquals":{"aws:TagKeys":["team"]}}`)
	role := d.role(t, "tags", trust, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:GetRole","Resource":"arn:aws:iam::*:role/${aws:PrincipalTag/Team}/*"}}`)
	if _, err := d.room.CreateRole(t.Context(), iam.NewRole{Account: d.account, Name: "theirs", Path: "/red/", Trust: trust}); err != nil {
		t.Fatal(err)
	}
	in := &sts.AssumeRoleInput{RoleArn: new(role.ARN()), RoleSessionName: new("s1")}
	in.Tags = append(in.Tags, tagOf("team", "red"))
	session, _ := d.assume(t, d.root, in)
	client := iamsdk.NewFromConfig(session)
	if _, err := client.GetRole(t.Context(), &iamsdk.GetRoleInput{RoleName: new("theirs")}); err != nil {
		t.Error(err)
	}
	_, err := client.GetRole(t.Context(), &iamsdk.GetRoleInput{RoleName: new("tags")})
	refused(t, err, "AccessDenied", "")
	in.Tags[0] = tagOf("team", "blue")
	_, err = sts.NewFromConfig(d.root).AssumeRole(t.Context(), in)
	refused(t, err, "AccessDenied", "")
	in.Tags = append(in.Tags[:0], tagOf("team", "red"), tagOf("cost", "1"))
	_, err = sts.NewFromConfig(d.root).AssumeRole(t.Context(), in)
	refused(t, err, "AccessDenied", "")
}
