package ecs

import (
	"strconv"
	"strings"
)

// cpuUnits reads a task-level cpu value: units ("1024") or vCPUs ("1 vCPU",
// "0.5 vcpu"), as task_definition_parameters allows.
func cpuUnits(s string) (int64, bool) {
	return amount(s, "vcpu", 1024)
}

// memoryMiB reads a task-level memory value: MiB ("2048") or GB ("2GB", "0.5 GB").
func memoryMiB(s string) (int64, bool) {
	return amount(s, "gb", 1024)
}

// amount reads a positive integer, or a decimal number of a larger unit.
func amount(s, unit string, per float64) (int64, bool) {
	number, large := strings.CutSuffix(strings.ToLower(strings.TrimSpace(s)), unit)
	if !large {
		n, err := strconv.ParseInt(number, 10, 64)
		return n, err == nil && n > 0
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	n := int64(f * per)
	return n, err == nil && f > 0 && f < 1e6 && float64(n) == f*per
}
