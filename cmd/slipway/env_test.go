package main

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/installation"
	"github.com/slipway/slipway/internal/service/iam"
)

// home is a data directory as a control plane leaves it.
func home(t *testing.T, e installation.Endpoint, key iam.Credentials) string {
	t.Helper()
	dir := t.TempDir()
	i, err := installation.Open(dir, func(string) (netip.Prefix, error) { return netip.Prefix{}, nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := i.WriteEndpoint(e); err != nil {
		t.Fatal(err)
	}
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "credentials.json"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// run runs a command line and returns what it wrote to its standard output.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := root()
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestEnv(t *testing.T) {
	dir := home(t, installation.Endpoint{URL: "http://127.0.0.1:4566", Region: "eu-west-3"}, iam.Credentials{
		AccountID: "123456789012", AccessKeyID: "AKIAEXAMPLE000000001", SecretAccessKey: `a'b"c$d\e f`,
	})
	script, err := run(t, "env", "--data-dir", dir)
	if err != nil {
		t.Fatal(err)
	}
	sh := exec.CommandContext(t.Context(), "sh", "-c", `eval "$1"; env`, "sh", script)
	sh.Env = []string{"PATH=" + os.Getenv("PATH"), "AWS_SESSION_TOKEN=of another", "AWS_PROFILE=another"}
	out, err := sh.Output()
	if err != nil {
		t.Fatalf("the shell does not take it: %v\n%s", err, script)
	}
	got := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "="); strings.HasPrefix(name, "AWS_") {
			got[name] = value
		}
	}
	for name, want := range map[string]string{
		"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_REGION": "eu-west-3", "AWS_DEFAULT_REGION": "eu-west-3",
		"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE000000001", "AWS_SECRET_ACCESS_KEY": `a'b"c$d\e f`, "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("left in the environment: %v", got)
	}
}

func TestEnvOfADirectoryWithoutSlipway(t *testing.T) {
	dir := t.TempDir()
	out, err := run(t, "env", "--data-dir", dir)
	if err == nil || !strings.Contains(err.Error(), "slipway up --data-dir "+dir) {
		t.Errorf("error = %v, want the command that mends it", err)
	}
	if out != "" {
		t.Errorf("printed %q, which a shell would evaluate", out)
	}
}

func TestDataDirOfTheEnvironment(t *testing.T) {
	dir := home(t, installation.Endpoint{URL: "http://127.0.0.1:1", Region: "r"}, iam.Credentials{AccessKeyID: "A", SecretAccessKey: "S"})
	t.Setenv("SLIPWAY_DATA_DIR", dir)
	if out, err := run(t, "env"); err != nil || !strings.Contains(out, "'http://127.0.0.1:1'") {
		t.Errorf("printed %q, %v", out, err)
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{"": "''", "a": "'a'", "a b": "'a b'", "it's": `'it'\''s'`, "$x`y`": "'$x`y`'"} {
		if got := quote(in); got != want {
			t.Errorf("quote(%q) = %s, want %s", in, got, want)
		}
	}
}
