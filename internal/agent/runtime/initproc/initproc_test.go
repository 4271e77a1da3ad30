//go:build amd64

package initproc

import (
	"bufio"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func written(t *testing.T) string {
	t.Helper()
	path, err := Write(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestImageIsAnExecutable(t *testing.T) {
	f, err := elf.Open(written(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Type != elf.ET_EXEC || f.Machine != elf.EM_X86_64 || len(f.Progs) != 2 || f.Progs[0].Filesz > 2048 {
		t.Errorf("header %+v, %d segments", f.FileHeader, len(f.Progs))
	}
}

func TestWriteKeepsWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	one, err := Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(one)
	if err != nil {
		t.Fatal(err)
	}
	two, err := Write(dir)
	if err != nil || two != one {
		t.Fatalf("second Write = %s, %v", two, err)
	}
	after, err := os.Stat(one)
	if err != nil || !os.SameFile(before, after) || after.Mode().Perm() != 0o755 {
		t.Errorf("the file was replaced: %v, %v", after.Mode(), err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

func TestCommand(t *testing.T) {
	init := written(t)
	bin := t.TempDir()
	for name, mode := range map[string]os.FileMode{"hello": 0o755, "plain": 0o644} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\necho hello \"$@\"\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		path string // "-" = no PATH at all
		args []string
		code int
		out  string
	}{
		{"by path", "/none", []string{"/bin/sh", "-c", "exit 7"}, 7, ""},
		{"arguments", "/none", []string{"/bin/sh", "-c", "echo $0 $1", "a", "b c"}, 0, "a b c\n"},
		{"by name", "/none:/etc/passwd:" + bin, []string{"hello", "x"}, 0, "hello x\n"},
		{"no PATH", "-", []string{"sh", "-c", "echo found"}, 0, "found\n"},
		{"killed", "/none", []string{"/bin/sh", "-c", "kill -9 $$"}, 137, ""},
		{"unknown", "/none:" + bin, []string{"nope"}, 127, "nope: cannot execute\n"},
		{"unknown path", "/none", []string{"/nope"}, 127, "/nope: cannot execute\n"},
		{"not executable", bin + ":/none", []string{"plain"}, 126, "plain: cannot execute\n"},
		{"too long a path", strings.Repeat("x", 5000), []string{"sh"}, 127, "sh: cannot execute\n"},
		{"too long a name", "/bin", []string{strings.Repeat("x", 9000)}, 127, strings.Repeat("x", 9000) + ": cannot execute\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command(init, append([]string{"--"}, c.args...)...)
			cmd.Env = []string{"A=1", "PATHS=2", "PATH=" + c.path}
			if c.path == "-" {
				cmd.Env = cmd.Env[:2]
			}
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState.ExitCode() != c.code || string(out) != c.out {
				t.Errorf("exit %v, output %.80q; want %d, %.80q (%v)", cmd.ProcessState, out, c.code, c.out, err)
			}
		})
	}
}

func TestSignalsArePassedOn(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.Signal(40)} {
		t.Run(sig.String(), func(t *testing.T) {
			cmd, lines := start(t, "--", "/bin/bash", "-c", "trap 'exit 9' "+strconv.Itoa(int(sig))+"; echo ready; while :; do read -t 1 < /dev/zero; done")
			if !lines.Scan() {
				t.Fatal("not ready")
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != 9 {
				t.Errorf("exit %v", cmd.ProcessState)
			}
		})
	}
}

func start(t *testing.T, args ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(written(t), args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	return cmd, bufio.NewScanner(out)
}

func TestPauseEndsOnRequestOnly(t *testing.T) {
	cmd := exec.Command(written(t))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// It waits for nothing but signals.
	for deadline := time.Now().Add(time.Minute); ; {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("not ready: %v", err)
		}
		if strings.Contains(string(status), "State:\tS") {
			break
		}
	}
	for _, sig := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGCHLD, syscall.SIGHUP, syscall.SIGTERM} {
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("exit %v", err)
	}
}
