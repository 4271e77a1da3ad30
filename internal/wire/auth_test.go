package wire_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/ec2/ec2shape"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/service/sts/stsshape"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

// callers are how each protocol is called with some keys.
var callers = map[string]func(ctx context.Context, s *served, id, key, token string) error{
	"json": func(ctx context.Context, s *served, id, key, token string) error {
		_, err := ecs.NewFromConfig(s.as(id, key, token)).ListTasks(ctx, nil)
		return err
	},
	"query": func(ctx context.Context, s *served, id, key, token string) error {
		_, err := sts.NewFromConfig(s.as(id, key, token)).GetCallerIdentity(ctx, nil)
		return err
	},
	"ec2": func(ctx context.Context, s *served, id, key, token string) error {
		_, err := ec2.NewFromConfig(s.as(id, key, token)).DescribeVpcs(ctx, nil)
		return err
	},
}

// nothing is an Authorizer that allows the key AKIANOTHING nothing.
type nothing struct{}

func (nothing) Authorize(_ context.Context, _ *wire.Call, cred wire.Credential, action string, _ []string) error {
	if cred.AccessKeyID == "AKIANOTHING" {
		return fmt.Errorf("authorize: %w", &wire.Denied{Text: cred.Principal.ARN + " may not " + action})
	}
	return nil
}

// all serves an operation in each protocol.
func all(t *testing.T, change func(*wire.Config)) *served {
	s := serve(t, func(c *wire.Config) {
		c.Authorizer = nothing{}
		if change != nil {
			change(c)
		}
	})
	handle(s, ecsshape.ListTasks, nil)
	handle(s, stsshape.GetCallerIdentity, nil)
	handle(s, ec2shape.DescribeVpcs, nil)
	s.keys["ASIATOKEN"] = wire.Credential{AccessKeyID: "ASIATOKEN", SecretAccessKey: "s", SessionToken: "tok", Principal: rootKey().Principal}
	s.keys["ASIAEXPIRED"] = wire.Credential{AccessKeyID: "ASIAEXPIRED", SecretAccessKey: "s", SessionToken: "tok", Expires: time.Now().Add(-time.Second)}
	s.keys["AKIANOTHING"] = wire.Credential{
		AccessKeyID: "AKIANOTHING", SecretAccessKey: "s",
		Principal: wire.Principal{ARN: "arn:aws:iam::1:user/u"},
	}
	return s
}

func TestKeys(t *testing.T) {
	s := all(t, nil)
	for _, tc := range []struct {
		name, id, key, token string
		want                 map[string]string // protocol → "status code"; "" is success
	}{
		{"good", keyID, secret, "", map[string]string{"json": "", "query": "", "ec2": ""}},
		{"good with token", "ASIATOKEN", "s", "tok", map[string]string{"json": "", "query": "", "ec2": ""}},
		{"no such key", "AKIANOBODY", secret, "", map[string]string{"json": "400 UnrecognizedClientException", "query": "403 InvalidClientTokenId", "ec2": "401 AuthFailure"}},
		{"wrong secret", keyID, "x", "", map[string]string{"json": "400 InvalidSignatureException", "query": "403 SignatureDoesNotMatch", "ec2": "401 AuthFailure"}},
		{"wrong token", "ASIATOKEN", "s", "other", map[string]string{"json": "400 UnrecognizedClientException", "query": "403 InvalidClientTokenId", "ec2": "401 AuthFailure"}},
		{"token missing", "ASIATOKEN", "s", "", map[string]string{"json": "400 UnrecognizedClientException", "query": "403 InvalidClientTokenId", "ec2": "401 AuthFailure"}},
		{"token on a long-lived key", keyID, secret, "tok", map[string]string{"json": "400 UnrecognizedClientException", "query": "403 InvalidClientTokenId", "ec2": "401 AuthFailure"}},
		{"expired", "ASIAEXPIRED", "s", "tok", map[string]string{"json": "400 ExpiredTokenException", "query": "403 ExpiredToken", "ec2": "400 RequestExpired"}},
		{"not allowed", "AKIANOTHING", "s", "", map[string]string{"json": "400 AccessDeniedException", "query": "403 AccessDenied", "ec2": "403 UnauthorizedOperation"}},
	} {
		for protocol, want := range tc.want {
			t.Run(tc.name+"/"+protocol, func(t *testing.T) {
				err := callers[protocol](t.Context(), s, tc.id, tc.key, tc.token)
				if got := verdict(t, err); got != want {
					t.Errorf("got %q (%v), want %q", got, err, want)
				}
			})
		}
	}
}

// verdict is "status code" of an SDK's error, "" for none.
func verdict(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	api, ok := errors.AsType[smithy.APIError](err)
	resp, ok2 := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || !ok2 {
		t.Fatalf("no API error: %v", err)
	}
	return strings.TrimSpace(strings.Join([]string{statusText(resp.HTTPStatusCode()), api.ErrorCode()}, " "))
}

func statusText(code int) string {
	return string([]byte{byte('0' + code/100), byte('0' + code/10%10), byte('0' + code%10)})
}

func TestUnsigned(t *testing.T) {
	s := all(t, nil)
	for _, tc := range []struct {
		name, target, kind, body string
		status                   int
		want                     string
	}{
		{"json", ecsTarget + "ListTasks", "application/x-amz-json-1.1", "{}", 400, `{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}`},
		{
			"query", "", "application/x-www-form-urlencoded", "Action=GetCallerIdentity&Version=2011-06-15", 403,
			`<Error><Type>Sender</Type><Code>MissingAuthenticationToken</Code><Message>Request is missing Authentication Token</Message></Error>`,
		},
		{
			"ec2", "", "application/x-www-form-urlencoded", "Action=DescribeVpcs&Version=2016-11-15", 403,
			`<Response><Errors><Error><Code>MissingAuthenticationToken</Code>`,
		},
		{"no protocol at all", "", "text/plain", "hello", 400, `MissingAuthenticationTokenException`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := s.request(t, tc.target, []byte(tc.body))
			r.Header.Set("Content-Type", tc.kind)
			resp, body := do(t, r)
			if resp.StatusCode != tc.status || !strings.Contains(body, tc.want) {
				t.Errorf("answer = %d %s, want %d %s", resp.StatusCode, body, tc.status, tc.want)
			}
		})
	}
}

func TestTampering(t *testing.T) {
	s := all(t, nil)
	handle(s, ecsshape.ListClusters, nil)
	const mismatch = "InvalidSignatureException"
	for _, tc := range []struct {
		name   string
		change func(r *http.Request)
		code   string
	}{
		{"body", func(r *http.Request) {
			r2, _ := http.NewRequest(http.MethodPost, r.URL.String(), strings.NewReader(`{"cluster":"x"}`))
			r.Body, r.ContentLength = r2.Body, r2.ContentLength
		}, mismatch},
		{"target", func(r *http.Request) { r.Header.Set("X-Amz-Target", ecsTarget+"ListClusters") }, mismatch},
		{"path", func(r *http.Request) { r.URL.Path = "/other" }, mismatch},
		{"query", func(r *http.Request) { r.URL.RawQuery = "a=b" }, mismatch},
		{"host", func(r *http.Request) { r.Host = "elsewhere" }, mismatch},
		{"date", func(r *http.Request) {
			r.Header.Set("X-Amz-Date", time.Now().Add(time.Second).UTC().Format("20060102T150405Z"))
		}, mismatch},
		{"x-amz header added", func(r *http.Request) { r.Header.Set("X-Amz-Extra", "1") }, mismatch},
		{"payload said to be unsigned", func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") }, mismatch},
		{"signature cut", func(r *http.Request) {
			a := r.Header.Get("Authorization")
			r.Header.Set("Authorization", a[:len(a)-1])
		}, mismatch},
		{"no signature", func(r *http.Request) {
			a, _, _ := strings.Cut(r.Header.Get("Authorization"), ", Signature")
			r.Header.Set("Authorization", a)
		}, "IncompleteSignatureException"},
		{"another scheme", func(r *http.Request) { r.Header.Set("Authorization", "Basic QVdTOng=") }, "IncompleteSignatureException"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := s.request(t, ecsTarget+"ListTasks", []byte("{}"))
			sign(r, "ecs", []byte("{}"))
			tc.change(r)
			resp, body := do(t, r)
			if resp.StatusCode != 400 || !strings.Contains(body, `"`+tc.code+`"`) {
				t.Errorf("answer = %d %s, want 400 %s", resp.StatusCode, body, tc.code)
			}
		})
	}
}

func TestScopeOfAnotherService(t *testing.T) {
	s := all(t, nil)
	r := s.request(t, ecsTarget+"ListTasks", nil)
	sign(r, "ecr", nil)
	_, body := do(t, r)
	want := `{"__type":"InvalidSignatureException","message":"Credential should be scoped to correct service: 'ecs'. "}`
	if body != want {
		t.Errorf("answer = %s, want %s", body, want)
	}
}

func TestClockSkewPerProtocol(t *testing.T) {
	s := all(t, func(c *wire.Config) { c.Now = func() time.Time { return time.Now().Add(6 * time.Minute) } })
	for protocol, want := range map[string]string{"json": "400 InvalidSignatureException", "query": "403 SignatureDoesNotMatch", "ec2": "400 RequestExpired"} {
		t.Run(protocol, func(t *testing.T) {
			err := callers[protocol](t.Context(), s, keyID, secret, "")
			if got := verdict(t, err); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if protocol != "ec2" && !strings.Contains(err.Error(), "Signature expired: ") {
				t.Errorf("text = %v", err)
			}
		})
	}
}

func TestPresignedGetCallerIdentity(t *testing.T) {
	s := all(t, nil)
	for _, tc := range []struct {
		name   string
		change func(r *http.Request)
		status int
		want   string
	}{
		{"as it is", func(*http.Request) {}, 200, "<GetCallerIdentityResult></GetCallerIdentityResult>"},
		{"another action", func(r *http.Request) {
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "GetCallerIdentity", "GetSessionToken", 1)
		}, 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"a body", func(r *http.Request) { r.Body, r.ContentLength = http.NoBody, 0; r.Method = http.MethodPost }, 403, "<Code>SignatureDoesNotMatch</Code>"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			signed, err := sts.NewPresignClient(s.sts()).PresignGetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
			if err != nil {
				t.Fatal(err)
			}
			r, err := http.NewRequestWithContext(t.Context(), signed.Method, signed.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			for name, values := range signed.SignedHeader {
				if name != "Host" {
					r.Header[name] = values
				}
			}
			tc.change(r)
			resp, body := do(t, r)
			if resp.StatusCode != tc.status || !strings.Contains(body, tc.want) {
				t.Errorf("answer = %d %s, want %d …%s…", resp.StatusCode, body, tc.status, tc.want)
			}
		})
	}
}

// refuser is an Authorizer that refuses and keeps what it was asked.
type refuser struct {
	action    string
	resources []string
}

func (a *refuser) Authorize(_ context.Context, _ *wire.Call, _ wire.Credential, action string, resources []string) error {
	a.action, a.resources = action, resources
	return apierr.Client("AccessDeniedException", "no")
}

func TestAuthorizerIsAskedAboutResources(t *testing.T) {
	a := &refuser{}
	s := serve(t, func(c *wire.Config) { c.Authorizer = a })
	wire.Handle(s.Mux, ecsshape.StopTask, func(context.Context, *wire.Call, *ecsshape.StopTaskInput) (*ecsshape.StopTaskOutput, error) {
		t.Error("the handler ran")
		return nil, nil
	}, wire.Resources(func(c *wire.Call, in any) []string {
		return []string{"arn:" + c.Region + ":" + *in.(*ecsshape.StopTaskInput).Task}
	}))
	status, body := s.post(t, "ecs", ecsTarget+"StopTask", `{"task":"t"}`)
	if status != 400 || body != `{"__type":"AccessDeniedException","message":"no"}` {
		t.Errorf("answer = %d %s", status, body)
	}
	if a.action != "ecs:StopTask" || len(a.resources) != 1 || a.resources[0] != "arn:eu-west-3:t" {
		t.Errorf("asked for %q on %q", a.action, a.resources)
	}
}

// sessions is a KeySource that knows sessions by their tokens alone.
type sessions struct{ rootToken string }

func (s sessions) Key(_ context.Context, id, token string) (wire.Credential, bool, error) {
	c := rootKey()
	c.AccessKeyID, c.SessionToken, c.Session = id, token, "of "+token
	return c, token == s.rootToken, nil
}

func TestKeySourceSeesTheToken(t *testing.T) {
	s := serve(t, func(c *wire.Config) { c.Keys = sessions{"tok+/="} })
	var seen any
	wire.Handle(s.Mux, stsshape.GetCallerIdentity, func(_ context.Context, call *wire.Call, _ *stsshape.GetCallerIdentityInput) (*stsshape.GetCallerIdentityOutput, error) {
		seen = call.Session
		return nil, nil
	})
	for token, want := range map[string]string{"tok+/=": "", "other": "403 InvalidClientTokenId", "": "403 InvalidClientTokenId"} {
		client := sts.NewFromConfig(s.as("ASIANY", secret, token))
		_, err := client.GetCallerIdentity(t.Context(), nil)
		if got := verdict(t, err); got != want {
			t.Errorf("token %q: got %q, want %q", token, got, want)
		}
		signed, err := sts.NewPresignClient(client).PresignGetCallerIdentity(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), signed.Method, signed.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, body := do(t, r); (resp.StatusCode == 200) != (want == "") {
			t.Errorf("token %q, presigned: %d %s", token, resp.StatusCode, body)
		}
	}
	if seen != "of tok+/=" {
		t.Errorf("the handler saw %v", seen)
	}
}

// asked is an Authorizer that keeps what the operation tells of a key.
type asked struct {
	values []string
	ok     bool
}

func (a *asked) Authorize(_ context.Context, call *wire.Call, _ wire.Credential, _ string, _ []string) error {
	if call.Conditions != nil {
		a.values, a.ok = call.Conditions("ecs:cluster")
	}
	return nil
}

func TestAuthorizerIsToldConditions(t *testing.T) {
	a := &asked{}
	s := serve(t, func(c *wire.Config) { c.Authorizer = a })
	wire.Handle(s.Mux, ecsshape.StopTask, func(context.Context, *wire.Call, *ecsshape.StopTaskInput) (*ecsshape.StopTaskOutput, error) {
		return nil, nil
	}, wire.Conditions(func(_ *wire.Call, in any) func(string) ([]string, bool) {
		return func(key string) ([]string, bool) {
			return []string{*in.(*ecsshape.StopTaskInput).Cluster}, key == "ecs:cluster"
		}
	}))
	if status, body := s.post(t, "ecs", ecsTarget+"StopTask", `{"task":"t","cluster":"c1"}`); status != 200 {
		t.Fatalf("answer = %d %s", status, body)
	}
	if !a.ok || len(a.values) != 1 || a.values[0] != "c1" {
		t.Errorf("told %v, %v", a.values, a.ok)
	}
}

func TestUnrestricted(t *testing.T) {
	s := serve(t, func(c *wire.Config) { c.Authorizer = &refuser{} })
	wire.Handle(s.Mux, stsshape.GetCallerIdentity, func(context.Context, *wire.Call, *stsshape.GetCallerIdentityInput) (*stsshape.GetCallerIdentityOutput, error) {
		return nil, nil
	}, wire.Unrestricted())
	if _, err := s.sts().GetCallerIdentity(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func TestDeniedText(t *testing.T) {
	s := all(t, nil)
	err := callers["json"](t.Context(), s, "AKIANOTHING", "s", "")
	want := "arn:aws:iam::1:user/u may not ecs:ListTasks"
	if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorMessage() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

func TestAuthenticateForSockets(t *testing.T) {
	s := all(t, nil)
	for _, tc := range []struct{ name, service, code string }{
		{"right service", "ecs", ""}, {"any service", "", ""}, {"another service", "ecr", "InvalidSignatureException"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, err := http.NewRequest(http.MethodGet, s.url+"/ws?agentHash=a b&clusterArn=c/d&seqNum=1", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.URL.RawQuery = "agentHash=a%20b&clusterArn=c%2Fd&seqNum=1"
			sign(r, "ecs", nil)
			call, cred, err := s.Authenticate(r, nil, tc.service)
			switch {
			case tc.code != "" && !apierr.Is(err, tc.code):
				t.Errorf("error = %v, want %s", err, tc.code)
			case tc.code == "" && (err != nil || call.Account != account || cred.AccessKeyID != keyID):
				t.Errorf("call %+v, credential %+v, error %v", call, cred, err)
			}
		})
	}
}

func TestAuthenticateRefusesStrangers(t *testing.T) {
	s := all(t, nil)
	r, err := http.NewRequest(http.MethodGet, s.url+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Authenticate(r, nil, "ecs"); !apierr.Is(err, "MissingAuthenticationTokenException") {
		t.Errorf("unsigned: %v", err)
	}
	sigv4.Sign(r, nil, sigv4.Credentials{AccessKeyID: "AKIANOBODY", SecretAccessKey: "x"}, "r", "ecs", time.Now())
	if _, _, err := s.Authenticate(r, nil, "ecs"); !apierr.Is(err, "UnrecognizedClientException") {
		t.Errorf("stranger: %v", err)
	}
}

func TestAuthorizeForSockets(t *testing.T) {
	s := all(t, nil)
	for _, tc := range []struct{ id, code string }{{keyID, ""}, {"AKIANOTHING", "AccessDeniedException"}} {
		err := s.Authorize(t.Context(), &wire.Call{}, s.keys[tc.id], "ecs:Poll", nil)
		if tc.code == "" && err != nil || tc.code != "" && !apierr.Is(err, tc.code) {
			t.Errorf("%s: %v, want %q", tc.id, err, tc.code)
		}
	}
}

func TestWriteError(t *testing.T) {
	s := all(t, nil)
	for _, tc := range []struct {
		name   string
		err    error
		status int
		want   string
	}{
		{"for the client", &apierr.Error{Code: "InactiveInstanceException", Message: "gone", Status: 410}, 410, `{"__type":"InactiveInstanceException","message":"gone"}`},
		{"not for the client", errors.New("secret"), 500, `{"__type":"InternalFailure","message":"An internal error has occurred. Quote request id ID."}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			s.WriteError(w, httptest.NewRequest(http.MethodGet, "/ws", nil), tc.err)
			id := w.Header().Get(wire.RequestIDHeader)
			if body := strings.ReplaceAll(w.Body.String(), id, "ID"); id == "" || w.Code != tc.status || body != tc.want {
				t.Errorf("answer = %d %s, want %d %s", w.Code, body, tc.status, tc.want)
			}
		})
	}
}
