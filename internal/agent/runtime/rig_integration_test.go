//go:build integration

package runtime

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway/slipway/internal/agent/image"
	"github.com/slipway/slipway/internal/agent/logdriver"
	"github.com/slipway/slipway/internal/agent/runtime/containerdtest"
)

// rig is an agent's runtime with a containerd and an image of its own.
type rig struct {
	*Containerd
	daemon *containerdtest.Daemon
	cfg    Config
	image  image.Image
	logs   string
	n      int
}

func newRig(t testing.TB) *rig {
	t.Helper()
	registry := containerdtest.Registry(t)
	containerdtest.Push(t, registry+"/test:1", containerdtest.Image{
		Config: v1.Config{
			Entrypoint: []string{"/program"}, Cmd: []string{"echo", "from the image"},
			Env: []string{"COLOR=image", "KEPT=image"}, WorkingDir: "/from-image", StopSignal: "SIGQUIT",
			Volumes: map[string]struct{}{"/declared": {}},
		},
		Files: map[string]string{
			"etc/passwd":    "root:x:0:0::/root:/bin/sh\nworker:x:1000:1001::/home:/bin/sh\n",
			"etc/group":     "root:x:0:\nworkers:x:1001:\nextra:x:1002:worker,other\n",
			"seeded/file":   "from the image",
			"declared/file": "of the volume",
		},
	})
	r := &rig{daemon: containerdtest.Start(t), logs: t.TempDir()}
	r.cfg = Config{Socket: r.daemon.Socket, Namespace: "test", Instance: "i-1", Cgroup: "/slipway-test-" + filepath.Base(r.daemon.Dir())}
	r.cfg.RunDir, r.cfg.DataDir = filepath.Join(r.daemon.Dir(), "agent-run"), filepath.Join(r.daemon.Dir(), "agent-data")
	r.open(t)
	t.Cleanup(func() { r.shut(t) })
	store := image.New(r.Client(), image.Config{Namespace: "test", Instance: "i-1"})
	img, err := store.Pull(t.Context(), registry+"/test:1", image.PullOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r.image = img
	return r
}

func (r *rig) open(t testing.TB) {
	t.Helper()
	rt, err := Open(t.Context(), r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.Containerd = rt
}

// shut purges, and checks that nothing is left.
func (r *rig) shut(t testing.TB) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := r.Purge(ctx); err != nil {
		t.Error(err)
	}
	if left, err := r.List(ctx, nil); err != nil || len(left) > 0 {
		t.Errorf("containers left: %v, %v", left, err)
	}
	if err := r.cgroups.Delete(r.cfg.Cgroup); err != nil {
		t.Error(err)
	}
	for _, pattern := range []string{"/sys/fs/cgroup/*", "/sys/fs/cgroup"} { // of v1 and v2
		if groups, err := filepath.Glob(pattern + r.cfg.Cgroup); err != nil || len(groups) > 0 {
			t.Errorf("cgroups left: %v, %v", groups, err)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || bytes.Contains(mounts, []byte(r.daemon.Dir())) {
		t.Errorf("mounts left in %s (%v)", r.daemon.Dir(), err)
	}
	for _, dir := range []string{r.runDir(""), r.dataDir("")} {
		if left, err := filepath.Glob(filepath.Join(dir, "c[0-9]*")); err != nil || len(left) > 0 {
			t.Errorf("files of containers left: %v, %v", left, err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(r.pipeDir(), "*")); err != nil || len(left) > 0 {
		t.Errorf("pipes left: %v, %v", left, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// spec is a container of the test image.
func (r *rig) spec(command ...string) Spec {
	r.n++
	id := fmt.Sprintf("c%d", r.n)
	return Spec{ID: id, Task: "task-" + id, Name: "main", Image: r.image.Name, Command: command, CgroupParent: "task-" + id, LogPath: filepath.Join(r.logs, id)}
}

func (r *rig) start(t testing.TB, spec Spec) {
	t.Helper()
	if err := r.Create(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	if pid, err := r.Start(t.Context(), spec.ID); err != nil || pid == 0 {
		t.Fatalf("Start = %d, %v", pid, err)
	}
}

func (r *rig) exit(t testing.TB, id string) Exit {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := r.Wait(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	e, ok := <-c
	if !ok {
		t.Fatalf("container %s did not end", id)
	}
	return e
}

func (r *rig) log(t testing.TB, spec Spec) string {
	t.Helper()
	var b bytes.Buffer
	if err := logdriver.Read(t.Context(), spec.LogPath, logdriver.ReadOptions{}, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// run runs to the end and gives exit and output.
func (r *rig) run(t testing.TB, spec Spec) (Exit, string) {
	t.Helper()
	r.start(t, spec)
	e := r.exit(t, spec.ID)
	return e, r.log(t, spec)
}

// ready waits until the container has said that it is.
func (r *rig) ready(t testing.TB, spec Spec) {
	t.Helper()
	r.says(t, spec, "ready")
}

// says waits for a text in the log.
func (r *rig) says(t testing.TB, spec Spec, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w := &until{want: want, cancel: cancel}
	err := logdriver.Read(ctx, spec.LogPath, logdriver.ReadOptions{Follow: true}, w)
	if !w.found {
		t.Fatalf("container %s does not say %q: %v: %s", spec.ID, want, err, w.text.String())
	}
}

type until struct {
	text   strings.Builder
	want   string
	found  bool
	cancel func()
}

func (u *until) Write(b []byte) (int, error) {
	n, err := u.text.Write(b)
	if strings.Contains(u.text.String(), u.want) {
		u.found = true
		u.cancel()
	}
	return n, err
}
