package engine

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
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
func containerSpec(rec Record, i int, mounts []Mount, cfg Config) (ContainerSpec, error) {
	c, known := rec.Task.Containers[i], rec.Containers[i]
	config, err := dockerConfig(rec.Task, c, cfg.Cluster)
	if err != nil {
		return ContainerSpec{}, err
	}
	host, err := hostConfig(rec, i)
	if err != nil {
		return ContainerSpec{}, err
	}
	if host.NetworkMode, err = networkMode(rec.Task, i); err != nil {
		return ContainerSpec{}, err
	}
	command, err := command(c)
	if err != nil {
		return ContainerSpec{}, err
	}
	spec := ContainerSpec{
		ID: known.ID, Name: dockerName(rec.Task, i), TaskARN: rec.Task.ARN, ContainerName: c.Name,
		Labels: config.Labels, Image: known.Image,
		EntryPoint: c.EntryPoint, Command: command, Env: environment(c, cfg.Region),
		Config: config, Host: host, Mounts: mounts, CgroupParent: rec.Cgroup,
	}
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
	labels := maps.Clone(config.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[labelPrefix+"cluster"] = cluster
	labels[labelPrefix+"container-name"] = c.Name
	labels[labelPrefix+"task-arn"] = task.ARN
	labels[labelPrefix+"task-definition-family"] = task.Family
	labels[labelPrefix+"task-definition-version"] = task.Version
	config.Labels = labels
	return config, nil
}

func hostConfig(rec Record, i int) (agentproto.HostConfig, error) {
	c := rec.Task.Containers[i]
	host := agentproto.HostConfig{CPUShares: min(max(c.CPU, minCPUShares), maxCPUShares)}
	if c.Memory > 0 {
		host.Memory = max(c.Memory, minMemoryMiB) << 20
	}
	for _, link := range c.Links {
		hosts, err := linkHosts(rec, link)
		if err != nil {
			return host, err
		}
		host.ExtraHosts = append(host.ExtraHosts, hosts...)
	}
	links := host.ExtraHosts
	if c.DockerConfig.HostConfig == "" {
		return host, nil
	}
	host.ExtraHosts = nil
	if err := json.Unmarshal([]byte(c.DockerConfig.HostConfig), &host); err != nil {
		return host, fmt.Errorf("HostConfigError: unable to decode host config: %w", err)
	}
	host.ExtraHosts = append(host.ExtraHosts, links...)
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

// environment is the definition's and the region, unless the definition says
// one.
func environment(c agentproto.Container, region string) []string {
	_, has := c.Environment["AWS_REGION"]
	_, hasDefault := c.Environment["AWS_DEFAULT_REGION"]
	env := make([]string, 0, len(c.Environment)+2)
	for name, value := range c.Environment {
		env = append(env, name+"="+value)
	}
	if !has && !hasDefault && region != "" {
		env = append(env, "AWS_REGION="+region, "AWS_DEFAULT_REGION="+region)
	}
	slices.Sort(env)
	return env
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
