// Package containerdtest gives tests a containerd of their own, a registry, and
// images made on the spot.
//
// It owns the processes and directories that it starts, below a temporary
// directory, and ends and removes them with the test. It needs root and the
// containerd and runc programs, and fails the test that lacks them.
package containerdtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
)

// Daemon is a running containerd.
type Daemon struct {
	Socket string
	dir    string
	cmd    *exec.Cmd
}

// Start runs a containerd until the test ends. Containers must be removed
// before: containerd leaves them running.
func Start(t testing.TB) *Daemon {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("this test needs root")
	}
	for _, program := range []string{"containerd", "containerd-shim-runc-v2", "runc"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("this test needs %s: %v", program, err)
		}
	}
	dir, err := os.MkdirTemp("", "ctrd") //nolint:usetesting // t.TempDir has names that are too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	d := &Daemon{Socket: filepath.Join(dir, "c.sock"), dir: dir}
	config := fmt.Sprintf("version = 2\nroot = %q\nstate = %q\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n[grpc]\naddress = %q\n",
		filepath.Join(dir, "root"), filepath.Join(dir, "state"), d.Socket)
	if err := os.WriteFile(filepath.Join(dir, "config.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.end(t, syscall.SIGTERM)
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove containerd's directory: %v", err)
		}
	})
	d.begin(t)
	return d
}

func (d *Daemon) begin(t testing.TB) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(d.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	d.cmd = exec.Command("containerd", "--config", filepath.Join(d.dir, "config.toml"))
	d.cmd.Stdout, d.cmd.Stderr = log, log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	client, err := containerd.New(d.Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := client.IsServing(ctx); err == nil && ok {
			return
		}
		select {
		case <-ctx.Done():
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("containerd does not serve:\n%s", text)
		case <-tick.C:
		}
	}
}

func (d *Daemon) end(t testing.TB, sig syscall.Signal) {
	if d.cmd == nil {
		return
	}
	if err := d.cmd.Process.Signal(sig); err != nil {
		t.Errorf("end containerd: %v", err)
	}
	_ = d.cmd.Wait() // its exit status says only which signal it was
	d.cmd = nil
}

// Kill ends containerd without a word; its containers go on.
func (d *Daemon) Kill(t testing.TB) { d.end(t, syscall.SIGKILL) }

// Again starts it anew.
func (d *Daemon) Again(t testing.TB) { d.begin(t) }

// Dir is where it keeps its files.
func (d *Daemon) Dir() string { return d.dir }
