package cgroup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		name string
		mode Mode
		l    Limits
		want string
	}{
		{"v1", V1, Limits{CPUMillis: 1500, MemoryBytes: 1 << 20, Pids: 9},
			"cpu.cfs_period_us=100000 cpu.cfs_quota_us=150000 memory.memsw.limit_in_bytes=-1 memory.limit_in_bytes=1048576 memory.memsw.limit_in_bytes=1048576 pids.max=9"},
		{"v1 without limits", Hybrid, Limits{},
			"cpu.cfs_period_us=100000 cpu.cfs_quota_us=-1 memory.memsw.limit_in_bytes=-1 memory.limit_in_bytes=-1 memory.memsw.limit_in_bytes=-1 pids.max=max"},
		{"v2", V2, Limits{CPUMillis: 250, MemoryBytes: 1 << 20, Pids: 9}, "cpu.max=25000 100000 memory.max=1048576 memory.swap.max=0 pids.max=9"},
		{"v1 with a weight", V1, Limits{CPUShares: 8192},
			"cpu.shares=8192 cpu.cfs_period_us=100000 cpu.cfs_quota_us=-1 memory.memsw.limit_in_bytes=-1 memory.limit_in_bytes=-1 memory.memsw.limit_in_bytes=-1 pids.max=max"},
		{"v2 with a weight", V2, Limits{CPUShares: 1024}, "cpu.weight=100 cpu.max=max 100000 memory.max=max memory.swap.max=max pids.max=max"},
		{"v2 without limits", V2, Limits{}, "cpu.max=max 100000 memory.max=max memory.swap.max=max pids.max=max"},
		{"a shorter period", V2, Limits{CPUMillis: 250, CPUPeriod: 20 * time.Millisecond}, "cpu.max=5000 20000 memory.max=max memory.swap.max=max pids.max=max"},
		{"below the kernel's floor", V2, Limits{CPUMillis: 1}, "cpu.max=1000 100000 memory.max=max memory.swap.max=max pids.max=max"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, s := range (&FS{mode: c.mode}).settings(c.l) {
				got = append(got, s.file+"="+s.value)
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("got %s, want %s", s, c.want)
			}
		})
	}
}

// tree makes files in a directory that stands for a cgroup mount.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestOpenV1(t *testing.T) {
	root := tree(t, map[string]string{
		"cpu,cpuacct/cgroup.procs": "", "memory/cgroup.procs": "", "memory/memory.memsw.limit_in_bytes": "", "pids/cgroup.procs": "", "systemd/cgroup.procs": "", "other/file": "",
	})
	if err := os.Symlink("cpu,cpuacct", filepath.Join(root, "cpu")); err != nil {
		t.Fatal(err)
	}
	f, err := openV1(root)
	if err != nil || f.Mode() != V1 || f.dir("cpu", "/x") != root+"/cpu,cpuacct/x" || len(f.dirs("/x")) != 3 || !f.HasSwapLimit() {
		t.Fatalf("v1: %+v, %v", f, err)
	}
	if err := os.MkdirAll(filepath.Join(root, "unified"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "unified", "cgroup.procs"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if f, err := openV1(root); err != nil || f.Mode() != Hybrid || len(f.dirs("/x")) != 3 {
		t.Errorf("hybrid: %+v, %v", f, err)
	}
	if _, err := openV1(tree(t, map[string]string{"cpu/cgroup.procs": "", "memory/cgroup.procs": ""})); err == nil || !strings.Contains(err.Error(), `"pids" is missing`) {
		t.Errorf("without pids: %v", err)
	}
}

func TestCreateV2(t *testing.T) {
	limits := map[string]string{"cpu.max": "", "memory.max": "", "pids.max": ""}
	files := map[string]string{}
	for _, dir := range []string{"", "slipway", "slipway/i-1"} {
		files[filepath.Join(dir, "cgroup.controllers")] = "cpuset cpu io memory pids\n"
		files[filepath.Join(dir, "cgroup.subtree_control")] = ""
	}
	for name := range limits {
		files[filepath.Join("slipway/i-1", name)] = ""
	}
	files["slipway/i-1/memory.events"] = "low 0\nmax 3\noom 1\noom_kill 2\noom_group_kill 0\n"
	root := tree(t, files)
	f, err := openV2(root)
	if err != nil {
		t.Fatal(err)
	}
	// A directory on disk has no memory.swap.max, as a kernel without swap.
	if err := f.Create("/slipway/i-1", Limits{CPUMillis: 2000, MemoryBytes: 4096}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"slipway/i-1/cpu.max": "200000 100000", "slipway/i-1/memory.max": "4096", "slipway/i-1/pids.max": "max"} {
		if got, err := os.ReadFile(filepath.Join(root, name)); err != nil || string(got) != want {
			t.Errorf("%s = %q, %v; want %q", name, got, err, want)
		}
	}
	// Each write is one controller; on disk they lie one over the other.
	for _, dir := range []string{"", "slipway", "slipway/i-1"} {
		if got, err := os.ReadFile(filepath.Join(root, dir, "cgroup.subtree_control")); err != nil || !strings.HasPrefix(string(got), "+") {
			t.Errorf("controllers below %q = %q, %v", dir, got, err)
		}
	}
	if n, err := f.OOMKills("/slipway/i-1"); err != nil || n != 2 {
		t.Errorf("OOMKills = %d, %v", n, err)
	}
	if n, err := f.OOMKills("/gone"); err != nil || n != 0 {
		t.Errorf("OOMKills of a missing group = %d, %v", n, err)
	}
}

func TestOccupied(t *testing.T) {
	const all, some = "cpuset cpu io memory pids\n", "memory pids\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int
	}{
		{"the machine's root", map[string]string{"cgroup.subtree_control": some, "cgroup.procs": "1\n2\n"}, 0},
		{"a container's", map[string]string{"cgroup.type": "domain\n", "cgroup.subtree_control": some, "cgroup.procs": "1\n7\n0\n"}, 2},
		{"a container's that made way", map[string]string{"cgroup.type": "domain\n", "cgroup.subtree_control": some, "cgroup.procs": ""}, 0},
		{"a container's with controllers", map[string]string{"cgroup.type": "domain\n", "cgroup.subtree_control": all, "cgroup.procs": "1\n"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &FS{root: tree(t, c.files), mode: V2}
			if got, err := f.Occupied(); err != nil || len(got) != c.want {
				t.Errorf("Occupied = %v, %v; want %d", got, err, c.want)
			}
		})
	}
}

func TestBadPaths(t *testing.T) {
	f := &FS{root: t.TempDir(), mode: V2}
	for _, bad := range []string{"", "/", "rel", "/a/../..", "/a/", "//a"} {
		if f.Create(bad, Limits{}) == nil || f.Delete(bad) == nil || f.Move(bad, 1) == nil || f.DeleteEmpty(bad) == nil {
			t.Errorf("path %q was taken", bad)
		}
	}
}
