//go:build integration

package runtime

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/core/containers"
)

func TestRestartKeepsFilesAndLog(t *testing.T) {
	r := newRig(t)
	exits := r.Exits(t.Context())
	// Two in one shim, of which the first lends it its directory.
	spec, other := r.spec("runs", "/count", "4"), r.spec("wait")
	spec.Group, other.Group = "task", "task"
	r.start(t, spec)
	r.start(t, other)
	r.ready(t, other)
	for i := range 3 {
		if e := r.exit(t, spec.ID); e.Code != 4 {
			t.Fatalf("run %d: %+v", i, e)
		}
		if e := <-exits; e.ID != spec.ID || e.Code != 4 {
			t.Errorf("heard of %+v", e)
		}
		if i == 2 {
			break
		}
		if pid, err := r.Restart(t.Context(), spec.ID); err != nil || pid == 0 {
			t.Fatalf("Restart = %d, %v", pid, err)
		}
	}
	if out := r.log(t, spec); out != "run 1\nrun 2\nrun 3\n" {
		t.Errorf("log %q", out)
	}
	if s, err := r.Inspect(t.Context(), other.ID); err != nil || s.Status != Running {
		t.Errorf("the other of the group: %+v, %v", s, err)
	}
	if err := r.Remove(t.Context(), spec.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Restart(t.Context(), spec.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("Restart of what is removed: %v", err)
	}
}

func TestRestartOfWhatRuns(t *testing.T) {
	r := newRig(t)
	spec := r.spec("runs", "/count", "-1")
	if err := r.Create(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	pid, err := r.Restart(t.Context(), spec.ID)
	if err != nil || pid == 0 {
		t.Fatalf("Restart of a created one = %d, %v", pid, err)
	}
	r.ready(t, spec)
	if again, err := r.Restart(t.Context(), spec.ID); err != nil || again != pid {
		t.Errorf("Restart of a running one = %d, %v; want %d", again, err, pid)
	}
	if err := r.Signal(t.Context(), spec.ID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	// Not waited for: Restart sees to the end itself.
	next, err := r.Restart(t.Context(), spec.ID)
	if err != nil {
		t.Fatal(err)
	}
	if next == pid {
		// The kill had not arrived: it was still running.
		r.exit(t, spec.ID)
		if next, err = r.Restart(t.Context(), spec.ID); err != nil {
			t.Fatal(err)
		}
	}
	r.says(t, spec, "run 2\nready\n")
	s, err := r.Inspect(t.Context(), spec.ID)
	if err != nil || s.Status != Running || s.Pid != next || s.ExitCode != 0 {
		t.Errorf("after the restart: %+v, %v", s, err)
	}
	if u, err := r.Usage(t.Context(), spec.ID); err != nil || u.CPUTotal == 0 {
		t.Errorf("usage: %+v, %v", u, err)
	}
	// The new process is killed under another agent.
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r.open(t)
	if err := r.Signal(t.Context(), spec.ID, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if e := r.exit(t, spec.ID); e.Code != 0 || e.Vanished {
		t.Errorf("exit %+v", e)
	}
	if out := r.log(t, spec); out != "run 1\nready\nrun 2\nready\n" {
		t.Errorf("log %q", out)
	}
}

func TestRestartThatWasCutOff(t *testing.T) {
	r := newRig(t)
	spec := r.spec("runs", "/count", "4")
	r.start(t, spec)
	r.exit(t, spec.ID)
	// The agent was killed when it had moved the exit aside.
	ctx := r.context(t.Context())
	c, err := r.client.ContainerService().Get(ctx, spec.ID)
	if err != nil {
		t.Fatal(err)
	}
	change := containers.Container{ID: spec.ID, Labels: map[string]string{labelEarlier: c.Labels[labelExit]}}
	if _, err := r.client.ContainerService().Update(ctx, change, "labels."+labelEarlier, "labels."+labelExit); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r.open(t)
	if s, err := r.Inspect(t.Context(), spec.ID); err != nil || s.Status != Stopped || s.ExitCode != 4 {
		t.Errorf("after the kill: %+v, %v", s, err)
	}
	if err := r.Create(t.Context(), spec); err != nil {
		t.Errorf("Create of what exists: %v", err)
	}
	if _, err := r.Restart(t.Context(), spec.ID); err != nil {
		t.Fatal(err)
	}
	if e := r.exit(t, spec.ID); e.Code != 4 {
		t.Errorf("exit %+v", e)
	}
	if out := r.log(t, spec); out != "run 1\nrun 2\n" {
		t.Errorf("log %q: the files are lost", out)
	}
}

func TestRestartWhileContainerdIsAway(t *testing.T) {
	r := newRig(t)
	spec := r.spec("runs", "/count", "4")
	r.start(t, spec)
	r.exit(t, spec.ID)
	r.daemon.Kill(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := r.Restart(ctx, spec.ID); err == nil {
		t.Error("restarted without containerd")
	}
	r.daemon.Again(t)
	if _, err := r.Restart(t.Context(), spec.ID); err != nil {
		t.Fatal(err)
	}
	if e := r.exit(t, spec.ID); e.Code != 4 {
		t.Errorf("exit %+v", e)
	}
}
