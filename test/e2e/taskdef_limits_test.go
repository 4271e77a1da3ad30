//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// limitRows: cpu and memory of tasks and containers (ecs-behaviour: containers,
// task definition rules).
var limitRows = []row{{
	name: "memory is a hard limit, and nothing beside it is disturbed",
	def:  of(beside("greedy", "alloc", "200"), box("main", "alloc", "20")),
	check: func(t *testing.T, r *ran) {
		task := eventually(t, "end of the greedy one", func() (taskView, bool) {
			task := r.describe(t, r.arn)
			return taskView{task}, aws.ToString(container(t, task, "greedy").LastStatus) == "STOPPED"
		}).Task
		assertExit(t, task, "greedy", 137)
		want := "OutOfMemoryError: Container killed due to memory usage"
		if got := aws.ToString(container(t, task, "greedy").Reason); got != want {
			t.Errorf("reason %q, want %q", got, want)
		}
		if main := container(t, r.running(t), "main"); aws.ToString(main.LastStatus) != "RUNNING" {
			t.Errorf("beside it: %v", taskView{task})
		}
		assertExit(t, r.stop(t, r.arn), "main", 143)
	},
}, {
	name: "memory: an essential container over its limit ends the task",
	def:  of(box("main", "alloc", "200")),
	check: func(t *testing.T, r *ran) {
		task := r.stopped(t)
		assertExit(t, task, "main", 137)
		assertStop(t, task, types.TaskStopCodeEssentialContainerExited, "Essential container in task exited")
		if got := aws.ToString(container(t, task, "main").Reason); got != "OutOfMemoryError: Container killed due to memory usage" {
			t.Errorf("reason %q", got)
		}
	},
}, {
	name: "memory: the reason names it when another process than the first is killed",
	def:  of(box("main", "do", "child alloc 200")),
	check: func(t *testing.T, r *ran) {
		task := r.stopped(t)
		assertExit(t, task, "main", 1)
		if got := aws.ToString(container(t, task, "main").Reason); got != "OutOfMemoryError: Container killed due to memory usage" {
			t.Errorf("reason %q", got)
		}
	},
}, {
	name: "memory of the task is a hard limit over its containers",
	def: definition{
		Memory: aws.String("64"),
		ContainerDefinitions: []types.ContainerDefinition{
			box("main", "alloc", "40"), after(box("other", "alloc", "40"), "main", onStart),
		},
	},
	check: func(t *testing.T, r *ran) {
		task := r.stopped(t)
		if code := container(t, task, "main").ExitCode; aws.ToInt32(code) != 137 && aws.ToInt32(container(t, task, "other").ExitCode) != 137 {
			t.Errorf("neither was killed: %v", taskView{task})
		}
	},
}, {
	name: "memory and memoryReservation",
	def: of(with(box("main", "sleep", "3600"), func(c *types.ContainerDefinition) {
		c.Memory, c.MemoryReservation = aws.Int32(96), aws.Int32(48)
	})),
	check: func(t *testing.T, r *ran) {
		r.assertGroup(t, "main", "memory/memory.limit_in_bytes", "memory.max", 96<<20)
		r.assertGroup(t, "main", "memory/memory.soft_limit_in_bytes", "memory.low", 48<<20)
	},
}, {
	name: "memoryReservation alone is no hard limit",
	def:  of(with(box("main", "alloc", "100"), func(c *types.ContainerDefinition) { c.MemoryReservation = aws.Int32(16) })),
	check: func(t *testing.T, r *ran) {
		r.awaitOutput(t, r.running(t), "main", "sleeping")
		r.running(t)
	},
}, {
	name: "cpu of a container: shares",
	def:  of(with(box("main", "sleep", "3600"), func(c *types.ContainerDefinition) { c.Cpu = 512 }), box("none", "sleep", "3600")),
	check: func(t *testing.T, r *ran) {
		r.assertGroup(t, "main", "cpu/cpu.shares", "cpu.weight", 512)
		r.assertGroup(t, "none", "cpu/cpu.shares", "cpu.weight", 2)
	},
}, {
	name: "cpu and memory of the task: quota and limit",
	def: definition{
		Cpu: aws.String("0.5 vCPU"), Memory: aws.String("0.5 GB"),
		ContainerDefinitions: []types.ContainerDefinition{box("main", "sleep", "3600")},
	},
	check: func(t *testing.T, r *ran) {
		r.assertTaskGroup(t, "cpu/cpu.cfs_quota_us", "cpu.max", 50_000)
		r.assertTaskGroup(t, "memory/memory.limit_in_bytes", "memory.max", 512<<20)
	},
}, {
	name: "swappiness and maxSwap",
	def: of(linux(with(box("main", "sleep", "3600"), func(c *types.ContainerDefinition) { c.Memory = aws.Int32(64) }),
		types.LinuxParameters{MaxSwap: aws.Int32(32), Swappiness: aws.Int32(10)})),
	check: func(t *testing.T, r *ran) {
		r.running(t)
		if unified() {
			return // control groups of the second version know no swappiness
		}
		r.assertGroup(t, "main", "memory/memory.swappiness", "", 10)
		r.assertGroup(t, "main", "memory/memory.memsw.limit_in_bytes", "", 96<<20)
	},
}, {
	name: "a fork bomb under the limit of processes of its user",
	def: of(with(as(box("main", "fork", "500"), "54321"), func(c *types.ContainerDefinition) {
		c.Memory = aws.Int32(512)
		c.Ulimits = []types.Ulimit{{Name: types.UlimitNameNproc, SoftLimit: 100, HardLimit: 100}}
	})),
	check: bombed(54321),
}, {
	name:  "a fork bomb under the limit of processes of its task",
	def:   of(with(as(box("main", "fork", "500"), "54322"), func(c *types.ContainerDefinition) { c.Memory = aws.Int32(512) })),
	check: bombed(54322),
}}

// bombed checks that the kernel refused a container more processes, and that all
// of them are gone with the task.
func bombed(user int) func(*testing.T, *ran) {
	return func(t *testing.T, r *ran) {
		r.awaitOutput(t, r.running(t), "main", "refused after")
		r.stop(t, r.arn)
		assertNoProcesses(t, user)
	}
}

func unified() bool {
	_, err := os.Stat("/sys/fs/cgroup/cgroup.controllers")
	return err == nil
}

// groupFile is a file of the control group of a container, or the one above.
func (r *ran) groupFile(t *testing.T, name, first, second string, above bool) string {
	t.Helper()
	task := r.running(t)
	p := r.processes(t)[aws.ToString(container(t, task, name).RuntimeId)]
	groups, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", p.pid))
	if err != nil {
		t.Fatal(err)
	}
	controller, file, _ := strings.Cut(first, "/")
	for line := range strings.Lines(string(groups)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		dir := f[2]
		if above {
			dir = filepath.Dir(dir)
		}
		switch {
		case unified() && f[1] == "":
			return filepath.Join("/sys/fs/cgroup", dir, second)
		case !unified() && strings.Contains(","+f[1]+",", ","+controller+","):
			return filepath.Join("/sys/fs/cgroup", controller, dir, file)
		}
	}
	t.Fatalf("no group in %q", groups)
	return ""
}

func (r *ran) assertGroup(t *testing.T, name, first, second string, want int64) {
	t.Helper()
	assertNumber(t, r.groupFile(t, name, first, second, false), want)
}

func (r *ran) assertTaskGroup(t *testing.T, first, second string, want int64) {
	t.Helper()
	assertNumber(t, r.groupFile(t, "main", first, second, true), want)
}

// assertNumber checks the first word of a file. Shares became weights in the
// second version of control groups.
func assertNumber(t *testing.T, file string, want int64) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(file, "cpu.weight") {
		want = 1 + (want-2)*9999/262142
	}
	word := strings.Fields(string(b))[0]
	if got, err := strconv.ParseInt(word, 10, 64); err != nil || got != want {
		t.Errorf("%s holds %q, want %d", file, b, want)
	}
}

// assertNoProcesses waits until no process of a user is left on this machine.
func assertNoProcesses(t *testing.T, uid int) {
	t.Helper()
	eventually(t, fmt.Sprintf("end of the processes of user %d", uid), func() ([]string, bool) {
		var left []string
		files, err := filepath.Glob("/proc/[0-9]*/status")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			status, _ := os.ReadFile(file) // gone meanwhile
			if strings.Contains(string(status), fmt.Sprintf("\nUid:\t%d\t", uid)) {
				left = append(left, file)
			}
		}
		return left, len(left) == 0
	})
}
