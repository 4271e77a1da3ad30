package ecs

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

const mib = 1 << 20

// dockerConfig holds everything of a container definition for which a payload
// has no member of its own. Its two strings win over what the agent makes up.
func dockerConfig(d *ecsshape.TaskDefinition, t *Task, c *ecsshape.ContainerDefinition, o *ecsshape.ContainerOverride, cfg PayloadConfig) agentproto.DockerConfig {
	return agentproto.DockerConfig{
		Config:     mustJSON(containerConfig(c)),
		HostConfig: mustJSON(hostConfig(d, t, c, o, cfg)),
	}
}

// mustJSON writes a value of agentproto, all of which JSON can hold.
func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("ecs: encode %T: %v", v, err))
	}
	return string(b)
}

func containerConfig(c *ecsshape.ContainerDefinition) agentproto.Config {
	return agentproto.Config{
		Hostname:    given(c.Hostname),
		User:        given(c.User),
		WorkingDir:  given(c.WorkingDirectory),
		Labels:      c.DockerLabels,
		Tty:         given(c.PseudoTerminal),
		OpenStdin:   given(c.Interactive),
		Healthcheck: dockerHealthcheck(c.HealthCheck),
	}
}

// dockerHealthcheck fills the defaults of task_definition_parameters; a command
// without CMD or CMD-SHELL in front is taken as CMD.
func dockerHealthcheck(h *ecsshape.HealthCheck) *agentproto.Healthcheck {
	if h == nil {
		return nil
	}
	test := h.Command
	if len(test) > 0 && test[0] != "CMD" && test[0] != "CMD-SHELL" && test[0] != "NONE" {
		test = append([]string{"CMD"}, test...)
	}
	seconds := func(p *int32, otherwise int32) int64 {
		return int64(time.Duration(given(cmp.Or(p, &otherwise))) * time.Second)
	}
	return &agentproto.Healthcheck{
		Test:        test,
		Interval:    seconds(h.Interval, 30),
		Timeout:     seconds(h.Timeout, 5),
		Retries:     int(given(cmp.Or(h.Retries, new(int32(3))))),
		StartPeriod: seconds(h.StartPeriod, 0),
	}
}

func hostConfig(d *ecsshape.TaskDefinition, t *Task, c *ecsshape.ContainerDefinition, o *ecsshape.ContainerOverride, cfg PayloadConfig) agentproto.HostConfig {
	h := agentproto.HostConfig{
		MemoryReservation: int64(given(cmp.Or(o.MemoryReservation, c.MemoryReservation))) * mib,
		Privileged:        given(c.Privileged),
		ReadonlyRootfs:    given(c.ReadonlyRootFilesystem),
		DNS:               c.DnsServers,
		DNSSearch:         c.DnsSearchDomains,
		SecurityOpt:       c.DockerSecurityOptions,
		LogConfig:         logConfig(t, c, cfg),
	}
	// The task-level mode alone never reaches the runtime.
	if m := networkMode(d); m == "host" || m == "none" {
		h.NetworkMode = m
	}
	if given(c.DisableNetworking) {
		h.NetworkMode = "none"
	}
	for i := range c.ExtraHosts {
		h.ExtraHosts = append(h.ExtraHosts, given(c.ExtraHosts[i].Hostname)+":"+given(c.ExtraHosts[i].IpAddress))
	}
	for i := range c.Ulimits {
		u := &c.Ulimits[i]
		h.Ulimits = append(h.Ulimits, agentproto.Ulimit{
			Name: given(u.Name), Soft: int64(given(u.SoftLimit)), Hard: int64(given(u.HardLimit)),
		})
	}
	for i := range c.SystemControls {
		if h.Sysctls == nil {
			h.Sysctls = map[string]string{}
		}
		h.Sysctls[given(c.SystemControls[i].Namespace)] = given(c.SystemControls[i].Value)
	}
	if l := c.LinuxParameters; l != nil {
		linuxParameters(&h, l, int64(given(cmp.Or(o.Memory, c.Memory)))*mib)
	}
	return h
}

// linuxParameters adds the Linux-only part. maxSwap is swap on top of the memory
// limit, where Docker's MemorySwap is the sum of both; swappiness counts only
// together with maxSwap (task_definition_parameters).
func linuxParameters(h *agentproto.HostConfig, l *ecsshape.LinuxParameters, memory int64) {
	if l.Capabilities != nil {
		h.CapAdd, h.CapDrop = l.Capabilities.Add, l.Capabilities.Drop
	}
	h.Init = l.InitProcessEnabled
	h.ShmSize = int64(given(l.SharedMemorySize)) * mib
	if l.MaxSwap != nil && memory > 0 {
		h.Memory = memory
		h.MemorySwap = memory + int64(*l.MaxSwap)*mib
		if l.Swappiness != nil {
			h.MemorySwappiness = new(int64(*l.Swappiness))
		}
	}
	for i := range l.Devices {
		v := &l.Devices[i]
		h.Devices = append(h.Devices, agentproto.Device{
			PathOnHost:        given(v.HostPath),
			PathInContainer:   cmp.Or(given(v.ContainerPath), given(v.HostPath)),
			CgroupPermissions: devicePermissions(v.Permissions),
		})
	}
	for i := range l.Tmpfs {
		m := &l.Tmpfs[i]
		if h.Tmpfs == nil {
			h.Tmpfs = map[string]string{}
		}
		options := append(slices.Clone(m.MountOptions), fmt.Sprintf("size=%dm", given(m.Size)))
		h.Tmpfs[given(m.ContainerPath)] = strings.Join(options, ",")
	}
}

// devicePermissions turns read, write and mknod into Docker's letters; all of
// them when none is given.
func devicePermissions(names []string) string {
	letters := ""
	for _, p := range []struct{ name, letter string }{{"read", "r"}, {"write", "w"}, {"mknod", "m"}} {
		if len(names) == 0 || slices.Contains(names, p.name) {
			letters += p.letter
		}
	}
	return letters
}

// logConfig completes the options of awslogs: agents and Docker take a stream's
// name as it is, and Docker would ask Amazon's CloudWatch Logs, where nobody
// knows its key.
func logConfig(t *Task, c *ecsshape.ContainerDefinition, cfg PayloadConfig) agentproto.LogConfig {
	l := c.LogConfiguration
	if l == nil {
		return agentproto.LogConfig{}
	}
	options := maps.Clone(l.Options)
	if given(l.LogDriver) != ecsshape.LogDriverAwslogs {
		return agentproto.LogConfig{Type: given(l.LogDriver), Config: options}
	}
	if prefix, ok := options["awslogs-stream-prefix"]; ok {
		delete(options, "awslogs-stream-prefix")
		options["awslogs-stream"] = logStream(prefix, given(c.Name), t.ID)
	}
	if cfg.Endpoint != "" && options["awslogs-endpoint"] == "" {
		options["awslogs-endpoint"] = cfg.Endpoint
	}
	return agentproto.LogConfig{Type: given(l.LogDriver), Config: options}
}
