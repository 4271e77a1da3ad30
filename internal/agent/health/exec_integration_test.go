//go:build integration

package health

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway/slipway/internal/agent/cgroup"
	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agent/image"
	"github.com/slipway/slipway/internal/agent/lifecycle"
	"github.com/slipway/slipway/internal/agent/runtime"
	"github.com/slipway/slipway/internal/agent/runtime/containerdtest"
	"github.com/slipway/slipway/internal/agentproto"
)

func TestMain(m *testing.M) {
	code := m.Run()
	containerdtest.Clean()
	os.Exit(code)
}

// containers starts n containers that wait, in a containerd of their own.
func containers(t testing.TB, n int) (*runtime.Containerd, *cgroup.FS, []string) {
	t.Helper()
	registry := containerdtest.Registry(t)
	containerdtest.Push(t, registry+"/test:1", containerdtest.Image{Config: v1.Config{Entrypoint: []string{"/program"}}})
	daemon := containerdtest.Start(t)
	group := "/slipway-health-" + filepath.Base(daemon.Dir())
	rt, err := runtime.Open(t.Context(), runtime.Config{
		Socket: daemon.Socket, Namespace: "test", Instance: "i-1", Cgroup: group,
		RunDir: filepath.Join(daemon.Dir(), "agent-run"), DataDir: filepath.Join(daemon.Dir(), "agent-data"),
	})
	if err != nil {
		t.Fatal(err)
	}
	groups, err := cgroup.Detect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		for what, err := range map[string]error{"purge": rt.Purge(ctx), "delete cgroup": groups.Delete(group), "close": rt.Close()} {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
	img, err := image.New(rt.Client(), image.Config{Namespace: "test", Instance: "i-1"}).Pull(t.Context(), registry+"/test:1", image.PullOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i := range n {
		id := fmt.Sprintf("c%d", i)
		ids = append(ids, id)
		err := rt.Create(t.Context(), runtime.Spec{ID: id, Task: id, Name: "main", Image: img.Name, Command: []string{"deaf"}, CgroupParent: id})
		if err == nil {
			_, err = rt.Start(t.Context(), id)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return rt, groups, ids
}

func TestChecksInContainers(t *testing.T) {
	rt, groups, ids := containers(t, 1)
	p := NewProber(In(context.Background(), rt))
	t.Cleanup(p.Close)
	for name, c := range map[string]struct {
		test    []string
		verdict lifecycle.Health
		code    int
		output  string
	}{
		"passes":         {[]string{"CMD", "/program", "echo", "fine"}, lifecycle.Healthy, 0, "fine\n"},
		"fails":          {[]string{"CMD", "/program", "exit", "7"}, lifecycle.Unhealthy, 7, ""},
		"has no shell":   {[]string{"CMD-SHELL", "exit 0"}, lifecycle.Unhealthy, -1, `"/bin/sh"`},
		"is not there":   {[]string{"/nothing"}, lifecycle.Unhealthy, -1, `"/nothing"`},
		"hangs":          {[]string{"CMD", "/program", "deaf"}, lifecycle.Unhealthy, -1, "Health check exceeded timeout (1s)"},
		"floods":         {[]string{"CMD", "/program", "lines", "20000", "1"}, lifecycle.Healthy, 0, "..."},
		"leaves a child": {[]string{"CMD", "/program", "child", "deaf"}, lifecycle.Unhealthy, -1, "Health check exceeded timeout (1s)"},
	} {
		t.Run(name, func(t *testing.T) {
			heard := make(chan engine.HealthStatus, 1)
			timeout := time.Minute
			if strings.Contains(c.output, "timeout") {
				timeout = time.Second
			}
			stop := p.Watch(ids[0], agentproto.Healthcheck{Test: c.test, Interval: int64(time.Millisecond), Timeout: int64(timeout), Retries: 1}, func(s engine.HealthStatus) {
				select {
				case heard <- s:
				default:
				}
			})
			defer stop()
			select {
			case got := <-heard:
				if got.Verdict != c.verdict || got.ExitCode != c.code || !strings.Contains(got.Output, c.output) || len(got.Output) > maxOutput+3 {
					t.Errorf("got %v %d %q", got.Verdict, got.ExitCode, got.Output)
				}
			case <-time.After(time.Minute):
				t.Fatal("no verdict")
			}
		})
	}
	p.Close()
	state, err := rt.Inspect(t.Context(), ids[0])
	if err != nil {
		t.Fatal(err)
	}
	left, err := groups.Processes(state.Labels["slipway.io/cgroup"])
	if err != nil || len(left) != 1 || left[0] != int(state.Pid) {
		t.Errorf("processes %v beside %d, %v", left, state.Pid, err)
	}
}

// BenchmarkUsage reads the counters of ten idle containers once, which is what a
// second of measuring them costs.
func BenchmarkUsage(b *testing.B) {
	rt, _, ids := containers(b, 10)
	b.ReportAllocs()
	for b.Loop() {
		for _, id := range ids {
			if _, err := rt.Usage(b.Context(), id); err != nil {
				b.Fatal(err)
			}
		}
	}
}
