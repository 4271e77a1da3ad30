//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// process is a container as containerd knows it.
type process struct {
	id    string
	task  string // ARN
	pid   int    // 0: it does not run
	begun string // when, in ticks since boot: pids are used again
}

// socket is the containerd that this Slipway uses.
func (s *site) socket(t *testing.T) string {
	own := filepath.Join("/run/slipway", s.name(t), "containerd.sock")
	if _, err := os.Stat(own); err == nil {
		return own
	}
	return "/run/containerd/containerd.sock"
}

// processes asks containerd, not Slipway, what there is, by container id.
func (s *site) processes(t *testing.T) map[string]process {
	t.Helper()
	client, err := containerd.New(s.socket(t))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx := namespaces.WithNamespace(t.Context(), "slipway-"+s.name(t))
	all, err := client.Containers(ctx)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]process{}
	for _, c := range all {
		p, err := look(ctx, c)
		if errdefs.IsNotFound(err) {
			continue // removed meanwhile
		}
		if err != nil {
			t.Fatal(err)
		}
		out[p.id] = p
	}
	return out
}

func look(ctx context.Context, c containerd.Container) (process, error) {
	labels, err := c.Labels(ctx)
	if err != nil {
		return process{}, err
	}
	p := process{id: c.ID(), task: labels["com.amazonaws.ecs.task-arn"]}
	task, err := c.Task(ctx, nil)
	if errdefs.IsNotFound(err) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	status, err := task.Status(ctx)
	if err != nil || status.Status != containerd.Running {
		return p, err
	}
	p.pid = int(task.Pid())
	p.begun = begun(p.pid)
	return p, nil
}

// begun is the start time of a process (proc(5), stat, field 22); "" if it is gone.
func begun(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The name in field 2 may contain anything but ends with the last ")".
	_, rest, _ := strings.Cut(string(b[strings.LastIndexByte(string(b), ')'):]), " ")
	return strings.Fields(rest)[19]
}

// process is the running process of a task's first container.
func (s *site) process(t *testing.T, task types.Task) process {
	t.Helper()
	p := s.processes(t)[aws.ToString(task.Containers[0].RuntimeId)]
	if p.pid == 0 {
		t.Fatalf("no process runs for %v", taskView{task})
	}
	return p
}

// assertSame checks that a task still runs in the very same process.
func (s *site) assertSame(t *testing.T, arn string, before process) {
	t.Helper()
	task := s.await(t, arn, "RUNNING")
	if after := s.process(t, task); after != before {
		t.Errorf("task %s runs in %+v, before in %+v", arn, after, before)
	}
}

// killProcess kills a container's process from outside.
func killProcess(t *testing.T, p process) {
	t.Helper()
	if err := syscall.Kill(p.pid, syscall.SIGKILL); err != nil {
		t.Fatalf("kill process %d: %v", p.pid, err)
	}
}
