package settings

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/agentproto"
)

const secretARN = "arn:aws:secretsmanager:us-west-2:123456789012:secret:db-AbCdEf"

func ssm(valueFrom string) agentproto.Secret {
	return agentproto.Secret{ValueFrom: valueFrom, Provider: agentproto.SecretProviderSSM}
}

func asm(valueFrom string) agentproto.Secret {
	return agentproto.Secret{ValueFrom: valueFrom, Provider: agentproto.SecretProviderASM}
}

func TestSecretsOfEveryForm(t *testing.T) {
	f := newAWS(t)
	f.parameters["/a/b"] = parameter{Name: "/a/b", Value: "path"}
	f.parameters["plain:3"] = parameter{Name: "plain", Selector: ":3", Value: "third"}
	f.parameters["arn:aws:ssm:us-east-2:123456789012:parameter/a/b"] = parameter{Name: "/a/b", ARN: "arn:aws:ssm:us-east-2:123456789012:parameter/a/b", Value: "there"}
	f.parameters["arn:aws:ssm:us-east-2:123456789012:parameter/named"] = parameter{Name: "named", Value: "by name"}
	f.secrets[secretARN+"||"] = `{"user":"me","port":1e400,"on":true,"nested":{"b": 1},"none":null,"quoted":"a\"bé"}`
	f.secrets[secretARN+"|AWSPREVIOUS|"] = `{"user":"before"}`
	f.secrets[secretARN+"||v-1"] = "first"
	refs := []agentproto.Secret{
		ssm("/a/b"), ssm("plain:3"), ssm("arn:aws:ssm:us-east-2:123456789012:parameter/a/b"), ssm("arn:aws:ssm:us-east-2:123456789012:parameter/named"), ssm("/a/b"),
		asm(secretARN + ":user::"), asm(secretARN + ":port::"), asm(secretARN + ":on::"), asm(secretARN + ":nested::"), asm(secretARN + ":none::"), asm(secretARN + ":quoted::"),
		asm(secretARN + ":user:AWSPREVIOUS:"), asm(secretARN + ":::v-1"),
	}
	got, err := f.lookup().Secrets(t.Context(), role, refs)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"path", "third", "there", "by name", "path", "me", "1e400", "true", `{"b": 1}`, "null", `a"bé`, "before", "first"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	calls := []string{
		`secretsmanager us-west-2 {"SecretId":"` + secretARN + `","VersionId":"v-1"}`,
		`secretsmanager us-west-2 {"SecretId":"` + secretARN + `","VersionStage":"AWSPREVIOUS"}`,
		`secretsmanager us-west-2 {"SecretId":"` + secretARN + `"}`,
		`ssm eu-west-1 {"Names":["/a/b","plain:3"],"WithDecryption":true}`,
		`ssm us-east-2 {"Names":["arn:aws:ssm:us-east-2:123456789012:parameter/a/b","arn:aws:ssm:us-east-2:123456789012:parameter/named"],"WithDecryption":true}`,
	}
	if diff := cmp.Diff(calls, f.made()); diff != "" {
		t.Errorf("one call for each thing: %s", diff)
	}
}

func TestSecretsNamedRegionWins(t *testing.T) {
	f := newAWS(t)
	f.secrets[secretARN+"||"] = "v"
	ref := asm(secretARN)
	ref.Region = "ap-south-1"
	if got, err := f.lookup().Secrets(t.Context(), role, []agentproto.Secret{ref}); err != nil || got[0] != "v" || !strings.HasPrefix(f.made()[0], "secretsmanager ap-south-1 ") {
		t.Errorf("got %q %v, calls %q", got, err, f.made())
	}
}

func TestParametersAreAskedInTens(t *testing.T) {
	f := newAWS(t)
	var refs []agentproto.Secret
	var want []string
	for i := range 21 {
		name := fmt.Sprintf("/p/%02d", i)
		f.parameters[name] = parameter{Name: name, Value: name + "!"}
		refs, want = append(refs, ssm(name)), append(want, name+"!")
	}
	got, err := f.lookup().Secrets(t.Context(), role, refs)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(f.made()) != 3 {
		t.Errorf("%d calls, %s", len(f.made()), diff)
	}
}

func TestWhatIsWorthAnotherAttempt(t *testing.T) {
	for name, fail := range map[string]func(http.ResponseWriter){
		"throttled":   refuse(http.StatusBadRequest, "ThrottlingException", "Rate exceeded"),
		"too many":    refuse(http.StatusTooManyRequests, "", ""),
		"broken":      refuse(http.StatusInternalServerError, "InternalServiceError", ""),
		"interrupted": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newAWS(t)
			f.parameters["p"] = parameter{Name: "p", Value: "v"}
			f.fail = append(f.fail, fail)
			got, err := f.lookup().Secrets(t.Context(), role, []agentproto.Secret{ssm("p")})
			if err != nil || got[0] != "v" || len(f.made()) != 2 {
				t.Errorf("got %q %v after %d calls", got, err, len(f.made()))
			}
		})
	}
}

// The texts, to the letter.
func TestSecretsErrors(t *testing.T) {
	const asmStart = "execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s): "
	denied := refuse(http.StatusBadRequest, "AccessDeniedException", "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: secretsmanager:GetSecretValue on resource: "+secretARN)
	for name, c := range map[string]struct {
		ref  agentproto.Secret
		fail func(http.ResponseWriter)
		want string
	}{
		"no such parameter": {ref: ssm("/none"), want: "execution resource retrieval failed: unable to retrieve secrets from ssm: service call has been retried 1 time(s): invalid ssm parameters: /none"},
		"parameters forbidden": {
			ref: ssm("/p"), fail: refuse(http.StatusBadRequest, "AccessDeniedException", "User: u is not authorized to perform: ssm:GetParameters"),
			want: "execution resource retrieval failed: unable to retrieve secrets from ssm: service call has been retried 1 time(s): " +
				"AccessDeniedException: User: u is not authorized to perform: ssm:GetParameters status code: 400, request id: req-1",
		},
		"no such secret": {ref: asm(secretARN + "x"), want: asmStart + "failed to fetch secret " + secretARN + "x from secrets manager: " +
			"ResourceNotFoundException: Secrets Manager can't find the specified secret. status code: 400, request id: req-1"},
		"secret forbidden": {ref: asm(secretARN), fail: denied, want: asmStart + "failed to fetch secret " + secretARN + " from secrets manager: " +
			"AccessDeniedException: User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: secretsmanager:GetSecretValue on resource: " + secretARN + " status code: 400, request id: req-1"},
		"no such version": {ref: asm(secretARN + "::AWSPENDING:"), want: asmStart + "failed to fetch secret " + secretARN + " from secrets manager: " +
			"ResourceNotFoundException: Secrets Manager can't find the specified secret. status code: 400, request id: req-1"},
		"no such key": {ref: asm(secretARN + ":pass::"), want: asmStart + "retrieved secret from Secrets Manager did not contain json key pass"},
		"no object":   {ref: asm(secretARN + ":user:LIST:"), want: asmStart + "json: cannot unmarshal array into Go value of type map[string]interface {}"},
		"no JSON":     {ref: asm(secretARN + ":user:TEXT:"), want: asmStart + "invalid character 'h' looking for beginning of value"},
		"no text":     {ref: asm(secretARN + ":user:EMPTY:"), want: asmStart + "unexpected end of JSON input"},
		"half an ARN": {ref: asm(secretARN + ":user:"), want: "trying to retrieve secret with value " + secretARN + ":user: resulted in error: " +
			"an invalid ARN format for the AWS Secrets Manager secret was specified. Specify a valid ARN and try again."},
		"no ARN": {ref: asm("db"), want: "trying to retrieve secret with value db resulted in error: arn: invalid prefix"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newAWS(t)
			f.secrets[secretARN+"||"], f.secrets[secretARN+"|LIST|"], f.secrets[secretARN+"|TEXT|"], f.secrets[secretARN+"|EMPTY|"] = `{"user":"me"}`, `[1]`, `hunter2`, ""
			if c.fail != nil {
				f.fail = append(f.fail, c.fail)
			}
			_, err := f.lookup().Secrets(t.Context(), role, []agentproto.Secret{c.ref})
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestNobodyAnswers(t *testing.T) {
	srv := httptest.NewServer(nil)
	srv.Close()
	l := newAWS(t).lookup(func(c *Config) { c.Endpoints.SSM, c.Patience = srv.URL, time.Millisecond })
	_, err := l.Secrets(t.Context(), role, []agentproto.Secret{ssm("p")})
	const start = "execution resource retrieval failed: unable to retrieve secrets from ssm: service call has been retried "
	want := `time(s): RequestError: send request failed caused by: Post "` + srv.URL + `/": dial tcp`
	if err == nil || !strings.HasPrefix(err.Error(), start) || !strings.Contains(err.Error(), want) || !strings.HasSuffix(err.Error(), ". Please check your task network configuration.") {
		t.Errorf("refused: got %v", err)
	}
	hang := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer silent.Close()
	defer close(hang)
	l = newAWS(t).lookup(func(c *Config) { c.Endpoints.SSM, c.Patience = silent.URL, 50*time.Millisecond })
	_, err = l.Secrets(t.Context(), role, []agentproto.Secret{ssm("p")})
	if want := start + "1 time(s): RequestCanceled: request context canceled caused by: context deadline exceeded. Please check your task network configuration."; err == nil || err.Error() != want {
		t.Errorf("silent: got %v", err)
	}
}

func TestCallerGivesUp(t *testing.T) {
	f := newAWS(t)
	ctx, cancel := context.WithCancel(t.Context())
	f.fail = append(f.fail, func(w http.ResponseWriter) { cancel(); refuse(http.StatusServiceUnavailable, "x", "")(w) })
	if _, err := f.lookup().Secrets(ctx, role, []agentproto.Secret{ssm("p")}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestNoExecutionRole(t *testing.T) {
	l := newAWS(t).lookup()
	_, err := l.Secrets(t.Context(), nil, []agentproto.Secret{ssm("p")})
	_, _, loginErr := l.RegistryLogin(t.Context(), nil, agentproto.ASMAuthData{})
	_, fileErr := l.EnvironmentFile(t.Context(), nil, agentproto.EnvironmentFile{Value: "arn:aws:s3:::b/k.env"})
	for _, err := range []error{err, loginErr, fileErr} {
		if !errors.Is(err, errNoRole) {
			t.Errorf("got %v", err)
		}
	}
}

func TestRegistryLogin(t *testing.T) {
	const start = "execution resource retrieval failed: unable to get registry auth from asm: service call has been retried 1 time(s): asm fetching "
	for name, c := range map[string]struct{ secret, want string }{
		"good":        {`{"username":"u","password":"p","more":1}`, "u p"},
		"not there":   {"-", start + "secret from the service for " + secretARN + ": ResourceNotFoundException: Secrets Manager can't find the specified secret. status code: 400, request id: req-1"},
		"empty":       {"", start + "authorization data: empty secrets value"},
		"no JSON":     {"u:p", start + "authorization data: unable to unmarshal secret value, invalid schema"},
		"no user":     {`{"password":"p"}`, start + "username: AuthorizationData is malformed, empty field"},
		"no password": {`{"username":"u"}`, start + "password: AuthorizationData is malformed, empty field"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newAWS(t)
			if c.secret != "-" {
				f.secrets[secretARN+"||"] = c.secret
			}
			user, password, err := f.lookup().RegistryLogin(t.Context(), role, agentproto.ASMAuthData{CredentialsParameter: secretARN})
			got := user + " " + password
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
