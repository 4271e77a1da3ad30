//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	containerd "github.com/containerd/containerd/v2/client"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// TestTaskLivesThroughCrashes kills the agent and containerd at several moments
// of a task that has something of everything: an order of its containers, health
// checks, restart policies, shared namespaces, output without end.
func TestTaskLivesThroughCrashes(t *testing.T) {
	t.Parallel()
	s := ownSite(t, "--instances", "1", "--containerd", filepath.Join(t.TempDir(), "none.sock"))
	s.image = s.pushTools(t)
	r := &ran{site: s, dir: t.TempDir()}
	def := s.complete(eventful(), r.dir)
	def.Family = aws.String("eventful")
	r.arn = s.run(t, s.registerInput(t, &def))

	r.noteOf(t, "starts", "first")
	before := s.processes(t)
	s.crash(t)
	if task := s.describe(t, r.arn); aws.ToString(container(t, task, "main").LastStatus) != "PENDING" {
		t.Errorf("main did not wait: %v", taskView{task})
	}
	r.leave(t, "first-ends")
	r.noteOf(t, "starts", "checked")
	s.crash(t)
	r.leave(t, "checked-is-well")
	running := r.running(t)
	if _, same := before[*container(t, running, "first").RuntimeId]; !same {
		t.Errorf("the first container became another one: %v", taskView{running})
	}
	before = s.processes(t)
	s.crash(t)
	r.verdict(t, "checked", types.HealthStatusHealthy)
	after := s.processes(t)
	for _, c := range running.Containers {
		id := aws.ToString(c.RuntimeId)
		if before[id] != after[id] {
			t.Errorf("container %s ran as %+v, now as %+v", *c.Name, before[id], after[id])
		}
	}
	// A container under a restart policy that ends too early, unseen.
	agent := s.freezeAgent(t)
	killProcess(t, after[*container(t, running, "restarts").RuntimeId])
	s.killFrozen(t, agent)
	ended := s.awaitContainer(t, r.arn, "restarts", "STOPPED")
	assertExit(t, ended, "restarts", 137)

	if _, err := s.aws.ECS.StopTask(t.Context(), &ecs.StopTaskInput{Task: &r.arn}); err != nil {
		t.Fatal(err)
	}
	s.crash(t)
	task := r.stopped(t)
	assertStop(t, task, types.TaskStopCodeUserInitiated, "Task stopped by user")
	for name, code := range map[string]int32{"first": 0, "checked": 143, "restarts": 137, "talks": 143, "main": 143} {
		assertExit(t, task, name, code)
	}
	if got := r.note(t, "starts"); sorted(got) != "checked first main restarts talks" {
		t.Errorf("started: %q", got)
	}
	if got := r.note(t, "stops"); got != "main\nchecked\n" {
		t.Errorf("stopped: %q", got)
	}
	assertCounted(t, r.output(t, task, "talks"))
	for id, p := range s.processes(t) {
		if p.pid != 0 {
			t.Errorf("container %s of %s still runs", id, p.task)
		}
	}
}

// eventful is the definition of TestTaskLivesThroughCrashes.
func eventful() definition {
	check := func(c types.ContainerDefinition) types.ContainerDefinition {
		return checked(c, "CMD", "/web", "has", "/notes/checked-is-well")
	}
	patient := func(c types.ContainerDefinition) types.ContainerDefinition {
		c.HealthCheck.Retries, c.StopTimeout = aws.Int32(10), aws.Int32(60)
		return c
	}
	def := noting(
		after(box("main", "do", "write /notes/starts main", "last /notes/stops main"), "checked", onHealthy),
		after(patient(check(box("checked", "do", "write /notes/starts checked", "last /notes/stops checked"))), "first", onSuccess),
		beside("first", "do", "write /notes/starts first", "wait /notes/first-ends"),
		restarting(beside("restarts", "do", "write /notes/starts restarts", "sleep 3600")),
		beside("talks", "do", "write /notes/starts talks", "lines 100000 slowly"),
	)
	def.PidMode, def.IpcMode = types.PidModeTask, types.IpcModeTask
	return def
}

// crash kills the agent and containerd at the same moment.
func (s *site) crash(t *testing.T) {
	t.Helper()
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
	s.killAgent(t)
	eventually(t, "another containerd", func() (string, bool) {
		b, _ := os.ReadFile(filepath.Join(s.slipway.DataDir, "containerd.pid"))
		now, err := strconv.Atoi(strings.TrimSpace(string(b)))
		return string(b), err == nil && now != pid && s.answers(t)
	})
}

// answers reports whether containerd does.
func (s *site) answers(t *testing.T) bool {
	t.Helper()
	client, err := containerd.New(s.socket(t))
	if err != nil {
		return false
	}
	defer client.Close()
	ok, err := client.IsServing(t.Context())
	return ok && err == nil
}

// freezeAgent stops the agent where it is.
func (s *site) freezeAgent(t *testing.T) int {
	t.Helper()
	pids := s.agents(t)
	if len(pids) != 1 {
		t.Fatalf("the agents are %v", pids)
	}
	if err := syscall.Kill(pids[0], syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	return pids[0]
}

// killFrozen kills an agent that never woke up again.
func (s *site) killFrozen(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// awaitContainer waits until a container of a task has a status.
func (s *site) awaitContainer(t *testing.T, arn, name, status string) types.Task {
	t.Helper()
	return eventually(t, name+" "+status, func() (taskView, bool) {
		task := s.describe(t, arn)
		if aws.ToString(task.LastStatus) == "STOPPED" && status != "STOPPED" {
			t.Fatalf("the task has stopped: %v", taskView{task})
		}
		return taskView{task}, aws.ToString(container(t, task, name).LastStatus) == status
	}).Task
}

// noteOf waits until a file of the row's directory has a line.
func (r *ran) noteOf(t *testing.T, name, line string) {
	t.Helper()
	eventually(t, line+" in "+name, func() (string, bool) {
		text := r.note(t, name)
		return text, strings.Contains("\n"+text, "\n"+line+"\n")
	})
}

func sorted(lines string) string {
	words := strings.Fields(lines)
	slices.Sort(words)
	return strings.Join(words, " ")
}

// assertCounted checks that an output is of numbered lines, none of which is
// missing or there twice.
func assertCounted(t *testing.T, output string) {
	t.Helper()
	n := 0
	for line := range strings.Lines(output) {
		if want := fmt.Sprintf("line %d\n", n); line != want {
			t.Fatalf("line %d of the output is %q", n, line)
		}
		n++
	}
	if n == 0 {
		t.Error("no output")
	}
}
