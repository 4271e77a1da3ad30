//go:build integration

package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/agentproto"
)

// BenchmarkContainers is the way of a task from its payload to its RUNNING report, by
// number of containers, with the processor time of containerd, its shims and what
// they ran.
func BenchmarkContainers(b *testing.B) {
	for _, containers := range []int{1, 4} {
		b.Run(fmt.Sprintf("%d containers", containers), func(b *testing.B) {
			r := newRig(b)
			n, cpu := 0, 0.0
			for b.Loop() {
				n++
				task := benchTask(r, n, containers)
				before := r.daemonCPU()
				r.plane.send(r.ws, task)
				r.plane.await(task.ARN, "RUNNING")
				b.StopTimer()
				cpu += r.daemonCPU() - before
				r.plane.send(r.ws, stopped(task))
				r.plane.await(task.ARN, "STOPPED")
				b.StartTimer()
			}
			b.ReportMetric(cpu*1000/float64(n), "cpu-ms/op")
		})
	}
}

func benchTask(r *rig, n, containers int) agentproto.Task {
	task := r.task(fmt.Sprint(n), "wait")
	task.NetworkMode = "host"
	first := task.Containers[0]
	first.DockerConfig.HostConfig = `{"NetworkMode":"host"}`
	task.Containers = nil
	for i := range containers {
		first.Name = fmt.Sprint("c", i)
		task.Containers = append(task.Containers, first)
	}
	return task
}

// daemonCPU is the processor time, in seconds, that containerd and its shims have
// used with all that they waited for.
func (r *rig) daemonCPU() float64 {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		r.t.Fatal(err)
	}
	ticks := 0
	for _, dir := range dirs {
		line, err := os.ReadFile(dir + "/cmdline")
		if err != nil || !strings.Contains(string(line), r.daemon.Dir()) {
			continue
		}
		stat, err := os.ReadFile(dir + "/stat")
		if err != nil {
			continue // it ended meanwhile
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		for _, field := range fields[11:15] { // user and system, own and of children
			n, err := strconv.Atoi(field)
			if err != nil {
				r.t.Fatal(err)
			}
			ticks += n
		}
	}
	return float64(ticks) / 100
}
