//go:build integration

package runtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// screen collects output and lets a test wait for a part of it.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
	more chan struct{}
}

func newScreen() *screen { return &screen{more: make(chan struct{}, 1)} }

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *screen) wait(t testing.TB, want string) {
	t.Helper()
	deadline := time.After(time.Minute)
	for !strings.Contains(s.String(), want) {
		select {
		case <-s.more:
		case <-deadline:
			t.Fatalf("%q does not come: %q", want, s.String())
		}
	}
}

func (r *rig) exec(t testing.TB, id string, spec ExecSpec) (Exit, string) {
	t.Helper()
	out := newScreen()
	spec.Stdout, spec.Stderr = out, out
	p, err := r.Exec(t.Context(), id, spec)
	if err != nil {
		t.Fatal(err)
	}
	e, err := p.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return e, out.String()
}

func TestExec(t *testing.T) {
	r := newRig(t)
	spec := r.spec("wait")
	spec.User, spec.Env, spec.CapAdd, spec.SecurityOpt = "worker", []string{"A=container", "B=container"}, []string{"NET_ADMIN"}, []string{"no-new-privileges"}
	r.start(t, spec)
	r.ready(t, spec)
	for _, c := range []struct {
		name string
		spec ExecSpec
		code int
		want []string
	}{
		{"as the container", ExecSpec{Args: []string{"/program", "about"}}, 0, []string{"uid 1000 gid 1001 groups [1001 1002]\n", "dir /from-image\n", "CapBnd: 00000000a80435fb\n", "NoNewPrivs: 1\n", "Seccomp: 2\n", fmt.Sprint("files ", min(hardFiles, maxFiles()))}},
		{"as root elsewhere", ExecSpec{Args: []string{"/program", "about"}, User: "0", WorkingDir: "/"}, 0, []string{"uid 0 gid 0", "dir /\n", "CapEff: 00000000a80435fb\n"}},
		{"user by name", ExecSpec{Args: []string{"/program", "about"}, User: "7:workers"}, 0, []string{"uid 7 gid 1001"}},
		{"environment", ExecSpec{Args: []string{"/program", "env"}, Env: []string{"B=exec", "C=exec"}}, 0, []string{"A=container\n", "B=exec\n", "C=exec\n", "COLOR=image\n"}},
		{"exit code", ExecSpec{Args: []string{"/program", "exit", "7"}}, 7, nil},
		{"both streams", ExecSpec{Args: []string{"/program", "both"}}, 0, []string{"out\n", "err\n"}},
		{"input", ExecSpec{Args: []string{"/program", "copy"}, Stdin: strings.NewReader("hello\n")}, 0, []string{"hello\nend of input\n"}},
		{"no input", ExecSpec{Args: []string{"/program", "copy"}}, 0, []string{"end of input\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, out := r.exec(t, spec.ID, c.spec)
			if e.Code != c.code {
				t.Errorf("exit %+v, want %d", e, c.code)
			}
			for _, w := range c.want {
				if !strings.Contains(out, w) {
					t.Errorf("%q is missing in:\n%s", w, out)
				}
			}
		})
	}
	t.Run("all output comes", func(t *testing.T) {
		const size = 3 << 20
		e, out := r.exec(t, spec.ID, ExecSpec{Args: []string{"/program", "copy"}, Stdin: bytes.NewReader(bytes.Repeat([]byte("x"), size))})
		if e.Code != 0 || strings.Count(out, "x") != size {
			t.Errorf("exit %+v, %d of %d bytes", e, strings.Count(out, "x"), size)
		}
	})
	t.Run("a command that is not there", func(t *testing.T) {
		_, err := r.Exec(t.Context(), spec.ID, ExecSpec{Args: []string{"nope"}})
		if err == nil || !strings.Contains(err.Error(), `exec: "nope": executable file not found in $PATH`) {
			t.Errorf("error = %v", err)
		}
	})
	t.Run("no such user", func(t *testing.T) {
		_, err := r.Exec(t.Context(), spec.ID, ExecSpec{Args: []string{"/program"}, User: "ghost"})
		if err == nil || !strings.Contains(err.Error(), "unable to find user ghost") {
			t.Errorf("error = %v", err)
		}
	})
	t.Run("no such container", func(t *testing.T) {
		if _, err := r.Exec(t.Context(), "nope", ExecSpec{Args: []string{"/program"}}); !errors.Is(err, ErrNotFound) {
			t.Errorf("error = %v", err)
		}
	})
	t.Run("a stopped container", func(t *testing.T) {
		done := r.spec("exit", "0")
		r.run(t, done)
		if _, err := r.Exec(t.Context(), done.ID, ExecSpec{Args: []string{"/program"}}); !errors.Is(err, ErrNotRunning) {
			t.Errorf("error = %v", err)
		}
	})
}

func TestExecTerminal(t *testing.T) {
	r := newRig(t)
	spec := r.spec("wait")
	r.start(t, spec)
	in, keys := io.Pipe()
	defer keys.Close()
	out := newScreen()
	p, err := r.Exec(t.Context(), spec.ID, ExecSpec{Args: []string{"/program", "tty"}, TTY: true, Stdin: in, Stdout: out})
	if err != nil {
		t.Fatal(err)
	}
	out.wait(t, "ready")
	if err := p.Resize(t.Context(), 41, 132); err != nil {
		t.Fatal(err)
	}
	out.wait(t, "terminal true rows 41 columns 132")
	if _, err := io.WriteString(keys, "hi\n"); err != nil {
		t.Fatal(err)
	}
	if e, err := p.Wait(t.Context()); err != nil || e.Code != 0 || !strings.Contains(out.String(), `input "hi\n"`) {
		t.Errorf("exit %+v, %v: %s", e, err, out)
	}
	if err := errors.Join(p.Kill(t.Context()), p.Resize(t.Context(), 1, 1)); err != nil {
		t.Errorf("after the end: %v", err)
	}
}

func TestExecKill(t *testing.T) {
	r := newRig(t)
	spec := r.spec("wait")
	r.start(t, spec)
	out := newScreen()
	p, err := r.Exec(t.Context(), spec.ID, ExecSpec{Args: []string{"/program", "child", "deaf"}, Stdout: out})
	if err != nil {
		t.Fatal(err)
	}
	out.wait(t, "ready\nready\n")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait with an ended context: %v", err)
	}
	group, err := r.cgroups.Processes(p.cgroup)
	if err != nil || len(group) != 3 {
		t.Fatalf("processes %v, %v; want the container's, the further one and its child", group, err)
	}
	if err := p.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e, err := p.Wait(t.Context()); err != nil || e.Code != 137 {
		t.Errorf("exit %+v, %v", e, err)
	}
	if group, err = r.cgroups.Processes(p.cgroup); err != nil || len(group) != 1 {
		t.Errorf("processes left: %v, %v", group, err)
	}
}

func TestExecEndsWithItsContainer(t *testing.T) {
	r := newRig(t)
	spec := r.spec("deaf")
	r.start(t, spec)
	out := newScreen()
	p, err := r.Exec(t.Context(), spec.ID, ExecSpec{Args: []string{"/program", "deaf"}, Stdout: out})
	if err != nil {
		t.Fatal(err)
	}
	out.wait(t, "ready")
	if err := r.Remove(t.Context(), spec.ID); err != nil {
		t.Fatal(err)
	}
	if e, err := p.Wait(t.Context()); err != nil || e.Code != 137 {
		t.Errorf("exit %+v, %v", e, err)
	}
}

func TestExecOfAnEarlierAgentEnds(t *testing.T) {
	r := newRig(t)
	spec := r.spec("wait")
	r.start(t, spec)
	out := newScreen()
	p, err := r.Exec(t.Context(), spec.ID, ExecSpec{Args: []string{"/program", "deaf"}, Stdout: out})
	if err != nil {
		t.Fatal(err)
	}
	out.wait(t, "ready")
	fd := pidfd(t, int(p.Pid()))
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(t.Context()); err == nil {
		t.Error("a closed runtime tells an exit")
	}
	if err := syscall.Kill(int(p.Pid()), 0); err != nil {
		t.Fatalf("the process ended with the agent: %v", err)
	}
	r.open(t)
	ended(t, fd)
	if e, _ := r.exec(t, spec.ID, ExecSpec{Args: []string{"/program", "exit", "3"}}); e.Code != 3 {
		t.Errorf("afterwards: %+v", e)
	}
}

func TestExecWhileContainerdRestarts(t *testing.T) {
	r := newRig(t)
	spec := r.spec("wait")
	r.start(t, spec)
	out := newScreen()
	p, err := r.Exec(t.Context(), spec.ID, ExecSpec{Args: []string{"/program", "trap", "15", "4"}, Stdout: out})
	if err != nil {
		t.Fatal(err)
	}
	out.wait(t, "ready")
	r.daemon.Kill(t)
	if err := syscall.Kill(int(p.Pid()), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	r.daemon.Again(t)
	if e, err := p.Wait(t.Context()); err != nil || e.Code != 4 {
		t.Errorf("exit %+v, %v", e, err)
	}
}

func TestUsage(t *testing.T) {
	r := newRig(t)
	spec := r.spec("eat", "32")
	spec.MemoryLimit, spec.PidsLimit = 128<<20, 77
	r.start(t, spec)
	r.ready(t, spec)
	u, err := r.Usage(t.Context(), spec.ID)
	if err != nil {
		t.Fatal(err)
	}
	if u.MemoryUsage < 32<<20 || u.MemoryLimit != 128<<20 || u.CPUTotal <= 0 || u.SystemCPU <= 0 || u.OnlineCPUs < 1 || u.Pids < 1 || u.PidsLimit != 77 || len(u.MemoryStats) == 0 || u.At.IsZero() {
		t.Errorf("usage %+v", u)
	}
	if len(u.Networks) != 0 {
		t.Errorf("a loopback device alone counts as %v", u.Networks)
	}
	if err := r.Signal(t.Context(), spec.ID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.exit(t, spec.ID)
	if _, err := r.Usage(t.Context(), spec.ID); !errors.Is(err, ErrNotRunning) {
		t.Errorf("usage of a stopped container: %v", err)
	}
	if _, err := r.Usage(t.Context(), "nope"); !errors.Is(err, ErrNotFound) {
		t.Errorf("usage of no container: %v", err)
	}
	host := r.spec("wait")
	host.HostNetwork = true
	r.start(t, host)
	if u, err := r.Usage(t.Context(), host.ID); err != nil || len(u.Networks) != 0 {
		t.Errorf("host network: %v, %v", u.Networks, err)
	}
	if _, err := os.Stat(fmt.Sprintf("/proc/%d/net/dev", r.meters[host.ID].pid)); err != nil {
		t.Error(err)
	}
}
