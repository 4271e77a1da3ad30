package up

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/namespaces"
)

// DefaultContainerd is where the machine's own containerd listens.
const DefaultContainerd = "/run/containerd/containerd.sock"

// containerdProcess is the containerd that is used: the machine's own, or, where
// none runs, one that this installation started for itself.
type containerdProcess struct {
	socket    string
	namespace string // ours in it, so that nobody else's containers are touched
	pid       int    // of one of our own; 0: the machine's
	state     string // directory of one of our own that must not be left behind
}

// containerdConfig keeps to what we use: CRI and its network plug-ins are for
// Kubernetes.
const containerdConfig = `version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri"]
`

// ensureContainerd finds the machine's containerd, one of our own that a killed
// Slipway left running, or starts one.
func (u *up) ensureContainerd(ctx context.Context) (*containerdProcess, error) {
	p := &containerdProcess{socket: u.cfg.Containerd, namespace: "slipway-" + u.home.Identity.Name}
	if answers(ctx, p.socket) {
		return p, nil
	}
	p.socket = filepath.Join(u.runDir(), "containerd.sock")
	p.state = filepath.Join(u.runDir(), "containerd")
	pidFile := filepath.Join(u.home.Dir, "containerd.pid")
	if pid := runningPid(pidFile, p.socket); pid > 0 && answers(ctx, p.socket) {
		p.pid = pid
		return p, nil
	}
	u.cfg.Progress("no containerd runs on this machine: starting one for this installation")
	if err := p.start(u.home.Dir, pidFile); err != nil {
		return nil, fmt.Errorf("start containerd: %w", err)
	}
	return p, p.await(ctx)
}

func (p *containerdProcess) start(dir, pidFile string) error {
	path, err := exec.LookPath("containerd")
	if err != nil {
		return errors.New("containerd is not installed; `slipway doctor` says how to get it")
	}
	if err := os.MkdirAll(p.state, 0o711); err != nil {
		return err
	}
	config := filepath.Join(dir, "containerd.toml")
	if err := os.WriteFile(config, []byte(containerdConfig), 0o600); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(dir, "containerd.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(path, "--config", config, "--log-level", "warn",
		"--root", filepath.Join(dir, "containerd"), "--state", p.state, "--address", p.socket)
	cmd.Stdout, cmd.Stderr = log, log
	// It outlives a kill -9 of this process, as its containers do.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.pid = cmd.Process.Pid
	go cmd.Wait() // reaps it; its end is noticed by those who use it
	return os.WriteFile(pidFile, []byte(strconv.Itoa(p.pid)+"\n"), 0o600)
}

// await waits until containerd answers.
func (p *containerdProcess) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !answers(ctx, p.socket) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("containerd does not answer at %s; its log is containerd.log in the data directory", p.socket)
		case <-tick.C:
		}
	}
	return nil
}

// end removes our namespace and, if it is our own, ends containerd.
func (p *containerdProcess) end(ctx context.Context) error {
	err := p.removeNamespace(ctx)
	if p.pid == 0 {
		return err
	}
	if killErr := syscall.Kill(p.pid, syscall.SIGTERM); killErr != nil && !errors.Is(killErr, syscall.ESRCH) {
		err = errors.Join(err, fmt.Errorf("end containerd: %w", killErr))
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for syscall.Kill(p.pid, 0) == nil {
		select {
		case <-ctx.Done():
			return errors.Join(err, syscall.Kill(p.pid, syscall.SIGKILL))
		case <-tick.C:
		}
	}
	return errors.Join(err, os.RemoveAll(p.state))
}

// removeNamespace deletes the images, and with them the namespace, which holds no
// container any more: every instance removed its own.
func (p *containerdProcess) removeNamespace(ctx context.Context) error {
	client, err := containerd.New(p.socket, containerd.WithTimeout(5*time.Second))
	if err != nil {
		return fmt.Errorf("clean up containerd: %w", err)
	}
	defer client.Close()
	ctx = namespaces.WithNamespace(ctx, p.namespace)
	if err := emptyNamespace(ctx, client); err != nil {
		return fmt.Errorf("clean up containerd namespace %s: %w", p.namespace, err)
	}
	return nil
}

func answers(ctx context.Context, socket string) bool {
	if _, err := os.Stat(socket); err != nil {
		return false
	}
	client, err := containerd.New(socket, containerd.WithTimeout(time.Second))
	if err != nil {
		return false
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, err = client.Version(ctx)
	return err == nil
}

// runningPid reads a pid file and returns the pid if it still is the process
// that has the socket in its arguments: pids are used again.
func runningPid(file, socket string) int {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0
	}
	args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || !strings.Contains(string(args), socket) {
		return 0
	}
	return pid
}
