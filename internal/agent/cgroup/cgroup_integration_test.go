//go:build integration

package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// hosts are the file systems that this machine lets us test: its own, and on a
// hybrid machine the v2 hierarchy beside it, for all but limits.
func hosts(t *testing.T) map[string]*FS {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("this test needs root")
	}
	f, err := Detect()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*FS{f.Mode().String(): f}
	if f.Mode() == Hybrid {
		out["unified"] = &FS{root: "/sys/fs/cgroup/unified", mode: V2}
	}
	return out
}

func TestLifeOfAGroup(t *testing.T) {
	for name, f := range hosts(t) {
		t.Run(name, func(t *testing.T) {
			top := fmt.Sprintf("/slipway-test-%d", os.Getpid())
			t.Cleanup(func() {
				if err := f.Delete(top); err != nil {
					t.Error(err)
				}
			})
			var pids []int
			for _, leaf := range []string{top + "/agent", top + "/task/container"} {
				cmd := exec.Command("sleep", "600")
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				ended := make(chan struct{})
				go func() { cmd.Wait(); close(ended) }()
				t.Cleanup(func() { <-ended })
				if err := f.Move(leaf, cmd.Process.Pid); err != nil {
					t.Fatal(err)
				}
				pids = append(pids, cmd.Process.Pid)
			}
			slices.Sort(pids)
			if got, err := f.Processes(top); err != nil || !slices.Equal(got, pids) {
				t.Errorf("Processes = %v, %v; want %v", got, err, pids)
			}
			if err := f.DeleteEmpty(top); err != nil {
				t.Errorf("DeleteEmpty of a full group: %v", err)
			}
			if got, err := f.Processes(top + "/task"); err != nil || len(got) != 1 {
				t.Errorf("Processes of the task = %v, %v", got, err)
			}
			if err := f.Kill(t.Context(), top); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := f.Delete(top); err != nil {
					t.Error(err)
				}
			}
			for _, d := range f.allDirs(top) {
				if _, err := os.Stat(d); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s is left: %v", d, err)
				}
			}
		})
	}
}

// A privileged container on v2 can make threaded groups, whose processes cannot
// be listed in them.
func TestThreadedGroup(t *testing.T) {
	for name, f := range hosts(t) {
		if f.Mode() != V2 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			top := fmt.Sprintf("/slipway-test-%d", os.Getpid())
			cmd := exec.Command("sleep", "600")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() { cmd.Wait(); close(ended) }()
			t.Cleanup(func() {
				_ = cmd.Process.Kill() // it has ended unless the test failed
				<-ended
				if err := f.Delete(top); err != nil {
					t.Error(err)
				}
			})
			if err := f.Move(top+"/container", cmd.Process.Pid); err != nil {
				t.Fatal(err)
			}
			threaded := filepath.Join(f.dirs(top)[0], "container", "threads")
			if err := os.Mkdir(threaded, 0o755); err != nil {
				t.Fatal(err)
			}
			for _, w := range []struct{ file, value string }{{"cgroup.type", "threaded"}, {"cgroup.procs", fmt.Sprint(cmd.Process.Pid)}} {
				if err := write(filepath.Join(threaded, w.file), w.value); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := f.Processes(top); err != nil || !slices.Equal(got, []int{cmd.Process.Pid}) {
				t.Errorf("Processes = %v, %v; want %d", got, err, cmd.Process.Pid)
			}
			if err := f.Kill(t.Context(), top); err != nil {
				t.Error(err)
			}
			if err := f.Delete(top); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLimitsOfTheKernel(t *testing.T) {
	f, err := Detect()
	if err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("/slipway-test-%d/limits", os.Getpid())
	t.Cleanup(func() {
		if err := f.Delete(filepath.Dir(path)); err != nil {
			t.Error(err)
		}
	})
	memory := map[bool]string{true: "memory.max", false: "memory.limit_in_bytes"}[f.Mode() == V2]
	// Up, down and away again: the order of memory and swap matters.
	for _, mib := range []int64{64, 256, 32, 0} {
		if err := f.Create(path, Limits{CPUMillis: 500, MemoryBytes: mib << 20, Pids: 100}); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(f.dir("memory", path), memory))
		if want := fmt.Sprint(mib << 20); err != nil || mib > 0 && strings.TrimSpace(string(got)) != want {
			t.Errorf("limit = %s, %v; want %s", got, err, want)
		}
	}
}
