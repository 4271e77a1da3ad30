package stats

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log/slog"
	"maps"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agent/lifecycle"
	"github.com/slipway/slipway/internal/agent/runtime"
	"github.com/slipway/slipway/internal/agentproto"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, v any) {
	t.Helper()
	got, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: %s", name, cmp.Diff(string(want), string(got)))
	}
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// machine counts for containers.
type machine struct {
	mu    sync.Mutex
	views []engine.View
	use   map[string]runtime.Usage
	reads int
}

func (m *machine) tasks() []engine.View {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.views
}

func (m *machine) usage(_ context.Context, id string) (runtime.Usage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	u, ok := m.use[id]
	if !ok {
		return u, errors.New("no such container")
	}
	return u, nil
}

func (m *machine) set(id string, u runtime.Usage) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.use[id] = u
}

func (m *machine) view(restarts int, status lifecycle.Status) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.views = []engine.View{{
		Task: agentproto.Task{ARN: "arn:t", TaskClusterARN: "arn:c", Family: "demo", Version: "3", Containers: []agentproto.Container{
			{Name: "web", ContainerARN: "arn:web", RestartPolicy: &agentproto.RestartPolicy{Enabled: true}}, {Name: "later"},
		}},
		Containers: []engine.ContainerView{
			{Name: "ecs-demo-3-web-01", ContainerRecord: engine.ContainerRecord{ID: "web", Status: status, Restarts: restarts}},
			{ContainerRecord: engine.ContainerRecord{ID: "later", Status: lifecycle.Pulled}},
		},
	}}
}

func newMachine() (*machine, *Sampler) {
	m := &machine{use: map[string]runtime.Usage{}}
	m.view(0, lifecycle.Running)
	return m, New(m.usage, m.tasks, slog.New(slog.DiscardHandler))
}

// second is what a container had used n seconds after noon.
func second(n int) runtime.Usage {
	k := uint64(n)
	return runtime.Usage{
		At: noon.Add(time.Duration(n) * time.Second), CPUTotal: time.Duration(n) * 1500 * time.Millisecond,
		CPUUser: time.Duration(n) * time.Second, CPUSystem: time.Duration(n) * 500 * time.Millisecond,
		SystemCPU: time.Duration(n) * 2 * time.Second, OnlineCPUs: 2, Periods: 10 * k, ThrottledPeriods: k, ThrottledTime: time.Duration(n),
		MemoryUsage: 100 << 20, MemoryMax: 120 << 20, MemoryLimit: 512 << 20, MemoryCache: 40 << 20,
		MemoryStats: map[string]uint64{"cache": 40 << 20, "inactive_file": 30 << 20}, Pids: 3, PidsLimit: 100,
		ReadBytes: 4096 * k, WriteBytes: 8192 * k, ReadOps: k, WriteOps: 2 * k,
		Networks: map[string]runtime.InterfaceUsage{
			"eth0": {RxBytes: 1000 * k, RxPackets: 10 * k, TxBytes: 500 * k, TxPackets: 5 * k, TxDropped: k},
			"eth1": {RxBytes: 1000 * k, RxErrors: k},
		},
	}
}

func TestDockerShape(t *testing.T) {
	for name, form := range map[string]func(runtime.Usage) runtime.Usage{
		"v1": func(u runtime.Usage) runtime.Usage {
			u.PerCPU = []time.Duration{u.CPUTotal / 3, u.CPUTotal * 2 / 3}
			return u
		},
		"v2": func(u runtime.Usage) runtime.Usage { return u },
	} {
		t.Run(name, func(t *testing.T) {
			m, s := newMachine()
			if _, ok := s.Latest("web"); ok {
				t.Fatal("a sample before the first")
			}
			m.set("web", form(second(1)))
			s.pass(t.Context())
			first, _ := s.Latest("web")
			golden(t, name+"-first.json", first)
			m.set("web", form(second(2)))
			s.pass(t.Context())
			both, _ := s.Latest("web")
			golden(t, name+"-second.json", both)
		})
	}
}

func TestUntouchedDisksAndHostNetwork(t *testing.T) {
	u := second(1)
	u.ReadBytes, u.WriteBytes, u.Networks = 0, 0, nil
	data, err := json.Marshal(docker("id", "name", u, runtime.Usage{}))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte(`"io_service_bytes_recursive":null`)) || bytes.Contains(data, []byte(`"networks"`)) {
		t.Errorf("got %s", data)
	}
}

func TestRoundOfTelemetry(t *testing.T) {
	m, s := newMachine()
	if got := s.Collect(); got != nil {
		t.Errorf("without samples: %+v", got)
	}
	for n := range 4 {
		m.set("web", second(n+1))
		s.pass(t.Context())
		if n == 0 {
			if got := s.Collect(); got != nil {
				t.Errorf("with one sample: %+v", got)
			}
		}
	}
	golden(t, "round.json", s.Collect())
	if got := s.Collect(); got != nil {
		t.Errorf("the round was not emptied: %+v", got)
	}
}

func TestRestartInPlaceSetsNothingBack(t *testing.T) {
	m, s := newMachine()
	for n := range 3 {
		m.set("web", second(n+1))
		s.pass(t.Context())
	}
	s.Collect()
	u := second(1) // counters from the start again, time goes on
	u.At = noon.Add(4 * time.Second)
	m.set("web", u)
	m.view(1, lifecycle.Running)
	s.pass(t.Context())
	d, _ := s.Latest("web")
	if got, want := d.CPUStats.CPUUsage.TotalUsage, uint64(second(3).CPUTotal+second(1).CPUTotal); got != want {
		t.Errorf("total %d, want %d", got, want)
	}
	round := s.Collect()[0].ContainerMetrics[0]
	if round.RestartStatsSet.RestartCount != 1 || round.CPUStatsSet.Max != 75 || round.StorageStatsSet.ReadSizeBytes.Max != 4*4096 {
		t.Errorf("got %+v %+v", round.RestartStatsSet, round.CPUStatsSet)
	}
}

func TestMemoryInUse(t *testing.T) {
	v1 := runtime.Usage{MemoryUsage: 100, MemoryCache: 40, MemoryStats: map[string]uint64{"inactive_file": 30}, PerCPU: []time.Duration{0}}
	v2 := v1
	v2.PerCPU = nil
	odd := runtime.Usage{MemoryUsage: 100, MemoryStats: map[string]uint64{"inactive_file": 130}}
	for name, c := range map[string]struct {
		u    runtime.Usage
		want uint64
	}{"v1 leaves out the cache": {v1, 60}, "v2 leaves out inactive files": {v2, 70}, "never below zero": {odd, 100}} {
		if got := inUse(c.u); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestStoppedContainersAreForgotten(t *testing.T) {
	m, s := newMachine()
	m.set("web", second(1))
	s.pass(t.Context())
	m.view(0, lifecycle.Stopped)
	s.pass(t.Context())
	if _, ok := s.Latest("web"); ok {
		t.Error("still there")
	}
}

func TestPace(t *testing.T) {
	for name, c := range map[string]struct {
		took  time.Duration
		reads int // in 100 s
	}{"once a second": {0, 100}, "slower where reading is dear": {100 * time.Millisecond, 10}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, s := newMachine()
				s.usage = func(ctx context.Context, id string) (runtime.Usage, error) {
					<-time.After(c.took)
					return m.usage(ctx, id)
				}
				ctx, cancel := context.WithCancel(t.Context())
				go s.Run(ctx)
				<-time.After(100*time.Second + time.Millisecond)
				cancel()
				synctest.Wait()
				if m.reads != c.reads {
					t.Errorf("%d reads", m.reads)
				}
			})
		})
	}
}

// TestSums holds the sums against the samples.
func TestSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Uint64Range(0, math.MaxUint32), 1, 30).Draw(t, "values")
		var (
			g    gauge
			c    counter
			want = agentproto.CounterSet{Min: math.MaxInt64}
		)
		for _, v := range values {
			g.add(float64(v))
			c.add(v)
			n := int64(v)
			want.Min, want.Max, want.Sum, want.SampleCount = min(want.Min, n), max(want.Max, n), want.Sum+n, want.SampleCount+1
		}
		if got := *c.stats(); got != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		if got := *g.stats(); got != (agentproto.StatsSet{Min: float64(want.Min), Max: float64(want.Max), Sum: float64(want.Sum), SampleCount: want.SampleCount}) {
			t.Fatalf("got %+v", got)
		}
	})
}

func TestOverflow(t *testing.T) {
	for v, want := range map[uint64][2]int64{
		0:                 {0, 0},
		math.MaxInt64:     {math.MaxInt64, 0},
		math.MaxInt64 + 7: {math.MaxInt64, 7},
		math.MaxUint64:    {math.MaxInt64, math.MaxInt64},
	} {
		if n, over := overflow(v); n != want[0] || over != want[1] {
			t.Errorf("%d: %d %d", v, n, over)
		}
	}
	var c counter
	c.add(math.MaxUint64)
	c.add(math.MaxUint64)
	if s := c.stats(); s.OverflowSum != math.MaxInt64 {
		t.Errorf("got %+v", s)
	}
}

// BenchmarkPass is what the sampler itself costs for ten containers; reading the
// kernel's files is the runtime's.
func BenchmarkPass(b *testing.B) {
	m, s := newMachine()
	v := m.views[0]
	m.views = nil
	for i := range 10 {
		id := string(rune('a' + i))
		c := v
		c.Containers = append([]engine.ContainerView(nil), v.Containers...)
		c.Containers[0].ID = id
		m.views = append(m.views, c)
		u := second(1)
		u.MemoryStats = maps.Clone(u.MemoryStats)
		m.use[id] = u
	}
	b.ReportAllocs()
	for b.Loop() {
		s.pass(b.Context())
	}
}
