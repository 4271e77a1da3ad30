package up

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/slipway/slipway/internal/instance"
)

// ownContainerd is a containerd of this installation, where the machine runs
// none: there is no service manager that would start it again, so this does.
type ownContainerd struct {
	socket  string
	state   string // directory that must not be left behind
	dir     string // data directory
	pidFile string
	log     *slog.Logger

	quit chan struct{} // closed: it is to end
	done chan struct{} // closed: nobody starts it any more

	mu     sync.Mutex
	pid    int
	exited chan struct{} // closed once pid has ended
}

// containerdConfig keeps to what we use: CRI and its network plug-ins are for
// Kubernetes. A slow machine gets more time than containerd's 5 s: a shim that is
// not found again in time after a restart is lost, and a crun that is killed over
// its clean-up leaves a mount of itself in /tmp.
const containerdConfig = `version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri"]

[timeouts]
  "io.containerd.timeout.shim.cleanup" = "1m"
  "io.containerd.timeout.shim.load" = "1m"
`

// containerdDelay keeps a containerd that dies at once from spinning.
const containerdDelay = time.Second

func newOwnContainerd(dir, runDir string, log *slog.Logger) *ownContainerd {
	return &ownContainerd{
		socket: filepath.Join(runDir, "containerd.sock"), state: filepath.Join(runDir, "containerd"),
		dir: dir, pidFile: filepath.Join(dir, "containerd.pid"), log: log,
		quit: make(chan struct{}), done: make(chan struct{}),
	}
}

// adopt takes over one that a killed Slipway left running, if there is one.
func (o *ownContainerd) adopt(ctx context.Context) bool {
	pid := runningPid(o.pidFile, o.socket)
	if pid == 0 || !answers(ctx, o.socket) {
		return false
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return false
	}
	o.pid, o.exited = pid, make(chan struct{})
	go awaitExit(fd, o.exited)
	return true
}

// awaitExit waits for a process that is not our child.
func awaitExit(fd int, exited chan<- struct{}) {
	defer close(exited)
	defer unix.Close(fd)
	for {
		_, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

func (o *ownContainerd) start() error {
	path, err := exec.LookPath("containerd")
	if err != nil {
		return errors.New("containerd is not installed; `slipway doctor` says how to get it")
	}
	if err := os.MkdirAll(o.state, 0o711); err != nil {
		return err
	}
	config := filepath.Join(o.dir, "containerd.toml")
	if err := os.WriteFile(config, []byte(containerdConfig), 0o600); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(o.dir, "containerd.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(path, "--config", config, "--log-level", "warn",
		"--root", filepath.Join(o.dir, "containerd"), "--state", o.state, "--address", o.socket)
	cmd.Stdout, cmd.Stderr = log, log
	// It outlives a kill -9 of this process, as its containers do.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = cmd.Wait() // how it ended is in its log
	}()
	o.pid, o.exited = cmd.Process.Pid, exited
	return os.WriteFile(o.pidFile, []byte(strconv.Itoa(o.pid)+"\n"), 0o600)
}

// keep starts it again whenever it ends, until end.
func (o *ownContainerd) keep() {
	go func() {
		defer close(o.done)
		for {
			<-o.exited
			if !o.restart() {
				return
			}
			select {
			case <-o.quit:
			case <-time.After(containerdDelay):
			}
		}
	}()
}

// restart starts it unless it is to end.
func (o *ownContainerd) restart() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case <-o.quit:
		return false
	default:
	}
	o.log.Warn("containerd ended and is started again", "pid", o.pid)
	if err := o.start(); err != nil {
		o.log.Error("containerd did not start", "err", err)
	}
	return true
}

// end ends it for good and removes what it keeps outside of the data directory.
func (o *ownContainerd) end(ctx context.Context) error {
	o.mu.Lock()
	close(o.quit)
	pid := o.pid
	o.mu.Unlock()
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("end containerd: %w", err)
	}
	select {
	case <-o.done:
	case <-ctx.Done():
		_ = syscall.Kill(pid, syscall.SIGKILL)
		<-o.done
	}
	return errors.Join(o.endShims(ctx), instance.UnmountBelow(o.state), os.RemoveAll(o.state))
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
