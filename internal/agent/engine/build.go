package engine

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/agentproto"
)

// Docker's lower bounds, to which the ECS agent raises what is below.
const (
	minCPUShares = 2
	maxCPUShares = 262144
	minMemoryMiB = 6
	labelPrefix  = "com.amazonaws.ecs."
)

// containerSpec builds what the runtime is to make. DockerConfig is decoded over
// it and so wins, as with the ECS agent.
func containerSpec(rec Record, i int, mounts []Mount, cfg Config, taken *settings) (ContainerSpec, error) {
	c, known := rec.Task.Containers[i], rec.Containers[i]
	config, err := dockerConfig(rec.Task, c, cfg.Cluster)
	if err != nil {
		return ContainerSpec{}, err
	}
	host, err := hostConfig(c)
	if err != nil {
		return ContainerSpec{}, err
	}
	host.NetworkMode = cmp.Or(host.NetworkMode, rec.Task.NetworkMode, "bridge")
	for _, link := range c.Links {
		hosts, err := linkHosts(rec, link)
		if err != nil {
			return ContainerSpec{}, err
		}
		host.ExtraHosts = append(host.ExtraHosts, hosts...)
	}
	shareNamespaces(rec.Task, &host)
	host.LogConfig.Type = logType(host.LogConfig)
	host.LogConfig.Config = taken.logOptions(rec, c, host.LogConfig)
	command, err := command(c)
	if err != nil {
		return ContainerSpec{}, err
	}
	spec := ContainerSpec{
		ID: known.ID, Name: dockerName(rec.Task, i), TaskARN: rec.Task.ARN, ContainerName: c.Name,
		Labels: config.Labels, Image: known.Image,
		EntryPoint: c.EntryPoint, Command: command, Env: environment(rec, i, cfg, taken, host.NetworkMode),
		Config: config, Host: host, Mounts: mounts, CgroupParent: rec.Cgroup,
	}
	spec.Image.Reference = c.Image
	if known.Network != nil {
		spec.Network = *known.Network
	}
	if len(host.Binds) > 0 {
		if spec.Mounts, err = binds(host.Binds); err != nil {
			return ContainerSpec{}, err
		}
	}
	return spec, nil
}

func dockerConfig(task agentproto.Task, c agentproto.Container, cluster string) (agentproto.Config, error) {
	var config agentproto.Config
	if c.DockerConfig.Config != "" {
		if err := json.Unmarshal([]byte(c.DockerConfig.Config), &config); err != nil {
			return config, fmt.Errorf("DockerClientConfigError: unable to decode config: %w", err)
		}
	}
	labels := ecsLabels(task, c.Name, cluster)
	for name, value := range config.Labels {
		if _, ours := labels[name]; !ours {
			labels[name] = value
		}
	}
	config.Labels = labels
	return config, nil
}

// ecsLabels are those that the ECS agent gives every container.
func ecsLabels(task agentproto.Task, name, cluster string) map[string]string {
	return map[string]string{
		labelPrefix + "cluster":                 cluster,
		labelPrefix + "container-name":          name,
		labelPrefix + "task-arn":                task.ARN,
		labelPrefix + "task-definition-family":  task.Family,
		labelPrefix + "task-definition-version": task.Version,
	}
}

// hostConfig is what the container says of its place on the host; NetworkMode
// may be empty.
func hostConfig(c agentproto.Container) (agentproto.HostConfig, error) {
	host := agentproto.HostConfig{CPUShares: min(max(c.CPU, minCPUShares), maxCPUShares)}
	if c.Memory > 0 {
		host.Memory = max(c.Memory, minMemoryMiB) << 20
	}
	if c.DockerConfig.HostConfig == "" {
		return host, nil
	}
	if err := json.Unmarshal([]byte(c.DockerConfig.HostConfig), &host); err != nil {
		return host, fmt.Errorf("HostConfigError: unable to decode host config: %w", err)
	}
	return host, nil
}

// linkHosts are the names under which a linked container is known.
func linkHosts(rec Record, link string) ([]string, error) {
	name, alias, _ := strings.Cut(link, ":")
	i := slices.IndexFunc(rec.Task.Containers, func(c agentproto.Container) bool { return c.Name == name })
	if i < 0 || rec.Containers[i].Network == nil || !rec.Containers[i].Network.IP.IsValid() {
		return nil, fmt.Errorf("cannot link to %s: it has no address", name)
	}
	ip := rec.Containers[i].Network.IP.String()
	hosts := []string{cmp.Or(alias, name) + ":" + ip}
	if alias != "" && alias != name {
		hosts = append(hosts, name+":"+ip)
	}
	return hosts, nil
}

// command is the definition's, or the one of the container overrides: that is
// the one override that the ECS agent applies.
func command(c agentproto.Container) ([]string, error) {
	var overrides struct {
		Command []string `json:"command"`
	}
	if c.Overrides != "" {
		if err := json.Unmarshal([]byte(c.Overrides), &overrides); err != nil {
			return nil, fmt.Errorf("decode overrides: %w", err)
		}
	}
	if len(overrides.Command) > 0 {
		return overrides.Command, nil
	}
	return c.Command, nil
}

var oddCharacter = regexp.MustCompile(`[^A-Za-z0-9_-]`)

// dockerName is a name such as the ECS agent gives.
func dockerName(task agentproto.Task, i int) string {
	name := task.Containers[i].Name
	return fmt.Sprintf("ecs-%s-%s-%s-%s", task.Family, task.Version, oddCharacter.ReplaceAllString(name, ""), containerID(task.ARN, name)[:20])
}

// networkMode is the host configuration's word, else the task's.
func networkMode(task agentproto.Task, i int) (string, error) {
	var host agentproto.HostConfig
	if text := task.Containers[i].DockerConfig.HostConfig; text != "" {
		if err := json.Unmarshal([]byte(text), &host); err != nil {
			return "", fmt.Errorf("HostConfigError: unable to decode host config: %w", err)
		}
	}
	return cmp.Or(host.NetworkMode, task.NetworkMode, "bridge"), nil
}
