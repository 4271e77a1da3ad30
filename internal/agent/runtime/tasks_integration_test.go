//go:build integration

package runtime

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTerminal(t *testing.T) {
	r := newRig(t)
	spec := r.spec("tty")
	spec.TTY = true
	r.start(t, spec)
	r.ready(t, spec)
	if out := r.log(t, spec); !strings.Contains(out, "terminal true") {
		t.Errorf("log %q", out)
	}
	// A new agent goes on where the old one was.
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r.open(t)
	if err := r.Signal(t.Context(), spec.ID, syscall.SIGWINCH); err != nil {
		t.Fatal(err)
	}
	if err := r.Signal(t.Context(), spec.ID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.exit(t, spec.ID)
	if pid, err := r.Restart(t.Context(), spec.ID); err != nil || pid == 0 {
		t.Fatalf("Restart = %d, %v", pid, err)
	}
	if err := r.Remove(t.Context(), spec.ID); err != nil {
		t.Fatal(err)
	}
	if out := r.log(t, spec); !strings.HasPrefix(out, "terminal true") {
		t.Errorf("log %q", out)
	}

	quick := r.spec("lines", "500", "1")
	quick.TTY = true
	if e, out := r.run(t, quick); e.Code != 0 || strings.Count(out, "\n") != 500 || !strings.HasSuffix(out, "line 499\r\n") {
		t.Errorf("exit %+v, %d lines", e, strings.Count(out, "\n"))
	}
	silent := r.spec("lines", "100", "1")
	silent.TTY, silent.LogPath = true, ""
	r.start(t, silent)
	if e := r.exit(t, silent.ID); e.Code != 0 {
		t.Errorf("terminal without a log: %+v", e)
	}
}

func TestOpenInput(t *testing.T) {
	r := newRig(t)
	closed := r.spec("copy")
	if e, out := r.run(t, closed); e.Code != 0 || out != "end of input\n" {
		t.Errorf("without input: %+v %q", e, out)
	}
	open := r.spec("copy")
	open.OpenStdin = true
	r.start(t, open)
	if e, _ := r.exec(t, open.ID, ExecSpec{Args: []string{"/program", "links", "/proc/1/fd/0"}}); e.Code != 0 {
		t.Errorf("exec: %+v", e)
	}
	if s, err := r.Inspect(t.Context(), open.ID); err != nil || s.Status != Running {
		t.Errorf("with open input: %+v, %v", s, err)
	}
}

func TestLogPipes(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		name       string
		tty, split bool
		out, err   string
	}{
		{"one pipe", false, false, "out\nerr\n", ""},
		{"a pipe for each stream", false, true, "out\n", "err\n"},
		{"terminal", true, false, "out\r\nerr\r\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := r.spec("both")
			spec.TTY = c.tty
			out := pipe(t, spec.LogPath)
			var errs *os.File
			if c.split {
				spec.LogErrPath = spec.LogPath + ".err"
				errs = pipe(t, spec.LogErrPath)
			}
			r.start(t, spec)
			if e := r.exit(t, spec.ID); e.Code != 0 {
				t.Errorf("exit %+v", e)
			}
			// The shim has let go: the pipe ends.
			text, err := io.ReadAll(out)
			if err != nil || !sameLines(string(text), c.out) {
				t.Errorf("output %q, %v; want %q", text, err, c.out)
			}
			if errs != nil {
				if text, err := io.ReadAll(errs); err != nil || string(text) != c.err {
					t.Errorf("errors %q, %v; want %q", text, err, c.err)
				}
			}
		})
	}
}

func sameLines(a, b string) bool {
	for line := range strings.Lines(b) {
		if !strings.Contains(a, line) {
			return false
		}
	}
	return len(a) == len(b)
}

func pipe(t *testing.T, path string) *os.File {
	t.Helper()
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestInit(t *testing.T) {
	r := newRig(t)
	spec := r.spec("about")
	spec.Init = true
	if e, out := r.run(t, spec); e.Code != 0 || strings.Contains(out, "pid 1\n") {
		t.Errorf("exit %+v: %s", e, out)
	}
	spec = r.spec("trap", "15", "5")
	spec.Init, spec.MemoryLimit = true, 6<<20
	r.start(t, spec)
	r.ready(t, spec)
	if err := r.Signal(t.Context(), spec.ID, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if e := r.exit(t, spec.ID); e.Code != 5 {
		t.Errorf("exit %+v", e)
	}
	spec = r.spec()
	spec.Init, spec.EntryPoint = true, []string{"nope"}
	if e, out := r.run(t, spec); e.Code != 127 || out != "nope: cannot execute\n" {
		t.Errorf("no such command: %+v %q", e, out)
	}
}

func TestNamespacesOfOthers(t *testing.T) {
	r := newRig(t)
	pause := r.spec()
	pause.Pause, pause.IPCMode, pause.Image = true, "shareable", ""
	r.start(t, pause)
	kinds := []string{"pid", "ipc", "net", "uts"}
	namespaces := func(id string) map[string]string {
		t.Helper()
		s, err := r.Inspect(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for _, k := range kinds {
			if out[k], err = os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", s.Pid, k)); err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	host := map[string]string{}
	for _, k := range kinds {
		host[k], _ = os.Readlink("/proc/self/ns/" + k)
	}
	one, two := r.spec("sem", "x", "from one"), r.spec("wait")
	for _, s := range []*Spec{&one, &two} {
		s.PIDContainer, s.IPCContainer = pause.ID, pause.ID
		r.start(t, *s)
	}
	r.ready(t, one)
	r.ready(t, two)
	p, a, b := namespaces(pause.ID), namespaces(one.ID), namespaces(two.ID)
	if p["pid"] != a["pid"] || a["pid"] != b["pid"] || p["ipc"] != a["ipc"] || a["ipc"] != b["ipc"] || a["pid"] == host["pid"] || a["ipc"] == host["ipc"] {
		t.Errorf("not shared: %v %v %v", p, a, b)
	}
	if _, out := r.exec(t, two.ID, ExecSpec{Args: []string{"/program", "cat", "/dev/shm/x"}}); out != "from one" {
		t.Errorf("shared memory holds %q", out)
	}
	// One of them ends, with all of its processes; the others go on.
	if err := r.Signal(t.Context(), one.ID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if e := r.exit(t, one.ID); e.Code != 137 {
		t.Errorf("exit %+v", e)
	}
	if _, err := r.Restart(t.Context(), one.ID); err != nil {
		t.Error(err)
	}
	if a := namespaces(one.ID); a["pid"] != p["pid"] || a["ipc"] != p["ipc"] {
		t.Errorf("after a restart: %v, want %v", a, p)
	}

	on := r.spec("wait")
	on.PIDMode, on.IPCMode = "host", "host"
	r.start(t, on)
	if n := namespaces(on.ID); n["pid"] != host["pid"] || n["ipc"] != host["ipc"] {
		t.Errorf("host: %v, want %v", n, host)
	}
	none := r.spec("links", "/dev/shm")
	none.IPCMode = "none"
	if _, out := r.run(t, none); out != "/dev/shm missing\n" {
		t.Errorf("ipc none: %q", out)
	}
	for want, edit := range map[string]func(*Spec){
		"non-shareable IPC":                                                 func(s *Spec) { s.IPCContainer = on.ID },
		"cannot join PID of a non running container":                        func(s *Spec) { s.PIDContainer = none.ID },
		`sysctl "net.core.somaxconn" not allowed in host network namespace`: func(s *Spec) { s.HostNetwork, s.Sysctls = true, map[string]string{"net.core.somaxconn": "64"} },
		`sysctl "kernel.msgmax" is not allowed in the hosts ipc namespace`:  func(s *Spec) { s.IPCMode, s.Sysctls = "host", map[string]string{"kernel.msgmax": "64"} },
		`sysctl "vm.max_map_count" is not in a separate kernel namespace`:   func(s *Spec) { s.Sysctls = map[string]string{"vm.max_map_count": "64"} },
		"invalid tmpfs option \"nope\"":                                     func(s *Spec) { s.Tmpfs = map[string]string{"/t": "nope"} },
		"valid memory swappiness range is 0-100":                            func(s *Spec) { s.MemorySwappiness = new(int64(101)) },
	} {
		spec := r.spec("wait")
		edit(&spec)
		err := r.Create(t.Context(), spec)
		if e, ok := errors.AsType[*Error](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v (%v), want %q", err, e, want)
		}
	}
	pausePid, err := r.Inspect(t.Context(), pause.ID)
	if err != nil || pausePid.Status != Running {
		t.Errorf("pause container: %+v, %v", pausePid, err)
	}
	if err := r.Remove(t.Context(), pause.ID); err != nil {
		t.Fatal(err)
	}
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err != nil || strings.Contains(string(mounts), r.runDir(pause.ID)) {
		t.Errorf("shared memory is still mounted (%v)", err)
	}
}

func TestSettingsOfTheKernel(t *testing.T) {
	r := newRig(t)
	spec := r.spec("cat", "/proc/sys/net/core/somaxconn", "/proc/sys/kernel/msgmax")
	spec.Sysctls = map[string]string{"net.core.somaxconn": "77", "kernel.msgmax": "4096"}
	if e, out := r.run(t, spec); e.Code != 0 || out != "77\n4096\n" {
		t.Errorf("sysctls: %+v %q", e, out)
	}
	spec = r.spec("cat", "/proc/mounts")
	spec.Tmpfs = map[string]string{"/t": "size=1m,mode=700,exec,uid=7"}
	if e, out := r.run(t, spec); e.Code != 0 || !strings.Contains(out, "tmpfs /t tmpfs rw,nosuid,nodev,relatime,size=1024k,mode=700,uid=7") {
		t.Errorf("tmpfs: %+v %q", e, out)
	}
	dir := t.TempDir()
	for i, name := range []string{"one", "two"} {
		if err := unix.Mknod(filepath.Join(dir, name), unix.S_IFCHR|0o666, int(unix.Mkdev(240, uint32(i)))); err != nil {
			t.Fatal(err)
		}
	}
	spec = r.spec("links", "/dev/mine/one", "/dev/mine/two")
	spec.Devices = []Device{{Host: dir, Container: "/dev/mine", Permissions: "r"}}
	if e, out := r.run(t, spec); e.Code != 0 || strings.Count(out, "Dcrw-r--r--") != 2 {
		t.Errorf("a directory of devices: %+v %q", e, out)
	}
	// No driver has these numbers, which shows whether the way to it is free.
	for want, command := range map[string][]string{
		"no such device or address": {"cat", "/dev/mine/one"}, "operation not permitted": {"write", "/dev/mine/one", "x"},
	} {
		spec = r.spec(command...)
		spec.Devices = []Device{{Host: dir, Container: "/dev/mine", Permissions: "r"}}
		if e, out := r.run(t, spec); e.Code != 99 || !strings.Contains(out, want) {
			t.Errorf("%s: %+v %q", want, e, out)
		}
	}
	spec = r.spec("exit", "0")
	spec.MemoryLimit, spec.MemorySwappiness = 32<<20, new(int64(10))
	spec.SecurityOpt = []string{"label=type:svirt_t", "apparmor=docker-default", "no-new-privileges:true"}
	if e, out := r.run(t, spec); e.Code != 0 {
		t.Errorf("swappiness and labels: %+v %q", e, out)
	}
}

func TestImageVolumes(t *testing.T) {
	r := newRig(t)
	spec := r.spec("runs", "/declared/count", "3")
	r.start(t, spec)
	r.exit(t, spec.ID)
	volumes, err := r.Volumes(t.Context(), spec.ID)
	if err != nil || len(volumes) != 1 || volumes[0].Destination != "/declared" {
		t.Fatalf("volumes %v, %v", volumes, err)
	}
	for file, want := range map[string]string{"file": "of the volume", "count": "."} {
		if data, err := os.ReadFile(filepath.Join(volumes[0].Source, file)); err != nil || string(data) != want {
			t.Errorf("%s holds %q, %v", file, data, err)
		}
	}
	mine := t.TempDir()
	over := r.spec("runs", "/declared/count", "3")
	over.Mounts = []Mount{{Source: mine, Destination: "/declared/"}}
	r.start(t, over)
	r.exit(t, over.ID)
	if v, err := r.Volumes(t.Context(), over.ID); err != nil || len(v) != 0 {
		t.Errorf("a mount in its place: %v, %v", v, err)
	}
	if err := r.Remove(t.Context(), spec.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(volumes[0].Source); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the volume outlives its container: %v", err)
	}
	if data, err := os.ReadFile(filepath.Join(mine, "count")); err != nil || string(data) != "." {
		t.Errorf("a mount of the host: %q, %v", data, err)
	}
}
