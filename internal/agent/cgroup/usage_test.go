package cgroup

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// fixture writes files below a new directory.
func fixture(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func v1Files() map[string]string {
	return map[string]string{
		"cpu,cpuacct/t/c/cpuacct.usage":                       "5000000000\n",
		"cpu,cpuacct/t/c/cpuacct.stat":                        "user 300\nsystem 150\n",
		"cpu,cpuacct/t/c/cpuacct.usage_percpu":                "3000000000 2000000000 \n",
		"cpu,cpuacct/t/c/cpu.stat":                            "nr_periods 10\nnr_throttled 4\nthrottled_time 7000000\n",
		"memory/t/c/memory.usage_in_bytes":                    "4096000\n",
		"memory/t/c/memory.max_usage_in_bytes":                "5000000\n",
		"memory/t/c/memory.limit_in_bytes":                    "8388608\n",
		"memory/t/c/memory.failcnt":                           "3\n",
		"memory/t/c/memory.stat":                              "cache 1000\nrss 2000\ntotal_inactive_file 500\n",
		"pids/t/c/pids.current":                               "6\n",
		"pids/t/c/pids.max":                                   "max\n",
		"blkio/t/c/blkio.throttle.io_service_bytes_recursive": "8:0 Read 100\n8:0 Write 200\n8:0 Total 300\n8:16 Read 1\nTotal 301\n",
		"blkio/t/c/blkio.throttle.io_serviced_recursive":      "8:0 Read 10\n8:0 Write 20\n8:0 Total 30\n",
	}
}

func v2Files() map[string]string {
	return map[string]string{
		"t/c/cpu.stat":       "usage_usec 5000000\nuser_usec 3000000\nsystem_usec 1500000\nnr_periods 10\nnr_throttled 4\nthrottled_usec 7000\n",
		"t/c/memory.current": "4096000\n",
		"t/c/memory.peak":    "5000000\n",
		"t/c/memory.max":     "8388608\n",
		"t/c/memory.events":  "low 0\nhigh 0\nmax 9\noom 3\noom_kill 1\n",
		"t/c/memory.stat":    "anon 2000\nfile 1000\ninactive_file 500\n",
		"t/c/pids.current":   "6\n",
		"t/c/pids.max":       "max\n",
		"t/c/io.stat":        "8:0 rbytes=100 wbytes=200 rios=10 wios=20 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=0 rios=0 wios=0 dbytes=0 dios=0\n",
	}
}

func TestUsage(t *testing.T) {
	want := Usage{
		CPUTotal: 5 * time.Second, CPUUser: 3 * time.Second, CPUSystem: 1500 * time.Millisecond,
		Periods: 10, ThrottledPeriods: 4, ThrottledTime: 7 * time.Millisecond,
		MemoryUsage: 4096000, MemoryMax: 5000000, MemoryLimit: 8388608, MemoryCache: 1000, MemoryFailcnt: 3,
		Pids: 6, ReadBytes: 101, WriteBytes: 200, ReadOps: 10, WriteOps: 20,
	}
	v1, v2 := want, want
	v1.PerCPU = []time.Duration{3 * time.Second, 2 * time.Second}
	v1.MemoryStats = map[string]uint64{"cache": 1000, "rss": 2000, "total_inactive_file": 500}
	v2.MemoryStats = map[string]uint64{"anon": 2000, "file": 1000, "inactive_file": 500}
	split := v1Files() // controllers with a mount each
	for _, f := range []string{"cpuacct.usage", "cpuacct.stat", "cpuacct.usage_percpu"} {
		split["cpuacct/t/c/"+f] = split["cpu,cpuacct/t/c/"+f]
		delete(split, "cpu,cpuacct/t/c/"+f)
	}
	split["cpu/t/c/cpu.stat"] = split["cpu,cpuacct/t/c/cpu.stat"]
	for _, c := range []struct {
		name string
		fs   FS
		want Usage
	}{
		{"v1", FS{root: fixture(t, v1Files()), mode: V1, controllers: []string{"cpu,cpuacct", "memory", "pids", "blkio"}}, v1},
		{"hybrid", FS{root: fixture(t, split), mode: Hybrid, controllers: []string{"cpu", "cpuacct", "memory", "pids", "blkio"}}, v1},
		{"v2", FS{root: fixture(t, v2Files()), mode: V2}, v2},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.fs.Usage("/t/c")
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("Usage = %+v, %v\nwant %+v", got, err, c.want)
			}
			if _, err := c.fs.Usage("/t/none"); !errors.Is(err, ErrGone) {
				t.Errorf("usage of a missing group: %v", err)
			}
		})
	}
}

func TestUsageOfAnOlderKernel(t *testing.T) {
	files := v2Files()
	delete(files, "t/c/memory.peak")
	delete(files, "t/c/io.stat")
	files["t/c/memory.max"], files["t/c/pids.max"] = "max\n", "50\n"
	fs := FS{root: fixture(t, files), mode: V2}
	u, err := fs.Usage("/t/c")
	if err != nil || u.MemoryMax != 0 || u.ReadBytes != 0 || u.MemoryLimit != machineMemory() || u.PidsLimit != 50 {
		t.Errorf("v2: %+v, %v", u, err)
	}
	files = v1Files()
	files["memory/t/c/memory.limit_in_bytes"] = "9223372036854771712\n"
	files["blkio/t/c/blkio.bfq.io_service_bytes_recursive"] = "8:0 Read 7\n"
	files["blkio/t/c/blkio.throttle.io_service_bytes_recursive"] = "Total 0\n"
	fs = FS{root: fixture(t, files), mode: V1, controllers: []string{"cpu,cpuacct", "memory", "pids", "blkio"}}
	if u, err = fs.Usage("/t/c"); err != nil || u.MemoryLimit != machineMemory() || u.ReadBytes != 7 {
		t.Errorf("v1: %+v, %v", u, err)
	}
}

func BenchmarkUsage(b *testing.B) {
	fs := FS{root: fixture(b, v1Files()), mode: V1, controllers: []string{"cpu,cpuacct", "memory", "pids", "blkio"}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fs.Usage("/t/c"); err != nil {
			b.Fatal(err)
		}
	}
}
