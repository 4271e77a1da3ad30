//go:build integration

package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway/slipway/internal/agent/endpoint"
	"github.com/slipway/slipway/internal/agent/runtime"
	"github.com/slipway/slipway/internal/agent/runtime/containerdtest"
	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

// rig is an agent on a containerd of its own, and a control plane that the test
// plays.
type rig struct {
	t      testing.TB
	plane  *plane
	daemon *containerdtest.Daemon
	cfg    Config
	image  string
	ws     *websocket.Conn
	kill   context.CancelFunc
	over   chan error
}

func newRig(t testing.TB) *rig {
	t.Helper()
	registry := containerdtest.Registry(t)
	r := &rig{t: t, image: registry + "/test:1", plane: newPlane(t), daemon: containerdtest.Start(t)}
	containerdtest.Push(t, r.image, containerdtest.Image{Config: v1.Config{Entrypoint: []string{"/program"}}})
	dir := t.TempDir()
	r.cfg = Config{
		Cluster: "default", Backend: r.plane.server.URL, Region: "us-east-1",
		Credentials: sigv4.Credentials{AccessKeyID: "AK", SecretAccessKey: "SK"},
		DataDir:     filepath.Join(dir, "data"), RunDir: filepath.Join(dir, "run"),
		InstanceID: "i-0123", CPU: 4096, Memory: 4096, Containerd: r.daemon.Socket, ContainerdNamespace: "test",
		CgroupParent: "/slipway-test-" + filepath.Base(r.daemon.Dir()),
		StopTimeout:  30 * time.Second, CleanupWait: time.Hour, PullBehavior: "default", Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	r.boot()
	t.Cleanup(r.purge)
	return r
}

// boot starts the agent and waits for its poll socket.
func (r *rig) boot() {
	r.t.Helper()
	ctx, kill := context.WithCancel(context.Background())
	r.kill, r.over = kill, make(chan error, 1)
	go func() { r.over <- Run(ctx, r.cfg) }()
	select {
	case r.ws = <-r.plane.sockets:
	case err := <-r.over:
		r.t.Fatalf("the agent ended: %v", err)
	case <-time.After(time.Minute):
		r.t.Fatal("the agent does not connect")
	}
}

// halt ends the agent; containers go on.
func (r *rig) halt() {
	r.t.Helper()
	r.kill()
	if err := <-r.over; err != nil {
		r.t.Errorf("the agent ended with %v", err)
	}
}

func (r *rig) runtime() *runtime.Containerd {
	r.t.Helper()
	rt, err := runtime.Open(context.Background(), runtime.Config{
		Socket: r.cfg.Containerd, Namespace: r.cfg.ContainerdNamespace, Instance: r.cfg.InstanceID, Cgroup: r.cfg.CgroupParent,
		RunDir: filepath.Join(r.cfg.RunDir, "pipes"),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return rt
}

// purge leaves nothing on the machine.
func (r *rig) purge() {
	r.halt()
	rt := r.runtime()
	t, err := openTools(context.Background(), r.cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	err = errors.Join(rt.Purge(context.Background()), t.net.Purge(context.Background()), t.cgroups.Delete(r.cfg.CgroupParent), t.rt.Close(), rt.Close())
	if err != nil {
		r.t.Errorf("purge: %v", err)
	}
}

func (r *rig) task(id string, command ...string) agentproto.Task {
	return agentproto.Task{
		ARN: "arn:aws:ecs:us-east-1:123456789012:task/default/" + id, Family: "demo", Version: "1", DesiredStatus: agentproto.DesiredRunning,
		Containers: []agentproto.Container{{Name: "main", Image: r.image, Command: command, CPU: 10, Memory: 64, Essential: true}},
	}
}

// ready waits until the program of a running container listens to signals, and
// returns the container's id.
func (r *rig) ready(task agentproto.Task) string {
	r.t.Helper()
	id := *only(r.t, r.plane.await(task.ARN, "RUNNING")).RuntimeId
	deadline := time.After(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		text, err := os.ReadFile(filepath.Join(r.cfg.DataDir, "logs", id+".log"))
		if err == nil && strings.Contains(string(text), "ready") {
			return id
		}
		select {
		case <-tick.C:
		case <-deadline:
			r.t.Fatalf("container %s is not ready: %q, %v", id, text, err)
		}
	}
}

func stopped(task agentproto.Task) agentproto.Task {
	return agentproto.Task{ARN: task.ARN, DesiredStatus: agentproto.DesiredStopped, Family: task.Family, Version: task.Version}
}

func TestTaskRunsToItsExitCode(t *testing.T) {
	r := newRig(t)
	task := r.task("1", "exit", "3")
	r.plane.send(r.ws, task)
	c := only(t, r.plane.await(task.ARN, "STOPPED"))
	if c.ExitCode == nil || *c.ExitCode != 3 || *c.ContainerName != "main" || !strings.HasPrefix(*c.ImageDigest, "sha256:") || len(*c.RuntimeId) != 64 {
		t.Errorf("got %+v", c)
	}
	if got := fmt.Sprint(statusesOf(r, task.ARN)); got != "[PENDING RUNNING STOPPED]" {
		t.Errorf("reported %s", got)
	}
}

func statusesOf(r *rig, arn string) []string {
	r.plane.mu.Lock()
	defer r.plane.mu.Unlock()
	var out []string
	for _, report := range r.plane.reports[arn] {
		out = append(out, *report.Status)
	}
	return out
}

func TestBridgeTaskAnswersOnItsPort(t *testing.T) {
	r := newRig(t)
	task := r.task("1", "serve", ":80", "hello")
	task.Containers[0].PortMappings = []agentproto.PortMapping{{ContainerPort: 80, Protocol: "tcp"}}
	r.plane.send(r.ws, task)
	c := only(t, r.plane.await(task.ARN, "RUNNING"))
	if len(c.NetworkBindings) != 1 || *c.NetworkBindings[0].ContainerPort != 80 {
		t.Fatalf("bindings %+v", c.NetworkBindings)
	}
	if got := get(t, *c.NetworkBindings[0].HostPort, "/"); got != "hello" {
		t.Errorf("got %q", got)
	}
	var tasks struct{ Tasks []endpoint.Task }
	if err := json.Unmarshal([]byte(get(t, endpoint.Port, "/v1/tasks")), &tasks); err != nil {
		t.Fatal(err)
	}
	if len(tasks.Tasks) != 1 || tasks.Tasks[0].KnownStatus != "RUNNING" || tasks.Tasks[0].Containers[0].DockerID != *c.RuntimeId {
		t.Errorf("introspection: %+v", tasks)
	}
	r.plane.send(r.ws, stopped(task))
	c = only(t, r.plane.await(task.ARN, "STOPPED"))
	if *c.ExitCode != 2 { // so ends a Go program that is process 1 and does not handle SIGTERM
		t.Errorf("exit code %d", *c.ExitCode)
	}
}

// get asks a port of the instance, until a server that has just been started
// listens.
func get(t testing.TB, port int32, path string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", port, path), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return string(body)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("nobody answers: %v", err)
		}
	}
}

func TestAgentIsRestarted(t *testing.T) {
	r := newRig(t)
	stays, ends := r.task("1", "wait"), r.task("2", "wait")
	r.plane.send(r.ws, stays, ends)
	staysID, endsID := r.ready(stays), r.ready(ends)
	rt := r.runtime()
	defer rt.Close()
	before, err := rt.Inspect(t.Context(), staysID)
	if err != nil {
		t.Fatal(err)
	}
	r.halt()
	if err := rt.Signal(t.Context(), endsID, 15); err != nil {
		t.Fatal(err)
	}
	exits, err := rt.Wait(t.Context(), endsID)
	if err != nil {
		t.Fatal(err)
	}
	<-exits
	r.boot()
	if c := only(t, r.plane.await(ends.ARN, "STOPPED")); c.ExitCode == nil || *c.ExitCode != 0 {
		t.Errorf("the container that ended meanwhile: %+v", c)
	}
	after, err := rt.Inspect(t.Context(), staysID)
	if err != nil || after.Pid != before.Pid || after.Status != runtime.Running {
		t.Errorf("the container that went on: %+v before, %+v after, %v", before, after, err)
	}
	r.plane.send(r.ws, stays) // sent again: nothing happens
	r.plane.send(r.ws, stopped(stays))
	if c := only(t, r.plane.await(stays.ARN, "STOPPED")); *c.ExitCode != 0 {
		t.Errorf("got %+v", c)
	}
	if got := fmt.Sprint(statusesOf(r, stays.ARN)); got != "[PENDING RUNNING STOPPED]" {
		t.Errorf("reported %s", got)
	}
}

func TestContainerdIsRestarted(t *testing.T) {
	r := newRig(t)
	task, next := r.task("1", "wait"), r.task("2", "exit", "4")
	r.plane.send(r.ws, task)
	r.ready(task)
	r.daemon.Kill(t)
	r.plane.send(r.ws, next) // accepted all the same
	r.plane.send(r.ws, stopped(task))
	r.daemon.Again(t)
	if c := only(t, r.plane.await(task.ARN, "STOPPED")); *c.ExitCode != 0 {
		t.Errorf("stopped: %+v", c)
	}
	if c := only(t, r.plane.await(next.ARN, "STOPPED")); c.ExitCode == nil || *c.ExitCode != 4 {
		t.Errorf("started: %+v", c)
	}
}

func TestStopsAndFailures(t *testing.T) {
	r := newRig(t)
	deaf := r.task("deaf", "deaf")
	deaf.Containers[0].StopTimeout = 1
	eater := r.task("eater", "eat", "200")
	missing := r.task("missing", "wait")
	missing.Containers[0].Image = strings.Replace(r.image, "test:1", "nothing:1", 1)
	noCommand := r.task("nocommand")
	noCommand.Containers[0].EntryPoint = []string{"/not/there"}
	hostPort := r.task("port", "wait")
	hostPort.Containers[0].PortMappings = []agentproto.PortMapping{{ContainerPort: 80, HostPort: endpoint.Port + 9, Protocol: "tcp"}}
	r.plane.send(r.ws, deaf, eater, missing, noCommand, hostPort)
	cases := map[string]struct {
		task   agentproto.Task
		code   int32 // -1: none
		reason string
		stop   bool
	}{
		"SIGKILL after the timeout": {deaf, 137, "", true},
		"out of memory":             {eater, 137, "OutOfMemoryError: Container killed due to memory usage", false},
		"no such image":             {missing, -1, "CannotPullContainerError: ", false},
		"no such program":           {noCommand, -1, "CannotStartContainerError: ", false},
	}
	for name, c := range cases {
		if c.stop {
			r.ready(c.task)
			r.plane.send(r.ws, stopped(c.task))
		}
		got := only(t, r.plane.await(c.task.ARN, "STOPPED"))
		code, reason := int32(-1), ""
		if got.ExitCode != nil {
			code = *got.ExitCode
		}
		if got.Reason != nil {
			reason = *got.Reason
		}
		if code != c.code || !strings.HasPrefix(reason, c.reason) || c.reason == "" && reason != "" {
			t.Errorf("%s: got code %d, reason %q", name, code, reason)
		}
	}
	r.plane.await(hostPort.ARN, "RUNNING")
}

func TestLogsAndCleanUp(t *testing.T) {
	r := newRig(t)
	task := r.task("1", "echo", "to the log")
	r.plane.send(r.ws, task)
	id := *only(t, r.plane.await(task.ARN, "STOPPED")).RuntimeId
	path := filepath.Join(r.cfg.DataDir, "logs", id+".log")
	if text, err := os.ReadFile(path); err != nil || string(text) != "to the log\n" {
		t.Errorf("log: %q, %v", text, err)
	}
	r.halt()
	r.cfg.CleanupWait = time.Second // is over by the time the agent looks
	r.boot()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var tasks struct{ Tasks []endpoint.Task }
		if err := json.Unmarshal([]byte(get(t, endpoint.Port, "/v1/tasks")), &tasks); err != nil {
			t.Fatal(err)
		}
		if len(tasks.Tasks) == 0 {
			break
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the task is not cleaned up")
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the log is still there: %v", err)
	}
	rt := r.runtime()
	defer rt.Close()
	if states, err := rt.List(t.Context(), nil); err != nil || len(states) != 0 {
		t.Errorf("containers left: %v, %v", states, err)
	}
}

// BenchmarkTask is from the payload to the report of RUNNING, one task after the
// other, with host networking.
func BenchmarkTask(b *testing.B) {
	r := newRig(b)
	n := 0
	for b.Loop() {
		n++
		task := r.task(fmt.Sprint(n), "wait")
		task.NetworkMode = "host"
		r.plane.send(r.ws, task)
		r.plane.await(task.ARN, "RUNNING")
	}
}
