package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// daemons is the control group of the control plane, containerd, its shims and
// their runc processes while they are measured.
const daemons = "/slipway-bench-daemons"

// meter tells the CPU time of everything that takes part in a container's start.
// The kernel counts it by control group, so that processes which ended are in it.
type meter struct {
	root, file string   // of the hierarchy, and its counter
	groups     []string // below the root
}

func newMeter() (*meter, error) {
	m := &meter{root: "/sys/fs/cgroup", file: "cpu.stat", groups: []string{daemons, "/" + ctrNamespace}}
	if _, err := os.Stat(m.root + "/cpuacct"); err == nil {
		m.root, m.file = m.root+"/cpuacct", "cpuacct.usage"
	}
	if err := os.Mkdir(m.root+daemons, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make control group: %w", err)
	}
	// Where the hierarchy shares out the CPU too, the group counts like as many
	// processes as are in it, not like one.
	_ = os.WriteFile(m.root+daemons+"/cpu.shares", []byte("262144"), 0)
	_ = os.WriteFile(m.root+daemons+"/cpu.weight", []byte("10000"), 0)
	return m, nil
}

// watch adds a cluster's processes; those of instances have a group already, and
// what the others start later goes where they are.
func (m *meter) watch(ctx context.Context, c *cluster) error {
	name, err := c.installation()
	if err != nil {
		return err
	}
	socket, err := c.containerd()
	if err != nil {
		return err
	}
	containerd, err := peer(ctx, socket)
	if err != nil {
		return err
	}
	pids := []int{c.slipway.Pid()}
	if socket == machineContainerd { // which stays where its owner put it
		group, err := m.groupOf(containerd)
		if err != nil {
			return err
		}
		m.groups = append(m.groups, group)
	} else {
		pids = append(pids, containerd)
	}
	m.groups = append(m.groups, "/slipway-"+name)
	for _, pid := range pids {
		if err := os.WriteFile(m.root+daemons+"/cgroup.procs", []byte(strconv.Itoa(pid)), 0); err != nil {
			return fmt.Errorf("move process %d into a control group: %w", pid, err)
		}
	}
	return nil
}

// groupOf is the group of a process, which must not be everybody's.
func (m *meter) groupOf(pid int) (string, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(b)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) < 3 || f[1] != "" && !strings.Contains(","+f[1]+",", ",cpuacct,") || f[1] == "" && m.file != "cpu.stat" {
			continue
		}
		if f[2] != "/" {
			return f[2], nil
		}
	}
	return "", fmt.Errorf("process %d has no control group of its own: its CPU time cannot be told from others'", pid)
}

// read is the CPU time up to now.
func (m *meter) read() (time.Duration, error) {
	var sum time.Duration
	for _, group := range m.groups {
		b, err := os.ReadFile(filepath.Join(m.root, group, m.file))
		if errors.Is(err, fs.ErrNotExist) {
			continue // nobody has run in it yet
		}
		if err != nil {
			return 0, err
		}
		text, unit := strings.TrimSpace(string(b)), time.Nanosecond
		if after, ok := strings.CutPrefix(text, "usage_usec "); ok {
			text, _, _ = strings.Cut(after, "\n")
			unit = time.Microsecond
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read CPU time of %s: %w", group, err)
		}
		sum += time.Duration(n) * unit
	}
	return sum, nil
}

// close is for after the processes have ended.
func (m *meter) close() { _ = os.Remove(m.root + daemons) }

// peer is the process that listens at a socket.
func peer(ctx context.Context, socket string) (int, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var cerr error
	err = raw.Control(func(fd uintptr) { cred, cerr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err := errors.Join(err, cerr); err != nil {
		return 0, fmt.Errorf("find who listens at %s: %w", socket, err)
	}
	return int(cred.Pid), nil
}

// processCPU is the CPU time of a process and its threads, in steps of 10 ms.
func processCPU(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	text := string(b)
	f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(f) < 13 {
		return 0, fmt.Errorf("read CPU time of process %d: %q", pid, text)
	}
	user, uerr := strconv.Atoi(f[11])
	system, serr := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(uerr, serr)
}
