//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// command runs the binary to its end and returns its exit code.
func command(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, *binary, args...)
	var out, failed bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &failed, env
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	}
	if ctx.Err() != nil {
		t.Fatalf("slipway %v does not end; it said %q %q", args, &out, &failed)
	}
	return cmd.ProcessState.ExitCode(), out.String(), failed.String()
}

func TestEnvIsForTheShell(t *testing.T) {
	t.Parallel()
	s := shared
	script := `eval "$("$0" env --data-dir "$1")" && echo "$AWS_ENDPOINT_URL|$AWS_ACCESS_KEY_ID|$AWS_SECRET_ACCESS_KEY|$AWS_REGION|$AWS_SESSION_TOKEN"`
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script, *binary, s.slipway.DataDir)
	cmd.Env = append(os.Environ(), "AWS_SESSION_TOKEN=stale")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{"http://" + s.slipway.Listen, s.key.AccessKeyID, s.key.SecretAccessKey, region, ""}, "|") + "\n"
	if string(out) != want {
		t.Errorf("the shell has %q, want %q", out, want)
	}
	code, _, stderr := command(t, nil, "env", "--data-dir", t.TempDir())
	if code != 1 || !strings.Contains(stderr, "slipway up --data-dir") {
		t.Errorf("env of an empty directory: %d, %q", code, stderr)
	}
}

func TestCredentialsAreClosed(t *testing.T) {
	t.Parallel()
	info, err := os.Stat(filepath.Join(shared.slipway.DataDir, "credentials.json"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("credentials.json has the mode %v", info.Mode())
	}
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	// These tests run here, so this machine is healthy.
	code, stdout, stderr := command(t, os.Environ(), "doctor", "--data-dir", shared.slipway.DataDir)
	if code != 0 || !strings.Contains(stdout, "this machine can run Slipway") {
		t.Errorf("doctor: %d\n%s%s", code, stdout, stderr)
	}
	code, stdout, stderr = command(t, []string{"PATH=" + t.TempDir()}, "doctor",
		"--data-dir", t.TempDir(), "--containerd", filepath.Join(t.TempDir(), "none.sock"))
	if code != 1 || !strings.Contains(stdout, "containerd") || !strings.Contains(stderr, "lacks") {
		t.Errorf("doctor of a machine without programs: %d\n%s%s", code, stdout, stderr)
	}
}

func TestUpThatCannotStart(t *testing.T) {
	t.Parallel()
	free, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		says string
	}{
		{"port in use", []string{"--listen", shared.slipway.Listen, "--data-dir", t.TempDir()}, "address already in use"},
		{"locked data directory", []string{"--listen", free, "--data-dir", shared.slipway.DataDir}, "is in use by another Slipway (process "},
		{"every address", []string{"--listen", "0.0.0.0:0", "--data-dir", t.TempDir()}, "loopback"},
		{"no port", []string{"--listen", "127.0.0.1", "--data-dir", t.TempDir()}, "missing port"},
		{"unknown instance type", []string{"--listen", free, "--data-dir", t.TempDir(), "--instance-type", "x9.colossal"}, "x9.colossal"},
		{"negative instances", []string{"--listen", free, "--data-dir", t.TempDir(), "--instances", "-1"}, "--instances"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := command(t, os.Environ(), append([]string{"up"}, tt.args...)...)
			if code == 0 || !strings.Contains(stderr, tt.says) || strings.Contains(stdout, "ready") {
				t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
			}
		})
	}
}

func TestLogsCommand(t *testing.T) {
	t.Parallel()
	s := shared
	definition := s.register(t, "logs", s.web("one", "print", "first"), s.web("two", "sleep", "1"))
	task := s.await(t, s.run(t, definition), "STOPPED")
	logs := func(args ...string) (int, string, string) {
		return command(t, os.Environ(), append([]string{"logs", "--data-dir", s.slipway.DataDir}, args...)...)
	}
	if code, stdout, stderr := logs(*task.TaskArn, "--container", "one"); code != 0 || stdout != "first\nfirst\n" {
		t.Errorf("logs: %d %q %q", code, stdout, stderr)
	}
	id := (*task.TaskArn)[strings.LastIndexByte(*task.TaskArn, '/')+1:]
	if code, stdout, stderr := logs(id, "-c", "one", "-n", "1"); code != 0 || stdout != "first\n" {
		t.Errorf("the last line: %d %q %q", code, stdout, stderr)
	}
	if code, _, stderr := logs(id); code != 1 || !strings.Contains(stderr, "one") || !strings.Contains(stderr, "two") {
		t.Errorf("a task of two containers: %d %q, which does not name them", code, stderr)
	}
	if code, _, stderr := logs("00000000000000000000000000000000"); code != 1 || stderr == "" {
		t.Errorf("a task that does not exist: %d %q", code, stderr)
	}
}

func TestHealthAndMetrics(t *testing.T) {
	t.Parallel()
	status, body, err := get(t.Context(), shared.slipway.Listen, "/healthz")
	if err != nil || status != 200 || body != "ok\n" {
		t.Errorf("/healthz: %d %q, %v", status, body, err)
	}
	call{operation: "ListClusters", body: `{}`}.send(t)
	status, body, err = get(t.Context(), shared.slipway.Listen, "/metrics")
	if err != nil || status != 200 || !strings.Contains(body, `slipway_api_request_seconds_count{operation="ecs:ListClusters",status="200"}`) {
		t.Errorf("/metrics: %d, %v\n%.2000s", status, err, body)
	}
}
