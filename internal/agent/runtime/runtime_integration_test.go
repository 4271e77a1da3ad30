//go:build integration

package runtime

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/slipway/slipway/internal/agent/runtime/containerdtest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	containerdtest.Clean()
	os.Exit(code)
}

func TestImageSemantics(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		name string
		edit func(*Spec)
		code int
		want string
	}{
		{"the image's command", func(s *Spec) { s.Command = nil }, 0, "from the image\n"},
		{"command", func(s *Spec) { s.Command = []string{"echo", "mine"} }, 0, "mine\n"},
		{"entry point drops the image's command", func(s *Spec) { s.EntryPoint, s.Command = []string{"/program", "echo", "only"}, nil }, 0, "only\n"},
		{"entry point and command", func(s *Spec) { s.EntryPoint, s.Command = []string{"/program", "echo"}, []string{"a", "b"} }, 0, "a b\n"},
		{"exit code", func(s *Spec) { s.Command = []string{"exit", "42"} }, 42, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := r.spec()
			c.edit(&spec)
			e, out := r.run(t, spec)
			if e.Code != c.code || e.OOM || e.Vanished || out != c.want {
				t.Errorf("exit %+v, output %q; want %d, %q", e, out, c.code, c.want)
			}
		})
	}
	about := func(t *testing.T, edit func(*Spec)) string {
		spec := r.spec("about")
		edit(&spec)
		_, out := r.run(t, spec)
		return out
	}
	for _, c := range []struct {
		name string
		edit func(*Spec)
		want []string
	}{
		{"defaults", func(s *Spec) { s.Hostname = "box" }, []string{"uid 0 gid 0 groups [0]", "dir /from-image", "host box", "pid 1", fmt.Sprint("files ", min(hardFiles, maxFiles())), "CapEff: 00000000a80425fb", "NoNewPrivs: 0", "Seccomp: 2"}},
		{"user by name", func(s *Spec) { s.User = "worker" }, []string{"uid 1000 gid 1001 groups [1001 1002]", "CapEff: 0000000000000000"}},
		{"user and group", func(s *Spec) { s.User = "7:workers" }, []string{"uid 7 gid 1001 groups [1001]"}},
		{"working directory is made", func(s *Spec) { s.WorkingDir = "/made/here" }, []string{"dir /made/here"}},
		{"capabilities", func(s *Spec) { s.CapDrop, s.CapAdd = []string{"ALL"}, []string{"NET_ADMIN"} }, []string{"CapEff: 0000000000001000"}},
		{"security options", func(s *Spec) { s.SecurityOpt = []string{"no-new-privileges", "seccomp=unconfined"} }, []string{"NoNewPrivs: 1", "Seccomp: 0"}},
		{"ulimit", func(s *Spec) { s.Ulimits = []Ulimit{{"nofile", 100, 200}} }, []string{"files 200"}},
		{"privileged", func(s *Spec) { s.Privileged = true }, []string{"Seccomp: 0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := about(t, c.edit)
			for _, w := range c.want {
				if !strings.Contains(out, w+"\n") {
					t.Errorf("%q is missing in:\n%s", w, out)
				}
			}
		})
	}
	t.Run("both streams", func(t *testing.T) {
		// The pipes are two: which line comes first is open.
		_, out := r.run(t, r.spec("both"))
		if len(out) != len("out\nerr\n") || !strings.Contains(out, "out\n") || !strings.Contains(out, "err\n") {
			t.Errorf("output %q", out)
		}
	})
	t.Run("environment", func(t *testing.T) {
		spec := r.spec("env")
		spec.Env, spec.Hostname = []string{"COLOR=mine", "NEW=1"}, "box"
		_, out := r.run(t, spec)
		for _, w := range []string{"COLOR=mine", "KEPT=image", "NEW=1", "HOSTNAME=box", defaultPath} {
			if !strings.Contains("\n"+out, "\n"+w+"\n") {
				t.Errorf("%q is missing in:\n%s", w, out)
			}
		}
	})
}

func TestMounts(t *testing.T) {
	r := newRig(t)
	host, empty := t.TempDir(), t.TempDir()
	spec := r.spec("write", "/data/new", "written")
	spec.Mounts = []Mount{{Source: host, Destination: "/data"}}
	if e, out := r.run(t, spec); e.Code != 0 {
		t.Errorf("write: %+v %s", e, out)
	}
	if data, err := os.ReadFile(filepath.Join(host, "new")); err != nil || string(data) != "written" {
		t.Errorf("on the host: %q, %v", data, err)
	}
	spec = r.spec("write", "/data/new", "again")
	spec.Mounts = []Mount{{Source: host, Destination: "/data", ReadOnly: true}}
	if e, out := r.run(t, spec); e.Code != 99 || !strings.Contains(out, "read-only file system") {
		t.Errorf("write to a read-only mount: %+v %s", e, out)
	}
	spec = r.spec("write", "/file", "x")
	spec.ReadonlyRootfs = true
	if e, out := r.run(t, spec); e.Code != 99 || !strings.Contains(out, "read-only file system") {
		t.Errorf("write to a read-only root: %+v %s", e, out)
	}
	spec = r.spec("cat", "/seeded/file")
	spec.Mounts = []Mount{{Source: empty, Destination: "/seeded", CopyUp: true}}
	if e, out := r.run(t, spec); e.Code != 0 || out != "from the image" {
		t.Errorf("volume filled from the image: %+v %q", e, out)
	}
}

func TestStopping(t *testing.T) {
	r := newRig(t)
	t.Run("the image's stop signal", func(t *testing.T) {
		spec := r.spec("trap", fmt.Sprint(int(syscall.SIGQUIT)), "5")
		r.start(t, spec)
		r.ready(t, spec)
		sig, err := r.StopSignal(t.Context(), spec.ID)
		if err != nil || sig != syscall.SIGQUIT {
			t.Fatalf("StopSignal = %v, %v", sig, err)
		}
		if err := r.Signal(t.Context(), spec.ID, sig); err != nil {
			t.Fatal(err)
		}
		if e := r.exit(t, spec.ID); e.Code != 5 {
			t.Errorf("exit = %+v", e)
		}
		if err := r.Signal(t.Context(), spec.ID, sig); err != nil {
			t.Errorf("signal to a stopped container: %v", err)
		}
	})
	t.Run("deaf to it, then SIGKILL", func(t *testing.T) {
		spec := r.spec("deaf")
		spec.StopSignal = "TERM"
		r.start(t, spec)
		r.ready(t, spec)
		for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
			if s, err := r.Inspect(t.Context(), spec.ID); err != nil || s.Status != Running || s.Pid == 0 || s.StartedAt.IsZero() {
				t.Fatalf("before %v: %+v, %v", sig, s, err)
			}
			if err := r.Signal(t.Context(), spec.ID, sig); err != nil {
				t.Fatal(err)
			}
		}
		if e := r.exit(t, spec.ID); e.Code != 137 || e.OOM {
			t.Errorf("exit = %+v", e)
		}
		s, err := r.Inspect(t.Context(), spec.ID)
		if err != nil || s.Status != Stopped || s.ExitCode != 137 || s.ExitedAt.Before(s.StartedAt) || s.StartedAt.IsZero() || s.ImageDigest != r.image.Digest {
			t.Errorf("afterwards: %+v, %v", s, err)
		}
	})
	t.Run("never started", func(t *testing.T) {
		spec := r.spec("wait")
		if err := r.Create(t.Context(), spec); err != nil {
			t.Fatal(err)
		}
		if s, err := r.Inspect(t.Context(), spec.ID); err != nil || s.Status != Created {
			t.Errorf("state = %+v, %v", s, err)
		}
		if err := r.Remove(t.Context(), spec.ID); err != nil {
			t.Error(err)
		}
		if err := r.Remove(t.Context(), spec.ID); err != nil {
			t.Errorf("second Remove: %v", err)
		}
		if _, err := r.Inspect(t.Context(), spec.ID); !errors.Is(err, ErrNotFound) {
			t.Errorf("Inspect after Remove: %v", err)
		}
	})
}

func TestOutOfMemory(t *testing.T) {
	r := newRig(t)
	spec := r.spec("eat", "64")
	spec.MemoryLimit = 16 << 20
	if e, _ := r.run(t, spec); e.Code != 137 || !e.OOM {
		t.Errorf("exit = %+v, want 137 out of memory", e)
	}
	if s, err := r.Inspect(t.Context(), spec.ID); err != nil || !s.OOM {
		t.Errorf("state = %+v, %v", s, err)
	}
	spec = r.spec("eat", "8")
	spec.MemoryLimit = 64 << 20
	r.start(t, spec)
	r.ready(t, spec)
	if err := r.Signal(t.Context(), spec.ID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if e := r.exit(t, spec.ID); e.Code != 137 || e.OOM {
		t.Errorf("exit = %+v, want 137 without lack of memory", e)
	}
}

func TestRefusals(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		name, reason, want string
		edit               func(*Spec)
	}{
		{"no such program", ReasonStart, "not found in $PATH", func(s *Spec) { s.EntryPoint = []string{"nope"} }},
		{"no such user", ReasonStart, "unable to find user ghost: no matching entries in passwd file", func(s *Spec) { s.User = "ghost" }},
		{"no such image", ReasonCreate, "No such image", func(s *Spec) { s.Image = "docker.io/library/none:latest" }},
		{"relative working directory", ReasonCreate, "it needs to be an absolute path", func(s *Spec) { s.WorkingDir = "x" }},
		{"no such device", ReasonStart, "error gathering device information", func(s *Spec) { s.Devices = []Device{{Host: "/dev/nope"}} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := r.spec("wait")
			c.edit(&spec)
			err := r.Create(t.Context(), spec)
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Reason != c.reason || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error = %v", err)
			}
			if _, err := r.Inspect(t.Context(), spec.ID); !errors.Is(err, ErrNotFound) {
				t.Errorf("something is left: %v", err)
			}
			spec = Spec{ID: spec.ID, Image: r.image.Name, LogPath: spec.LogPath}
			if e, _ := r.run(t, spec); e.Code != 0 {
				t.Errorf("the id cannot be used again: %+v", e)
			}
		})
	}
}

func TestGroupsAndInstances(t *testing.T) {
	r := newRig(t)
	a, b := r.spec("wait"), r.spec("trap", "15", "3")
	a.Group, b.Group = "task", "task"
	for _, s := range []Spec{a, b} {
		r.start(t, s)
		r.ready(t, s)
	}
	sa, err := r.Inspect(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	sb, err := r.Inspect(t.Context(), b.ID)
	if err != nil {
		t.Fatal(err)
	}
	if parent(t, int(sa.Pid)) != parent(t, int(sb.Pid)) {
		t.Error("two containers of a group have two shims")
	}
	// The first of a group lends the shim its directory: the others outlive it.
	if err := r.Remove(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	if err := r.Signal(t.Context(), b.ID, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if e := r.exit(t, b.ID); e.Code != 3 {
		t.Errorf("second of the group: %+v", e)
	}

	cfg := r.cfg
	cfg.Instance = "i-2"
	other, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if list, err := other.List(t.Context(), nil); err != nil || len(list) > 0 {
		t.Errorf("another instance sees %v, %v", list, err)
	}
	if err := other.Purge(t.Context()); err != nil {
		t.Error(err)
	}
	if list, err := r.List(t.Context(), map[string]string{LabelTask: b.Task}); err != nil || len(list) != 1 {
		t.Errorf("after another instance's Purge: %v, %v", list, err)
	}
}
