package agent

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
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
	capabilities   = []string{
		"com.amazonaws.ecs.capability.ecr-auth",
		"ecs.capability.container-ordering",
		"ecs.capability.container-restart-policy",
		"ecs.capability.docker-plugin.local",
		"ecs.capability.ecr-endpoint",
		"ecs.capability.efs",
		"ecs.capability.efsAuth",
		"ecs.capability.execute-command",
		"ecs.capability.execution-role-awslogs",
		"ecs.capability.execution-role-ecr-pull",
		"ecs.capability.firelens.fluentbit",
		"ecs.capability.firelens.fluentd",
		"ecs.capability.firelens.non-root-user",
		"ecs.capability.firelens.options.config.file",
		"ecs.capability.full-sync",
		"ecs.capability.logging-driver.awsfirelens.log-driver-buffer-limit",
		"ecs.capability.network.container-port-range",
		"ecs.capability.pid-ipc-namespace-sharing",
		"ecs.capability.private-registry-authentication.secretsmanager",
		"ecs.capability.env-files.s3",
		"ecs.capability.firelens.options.config.s3",
		"ecs.capability.secrets.asm.bootstrap.log-driver",
		"ecs.capability.secrets.asm.environment-variables",
		"ecs.capability.secrets.ssm.bootstrap.log-driver",
		"ecs.capability.secrets.ssm.environment-variables",
	}
)

// attributes are the capabilities and what the machine is.
func attributes(cfg Config, logDrivers []string) []link.Attribute {
	var list []link.Attribute
	add := func(name, value string) { list = append(list, link.Attribute{Name: name, Value: value}) }
	for _, v := range dockerVersions {
		add("com.amazonaws.ecs.capability.docker-remote-api."+v, "")
	}
	for _, d := range logDrivers {
		if cfg.LogDrivers == nil || slices.Contains(cfg.LogDrivers, d) {
			add("com.amazonaws.ecs.capability.logging-driver."+d, "")
		}
	}
	for _, c := range optional(cfg) {
		if c.has {
			add(c.name, "")
		}
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

type capability struct {
	name string
	has  bool
}

// optional are the capabilities that an instance's owner decides about.
func optional(cfg Config) []capability {
	const docker, ecs = "com.amazonaws.ecs.capability.", "ecs.capability."
	return []capability{
		{docker + "privileged-container", !cfg.DisablePrivileged},
		{docker + "selinux", cfg.SELinux},
		{docker + "apparmor", cfg.AppArmor},
		{docker + "task-iam-role", !cfg.NoRoles},
		{docker + "task-iam-role-network-host", !cfg.NoRolesOnHostNetwork},
		{ecs + "container-health-check", !cfg.DisableHealthChecks},
		{ecs + "external", cfg.External},
		{ecs + "increased-task-cpu-limit", !cfg.NoTaskLimits},
		{ecs + "task-cpu-mem-limit", !cfg.NoTaskLimits},
	}
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
	if cfg.InstanceID == "" || cfg.External {
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
