package agent

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/slipway/slipway/internal/agent/link"
)

// memory is the machine's, in MiB.
func memory() (int64, error) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, fmt.Errorf("measure memory: %w", err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kib int64
		if n, _ := fmt.Sscanf(lines.Text(), "MemTotal: %d kB", &kib); n == 1 {
			return kib >> 10, nil
		}
	}
	return 0, fmt.Errorf("measure memory: /proc/meminfo has no MemTotal")
}

// capacity is what the instance offers: CPU units and MiB.
func capacity(cfg Config) (cpu, mib int64, err error) {
	if cpu = cfg.CPU; cpu == 0 {
		cpu = int64(runtime.NumCPU()) * 1024
	}
	if mib = cfg.Memory; mib == 0 {
		if mib, err = memory(); err != nil {
			return 0, 0, err
		}
	}
	if mib -= cfg.ReservedMemory; mib <= 0 {
		return 0, 0, fmt.Errorf("ECS_RESERVED_MEMORY leaves no memory for tasks")
	}
	return cpu, mib, nil
}

// The capability attributes of what this agent can do. The names and the gaps in
// the Docker API versions are the ECS agent's.
var (
	dockerVersions = []string{"1.17", "1.18", "1.19", "1.20", "1.21", "1.22", "1.23", "1.24", "1.25", "1.28", "1.29", "1.30", "1.32"}
	logDrivers     = []string{"json-file", "none"}
	capabilities   = []string{
		"com.amazonaws.ecs.capability.ecr-auth",
		"ecs.capability.container-ordering",
		"ecs.capability.docker-plugin.local",
		"ecs.capability.ecr-endpoint",
		"ecs.capability.execution-role-ecr-pull",
		"ecs.capability.full-sync",
		"ecs.capability.task-cpu-mem-limit",
	}
)

// attributes are the capabilities and what the machine is.
func attributes(cfg Config) []link.Attribute {
	var list []link.Attribute
	add := func(name, value string) { list = append(list, link.Attribute{Name: name, Value: value}) }
	for _, v := range dockerVersions {
		add("com.amazonaws.ecs.capability.docker-remote-api."+v, "")
	}
	for _, d := range logDrivers {
		add("com.amazonaws.ecs.capability.logging-driver."+d, "")
	}
	if !cfg.DisablePrivileged {
		add("com.amazonaws.ecs.capability.privileged-container", "")
	}
	for _, c := range capabilities {
		add(c, "")
	}
	add("ecs.os-type", "linux")
	add("ecs.os-family", "LINUX")
	add("ecs.cpu-architecture", architecture())
	if cfg.InstanceType != "" {
		add("ecs.instance-type", cfg.InstanceType)
	}
	if cfg.AvailabilityZone != "" {
		add("ecs.availability-zone", cfg.AvailabilityZone)
	}
	return list
}

// customAttributes are those that the machine's owner gives it. They are sent
// with the first registration only: later ones are changed by PutAttributes.
func customAttributes(cfg Config) []link.Attribute {
	list := make([]link.Attribute, 0, len(cfg.Attributes))
	for name, value := range cfg.Attributes {
		list = append(list, link.Attribute{Name: name, Value: value})
	}
	return list
}

// architecture is the machine's in the words of ECS.
func architecture() string {
	if runtime.GOARCH == "amd64" {
		return "x86_64"
	}
	return runtime.GOARCH
}

// identityDocument says where and what the instance is, as far as is known;
// empty off EC2.
func identityDocument(cfg Config) (string, error) {
	if cfg.InstanceID == "" {
		return "", nil
	}
	document, err := json.Marshal(struct {
		InstanceID       string `json:"instanceId"`
		InstanceType     string `json:"instanceType,omitempty"`
		AvailabilityZone string `json:"availabilityZone,omitempty"`
		Region           string `json:"region"`
		Architecture     string `json:"architecture"`
	}{cfg.InstanceID, cfg.InstanceType, cfg.AvailabilityZone, cfg.Region, strings.ReplaceAll(runtime.GOARCH, "amd64", "x86_64")})
	return string(document), err
}
