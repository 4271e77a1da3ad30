//go:build e2e

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// agents are the process ids of this Slipway's agents.
func (s *site) agents(t *testing.T) []int {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, file := range lines {
		b, err := os.ReadFile(file)
		args := bytes.Split(b, []byte{0})
		if err != nil || len(args) < 2 || string(args[0]) != *binary || string(args[1]) != "agent" ||
			!bytes.Contains(b, []byte(s.name(t))) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// killAgent kills the agent of a Slipway with one instance.
func (s *site) killAgent(t *testing.T) {
	t.Helper()
	pids := s.agents(t)
	if len(pids) != 1 {
		t.Fatalf("the agents are %v", pids)
	}
	if err := syscall.Kill(pids[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "end of the agent", func() (string, bool) {
		b, err := os.ReadFile("/proc/" + strconv.Itoa(pids[0]) + "/cmdline")
		return string(b), err != nil || len(b) == 0
	})
}

func TestKilledAgent(t *testing.T) {
	t.Parallel()
	s := ownSite(t, "--instances", "1")
	definition := s.register(t, "agent", s.web("web"))
	var arns []string
	running := map[string]process{}

	t.Run("while tasks start", func(t *testing.T) {
		out, err := s.aws.ECS.RunTask(t.Context(), &ecs.RunTaskInput{TaskDefinition: &definition, Count: new(int32(6))})
		if err != nil || len(out.Tasks) != 6 {
			t.Fatalf("%+v, %v", out, err)
		}
		for _, task := range out.Tasks {
			arns = append(arns, *task.TaskArn)
		}
		s.killAgent(t)
		s.assertOnce(t, arns)
		for _, arn := range arns {
			running[arn] = s.process(t, s.describe(t, arn))
		}
	})
	t.Run("while tasks run", func(t *testing.T) {
		s.killAgent(t)
		// One ends while nobody looks.
		killProcess(t, running[arns[0]])
		task := s.await(t, arns[0], "STOPPED")
		assertExit(t, task, "web", 137)
		assertStop(t, task, types.TaskStopCodeEssentialContainerExited, "Essential container in task exited")
		for _, arn := range arns[1:] {
			s.assertSame(t, arn, running[arn])
		}
	})
	t.Run("while a task stops", func(t *testing.T) {
		if _, err := s.aws.ECS.StopTask(t.Context(), &ecs.StopTaskInput{Task: &arns[1]}); err != nil {
			t.Fatal(err)
		}
		s.killAgent(t)
		assertExit(t, s.await(t, arns[1], "STOPPED"), "web", 0)
		s.assertOnce(t, arns[2:])
		for _, arn := range arns[2:] {
			s.assertSame(t, arn, running[arn])
		}
	})
	if t.Failed() {
		return
	}
	// The agent that came back takes new tasks.
	s.await(t, s.run(t, definition), "RUNNING")
}

func TestKilledContainerd(t *testing.T) {
	t.Parallel()
	// Where the machine's own containerd runs, it is not ours to kill: Slipway
	// starts one for itself when it finds none.
	s := ownSite(t, "--instances", "1", "--containerd", filepath.Join(t.TempDir(), "none.sock"))
	arn := s.run(t, s.register(t, "containerd", s.web("web")))
	before := s.process(t, s.await(t, arn, "RUNNING"))
	b, err := os.ReadFile(filepath.Join(s.slipway.DataDir, "containerd.pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	// A task that is asked for meanwhile waits for it.
	assertExit(t, s.await(t, s.run(t, s.register(t, "later", s.web("web", "exit", "9"))), "STOPPED"), "web", 9)
	s.assertSame(t, arn, before)
	s.assertOnce(t, []string{arn})
	assertExit(t, s.stop(t, arn), "web", 0)
}
