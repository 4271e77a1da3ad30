//go:build integration

package volume

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/agentproto"
)

// What a volume's options mount is never deleted with it.
func TestMountedOptions(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("this test needs root")
	}
	s := newStore(t)
	t.Cleanup(func() {
		if err := s.Unmount(); err != nil {
			t.Error(err)
		}
	})
	precious := filepath.Join(t.TempDir(), "a host directory")
	if err := os.Mkdir(precious, 0o755); err != nil {
		t.Fatal(err)
	}
	bind := map[string]string{"type": "none", "device": precious, "o": "bind"}
	prepare := func(task, name string, cfg agentproto.DockerVolume) string {
		t.Helper()
		dir, _, err := s.Docker(task, docker(name, cfg))
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
	own := prepare("t1", "own", agentproto.DockerVolume{Scope: "task", DriverOpts: bind})
	if again := prepare("t1", "own", agentproto.DockerVolume{Scope: "task", DriverOpts: bind}); again != own {
		t.Errorf("again at %s", again)
	}
	shared := prepare("t1", "shared", agentproto.DockerVolume{Scope: "shared", Autoprovision: true, DriverOpts: bind})
	memory := prepare("t1", "memory", agentproto.DockerVolume{Scope: "task", DriverOpts: map[string]string{"type": "tmpfs", "device": "tmpfs", "o": "size=1m,uid=7"}})
	if err := os.WriteFile(filepath.Join(own, "file"), []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(shared, "file")); err != nil || string(data) != "kept" {
		t.Errorf("the shared one shows %q, %v", data, err)
	}
	if found, err := mountsBelow(s.root); err != nil || len(found) != 2 {
		t.Errorf("mounts %v, %v; want two, each once", found, err)
	}
	if info, err := os.ReadFile("/proc/self/mountinfo"); err != nil || !strings.Contains(string(info), "size=1024k,uid=7") || !strings.Contains(string(info), memory) {
		t.Errorf("options are not mounted (%v)", err)
	}
	next, err := Open(s.cfg) // after a kill
	if err != nil {
		t.Fatal(err)
	}
	if err := next.Sweep(func(string) bool { return false }); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(own); !os.IsNotExist(err) {
		t.Errorf("the task's volume is left: %v", err)
	}
	if data, err := os.ReadFile(filepath.Join(precious, "file")); err != nil || string(data) != "kept" {
		t.Fatalf("the host's data is lost: %q, %v", data, err)
	}
	if err := next.Unmount(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(shared); err != nil || len(left) != 0 {
		t.Errorf("still mounted: %v, %v", left, err)
	}
	// The next use mounts it again, by what was written down.
	prepare("t2", "shared", agentproto.DockerVolume{Scope: "shared"})
	if data, err := os.ReadFile(filepath.Join(shared, "file")); err != nil || string(data) != "kept" {
		t.Errorf("mounted again: %q, %v", data, err)
	}
	gone := agentproto.DockerVolume{Scope: "task", DriverOpts: map[string]string{"type": "none", "device": "/nope", "o": "bind"}}
	if _, _, err := s.Docker("t3", docker("gone", gone)); err == nil || !strings.Contains(err.Error(), "failed to mount local volume") {
		t.Errorf("a device that is not there: %v", err)
	}
}
