//go:build integration && amd64

package initproc

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"testing"
)

func TestOrphansAreReaped(t *testing.T) {
	init := written(t)
	var out bytes.Buffer
	cmd := exec.Command("unshare", "--pid", "--fork", "--mount-proc", init, "--", "/bin/bash", "-c",
		"(sleep 0.01 & exec true) ; (sleep 0.01 &) ; sleep 0.2; grep -l '^State:.Z' /proc/[0-9]*/status; grep ^Threads /proc/1/status; grep ^VmRSS /proc/1/status; exit 3")
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if e, ok := errors.AsType[*exec.ExitError](err); !ok || e.ExitCode() != 3 {
		t.Fatalf("this test needs root and unshare: %v: %s", err, out.String())
	}
	if strings.Contains(out.String(), "/proc/") || !strings.Contains(out.String(), "Threads:\t1\n") {
		t.Errorf("zombies or threads: %s", out.String())
	}
	t.Log(out.String())
}
