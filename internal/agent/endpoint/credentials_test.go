package endpoint

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/google/go-cmp/cmp"
)

// serve runs the endpoint on a real socket, as containers find it.
func serve(t *testing.T, cfg Config) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, listener, Containers(cfg)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "http://" + listener.Addr().String()
}

// TestTheSDKFindsItsCredentials is the judge: aws-sdk-go-v2 with nothing but a
// container's environment.
func TestTheSDKFindsItsCredentials(t *testing.T) {
	url := serve(t, configOf())
	for name, path := range map[string]string{"v2": "/v2/credentials/" + keysID, "v1": "/v1/credentials?id=" + keysID} {
		t.Run(name, func(t *testing.T) {
			for _, v := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_CA_BUNDLE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"} {
				t.Setenv(v, "")
			}
			t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
			t.Setenv("AWS_REGION", "us-east-1")
			t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url+path)
			cfg, err := config.LoadDefaultConfig(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got, err := cfg.Credentials.Retrieve(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got.AccessKeyID != "ASIAapp" || got.SecretAccessKey != "secret-app" || got.SessionToken != "token-app" || !got.CanExpire || got.Expired() {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// rewrite sends requests for 169.254.170.2 to where the test listens.
type rewrite struct{ host string }

func (f rewrite) Do(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "169.254.170.2" {
		return nil, errors.New("asked " + r.URL.Host)
	}
	r.URL.Host = f.host
	return (&http.Transport{DisableKeepAlives: true}).RoundTrip(r) // by no proxy
}

// TestTheSDKFindsItsCredentialsByRelativeURI asks the fixed address, as a
// container with AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does.
func TestTheSDKFindsItsCredentialsByRelativeURI(t *testing.T) {
	url := serve(t, configOf())
	for _, v := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_CA_BUNDLE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"} {
		t.Setenv(v, "")
	}
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/"+keysID)
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithEndpointCredentialOptions(func(o *endpointcreds.Options) {
		o.HTTPClient = rewrite{strings.TrimPrefix(url, "http://")}
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := cfg.Credentials.Retrieve(t.Context()); err != nil || got.AccessKeyID != "ASIAapp" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestCredentialsShape(t *testing.T) {
	h := Containers(configOf())
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v2/credentials/"+keysID, nil))
	var got map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "Expiration")
	want := map[string]string{"RoleArn": "arn:aws:iam::123456789012:role/app", "AccessKeyId": "ASIAapp", "SecretAccessKey": "secret-app", "Token": "token-app"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAuditLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log", "audit.log")
	audit, err := OpenAudit(path, "default", instanceARN)
	if err != nil {
		t.Fatal(err)
	}
	cfg := configOf()
	cfg.Audit = audit
	h := Containers(cfg)
	for _, path := range []string{"/v2/credentials/" + keysID, "/v1/credentials?id=" + execID, "/v2/credentials/" + unknown} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		r.RemoteAddr = "172.17.0.2:40000"
		r.Header.Set("User-Agent", `aws-"sdk`)
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	if err := audit.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`).ReplaceAllString(string(text), "TIME")
	want := `TIME 200 172.17.0.2:40000 "/v2/credentials" "aws-?sdk" ` + taskARN + ` GetCredentials 2 default ` + instanceARN + "\n" +
		`TIME 200 172.17.0.2:40000 "/v1/credentials" "aws-?sdk" - GetCredentialsExecutionRole 2 default ` + instanceARN + "\n" +
		`TIME 400 172.17.0.2:40000 "/v2/credentials" "aws-?sdk" - ` + "\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAuditLogIsBounded(t *testing.T) {
	dir := t.TempDir()
	a, err := OpenAudit(filepath.Join(dir, "audit.log"), "c", "i")
	if err != nil {
		t.Fatal(err)
	}
	a.most = 1000
	line := strings.Repeat("x", 99) + "\n"
	for range 205 {
		if err := a.write(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	for name, want := range map[string]int{"audit.log": 5, "audit.log.1": 10} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		n := 0
		for s := bufio.NewScanner(f); s.Scan(); {
			n++
		}
		if n != want {
			t.Errorf("%s: %d lines", name, n)
		}
	}
}

func TestPathsAreAuditedWithoutTheirIDs(t *testing.T) {
	for path, want := range map[string]string{
		"/v2/credentials/x": "/v2/credentials", "/v4/x/task": "/v4/-/task", "/v3/x": "/v3/-/", "/api/x/fault/v1": "/api/-/fault/v1", "/": "/",
	} {
		if got := public(path); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}
