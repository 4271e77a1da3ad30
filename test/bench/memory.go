package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// benchMemory: resident memory of an idle `slipway up` with three instances.
func benchMemory(ctx context.Context, o options) error {
	c, err := startCluster(ctx, o, 3)
	if err != nil {
		return err
	}
	defer c.close()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(20 * time.Second): // idle: nothing but heartbeats
	}
	fmt.Printf("%-34s %9s %9s\n", "", "RSS MiB", "PSS MiB")
	showMemory("control plane", c.slipway.Pid())
	for i, pid := range agentPids(c.slipway.Binary) {
		showMemory(fmt.Sprintf("agent %d", i+1), pid)
	}
	return nil
}

func showMemory(name string, pid int) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		fmt.Printf("%-34s %v\n", name, err)
		return
	}
	fmt.Printf("%-34s %9.1f %9.1f\n", name, field(string(b), "Rss:"), field(string(b), "Pss:"))
}

// field is a value of smaps_rollup in MiB.
func field(text, name string) float64 {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == name {
			kib, _ := strconv.Atoi(f[1])
			return float64(kib) / 1024
		}
	}
	return 0
}

func agentPids(binary string) []int {
	var out []int
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range all {
		b, _ := os.ReadFile(f)
		if strings.HasPrefix(string(b), binary+"\x00agent\x00") {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			out = append(out, pid)
		}
	}
	return out
}
