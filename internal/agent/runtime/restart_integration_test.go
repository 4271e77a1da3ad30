//go:build integration

package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestAgentRestart(t *testing.T) {
	r := newRig(t)
	stays, ends := r.spec("trap", "15", "6"), r.spec("trap", "15", "7")
	for _, s := range []Spec{stays, ends} {
		r.start(t, s)
		r.ready(t, s)
	}
	before, err := r.Inspect(t.Context(), stays.ID)
	if err != nil {
		t.Fatal(err)
	}
	dies, err := r.Inspect(t.Context(), ends.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	killAndWait(t, int(dies.Pid), syscall.SIGTERM)
	r.open(t)
	if e := r.exit(t, ends.ID); e.Code != 7 {
		t.Errorf("ended while no agent ran: %+v", e)
	}
	after, err := r.Inspect(t.Context(), stays.ID)
	if err != nil || after.Pid != before.Pid || after.Status != Running || after.StartedAt.IsZero() {
		t.Errorf("went on: %+v, %v; before %+v", after, err, before)
	}
	if err := r.Create(t.Context(), stays); err != nil {
		t.Errorf("Create of what runs: %v", err)
	}
	if pid, err := r.Start(t.Context(), stays.ID); err != nil || pid != before.Pid {
		t.Errorf("Start of what runs = %d, %v", pid, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	exits := r.Exits(ctx)
	if err := r.Signal(t.Context(), stays.ID, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if e := r.exit(t, stays.ID); e.Code != 6 {
		t.Errorf("ended under the new agent: %+v", e)
	}
	if e := <-exits; e.ID != stays.ID || e.Code != 6 {
		t.Errorf("heard of %+v", e)
	}
}

// killAndWait signals a process that is not our child and waits for its end.
func killAndWait(t testing.TB, pid int, sig syscall.Signal) {
	t.Helper()
	fd := pidfd(t, pid)
	if err := unix.PidfdSendSignal(fd, sig, nil, 0); err != nil {
		t.Fatal(err)
	}
	ended(t, fd)
}

func pidfd(t testing.TB, pid int) int {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// ended waits for the end of a process.
func ended(t testing.TB, fd int) {
	t.Helper()
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 60_000)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			t.Fatalf("the process did not end: %v", err)
		}
		return
	}
}

func TestContainerdRestart(t *testing.T) {
	r := newRig(t)
	stays, ends, shimless, talks := r.spec("trap", "15", "6"), r.spec("trap", "15", "7"), r.spec("wait"), r.spec("lines", "2000", "1000")
	for _, s := range []Spec{stays, ends, shimless} {
		r.start(t, s)
		r.ready(t, s)
	}
	r.start(t, talks)
	dies, err := r.Inspect(t.Context(), ends.ID)
	if err != nil {
		t.Fatal(err)
	}
	lost, err := r.Inspect(t.Context(), shimless.ID)
	if err != nil {
		t.Fatal(err)
	}
	r.daemon.Kill(t)
	killAndWait(t, int(dies.Pid), syscall.SIGTERM)
	dropSocket(t, r, shimless.ID)
	killAndWait(t, parent(t, int(lost.Pid)), syscall.SIGKILL)
	r.daemon.Again(t)
	if e := r.exit(t, ends.ID); e.Code != 7 || e.Vanished {
		t.Errorf("ended while containerd was away: %+v", e)
	}
	if e := r.exit(t, shimless.ID); e.Code != 137 {
		t.Errorf("shim killed: %+v", e)
	}
	if e := r.exit(t, talks.ID); e.Code != 0 {
		t.Errorf("talked on: %+v", e)
	}
	if out := r.log(t, talks); strings.Count(out, "\n") != 2000 {
		t.Errorf("%d of 2000 lines were kept", strings.Count(out, "\n"))
	}
	if s, err := r.Inspect(t.Context(), stays.ID); err != nil || s.Status != Running {
		t.Errorf("state = %+v, %v", s, err)
	}
	if err := r.Signal(t.Context(), stays.ID, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if e := r.exit(t, stays.ID); e.Code != 6 {
		t.Errorf("ended afterwards: %+v", e)
	}
}

// dropSocket deletes the socket of a shim that will have no chance to do it.
func dropSocket(t *testing.T, r *rig, id string) {
	t.Helper()
	address, err := os.ReadFile(filepath.Join(r.daemon.Dir(), "state", "io.containerd.runtime.v2.task", "test", id, "address"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := os.Remove(strings.TrimPrefix(string(address), "unix://"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	})
}

func parent(t *testing.T, pid int) int {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	var state string
	var ppid int
	if _, err := fmt.Sscan(rest, &state, &ppid); err != nil {
		t.Fatal(err)
	}
	return ppid
}
