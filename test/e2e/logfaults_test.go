//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// A container whose log blocks writes on while the service is away and while the
// agent is, and every line arrives, at least once and in order.
func TestBlockingLogThroughCrashes(t *testing.T) {
	t.Parallel()
	s := ownSite(t, "--instances", "1")
	const group = "/e2e/blocking"
	blocking := toGroup(s.probe(t, "blocking", "ticks", "2"), group, "mode", "blocking", "awslogs-force-flush-interval-seconds", "1")
	buffered := toGroup(s.probe(t, "buffered", "ticks", "2"), group, "mode", "non-blocking", "max-buffer-size", "25m", "awslogs-force-flush-interval-seconds", "1")
	arn := s.run(t, s.register(t, "blocking", blocking, buffered))
	s.await(t, arn, "RUNNING")
	ticks := func(container string) int { return len(s.events(t, group, stream(container, arn))) }
	further := func(what string) {
		t.Helper()
		for _, container := range []string{"blocking", "buffered"} {
			n := ticks(container)
			eventually(t, "lines of "+container+" "+what, func() (int, bool) { now := ticks(container); return now, now > n+100 })
		}
	}
	further("at first")
	s.kill(t)
	s.start(t)
	further("after the server's death")
	s.killAgent(t)
	further("after the agent's death")
	s.stop(t, arn)
	for _, container := range []string{"blocking", "buffered"} {
		assertTicks(t, container, s.untilLastTick(t, group, stream(container, arn)))
	}
}

// untilLastTick waits for the probe's last line and returns all of the stream.
func (s *site) untilLastTick(t *testing.T, group, stream string) (lines []string) {
	t.Helper()
	eventually(t, "the last line of "+stream, func() ([]string, bool) {
		lines = s.events(t, group, stream)
		return lines[max(0, len(lines)-3):], len(lines) > 0 && lines[len(lines)-1] == "last tick"
	})
	return lines
}

// assertTicks checks that no number is missing. Lines that are sent again after a
// crash come as a piece that was there before.
func assertTicks(t *testing.T, container string, lines []string) {
	t.Helper()
	next, again := 0, 0
	for _, line := range lines[:len(lines)-1] {
		n, err := strconv.Atoi(strings.TrimPrefix(line, "tick "))
		switch {
		case err != nil:
			t.Fatalf("%s: line %q", container, line)
		case n > next:
			t.Fatalf("%s: after %d comes %d", container, next-1, n)
		case n < next:
			again++
		default:
			next++
		}
	}
	t.Logf("%s: %d lines, %d of them again", container, next, again)
}

// A container that writes 100 MB/s harms neither its neighbours nor the disk.
func TestFloodOfOutput(t *testing.T) {
	t.Parallel()
	s := ownSite(t, "--instances", "1")
	const group = "/e2e/flood"
	flood := logTo(s.probe(t, "flood", "flood", "4"), types.LogDriverAwslogs, "awslogs-group", group, "awslogs-region", region,
		"awslogs-create-group", "true", "awslogs-stream-prefix", "app", "max-buffer-size", "4m")
	neighbour := s.run(t, s.register(t, "neighbour", toGroup(s.probe(t, "neighbour", "ticks", "10"), group)))
	s.await(t, neighbour, "RUNNING")
	pids := s.agents(t)
	before := resident(t, pids[0])
	arn := s.run(t, s.register(t, "flood", flood))
	s.await(t, arn, "RUNNING")
	// Another task starts meanwhile, and the neighbour's lines arrive.
	other := s.run(t, s.register(t, "meanwhile", s.web("web", "exit", "0")))
	assertExit(t, s.await(t, other, "STOPPED"), "web", 0)
	task := s.await(t, arn, "STOPPED")
	assertExit(t, task, "flood", 0)
	if now := s.agents(t); len(now) != 1 || now[0] != pids[0] {
		t.Errorf("the agents are %v, before %v", now, pids)
	}
	if after := resident(t, pids[0]); after > before+200<<20 {
		t.Errorf("the agent grew from %d to %d MiB", before>>20, after>>20)
	}
	if used := disk(t, filepath.Join(s.slipway.DataDir, "instances")); used > 300<<20 {
		t.Errorf("the instance's directory takes %d MiB", used>>20)
	}
	s.stop(t, neighbour)
	assertTicks(t, "neighbour", s.untilLastTick(t, group, stream("neighbour", neighbour)))
	if n := len(s.events(t, group, stream("flood", arn))); n == 0 {
		t.Error("nothing of the flood arrived")
	}
}

// resident is the memory of a process, in bytes.
func resident(t *testing.T, pid int) int64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// disk is what the files below a directory take, holes left out, in bytes.
func disk(t *testing.T, dir string) int64 {
	t.Helper()
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil {
			return nil // removed meanwhile
		}
		if info, err := d.Info(); err == nil {
			if st, ok := info.Sys().(*syscall.Stat_t); ok {
				sum += st.Blocks * 512
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// A group that was not there when the task asked for another stops it; what is
// logged to while it is deleted does not.
func TestLogGroupThatGoesAway(t *testing.T) {
	t.Parallel()
	s := shared
	const group = "/e2e/goes-away"
	arn := s.run(t, s.register(t, "goesaway", toGroup(s.probe(t, "app", "ticks", "20"), group, "awslogs-force-flush-interval-seconds", "1")))
	s.await(t, arn, "RUNNING")
	eventually(t, "lines", func() (int, bool) { n := len(s.events(t, group, stream("app", arn))); return n, n > 0 })
	if _, err := s.logsClient().DeleteLogGroup(t.Context(), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String(group)}); err != nil {
		t.Fatal(err)
	}
	// awslogs-create-group makes it again.
	eventually(t, "lines again", func() (int, bool) { n := len(s.events(t, group, stream("app", arn))); return n, n > 0 })
	if got := aws.ToString(s.describe(t, arn).LastStatus); got != "RUNNING" {
		t.Errorf("the task is %s", got)
	}
}
