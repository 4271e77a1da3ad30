package engine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/agent/lifecycle"
	"github.com/slipway/slipway/internal/agentproto"
)

// defaultRestartPeriod is what AWS assumes for restartAttemptPeriod.
const defaultRestartPeriod = 300 * time.Second

// check refuses a task that the ECS agent would not load.
func check(task agentproto.Task) error {
	names := make(map[string]bool, len(task.Containers))
	for _, c := range task.Containers {
		switch {
		case c.Name == "":
			return fmt.Errorf("a container has no name")
		case names[c.Name]:
			return fmt.Errorf("container name %q is used twice", c.Name)
		case c.Image == "":
			return fmt.Errorf("container %s has no image", c.Name)
		}
		names[c.Name] = true
		for _, p := range c.PortMappings {
			if p.Protocol != "tcp" && p.Protocol != "udp" {
				return fmt.Errorf("unrecognized transport protocol %q of container %s", p.Protocol, c.Name)
			}
		}
	}
	if len(task.Containers) == 0 {
		return fmt.Errorf("the task has no containers")
	}
	for _, v := range task.Volumes {
		if !slices.Contains([]string{"", "host", "docker", "efs"}, v.Type) {
			return fmt.Errorf("unrecognized volume type %q", v.Type)
		}
	}
	return nil
}

// lifecycleSpec translates what the payload says about order and life.
func lifecycleSpec(task agentproto.Task, cfg Config) (lifecycle.TaskSpec, error) {
	index := make(map[string]int, len(task.Containers))
	for i, c := range task.Containers {
		index[c.Name] = i
	}
	spec := lifecycle.TaskSpec{PullUpfront: cfg.PullUpfront}
	for _, c := range task.Containers {
		lc := lifecycle.ContainerSpec{
			Name:         c.Name,
			Essential:    c.Essential,
			StartTimeout: time.Duration(c.StartTimeout) * time.Second,
			StopTimeout:  cfg.StopTimeout,
			Restart:      restartPolicy(c.RestartPolicy),
		}
		if c.StopTimeout > 0 {
			lc.StopTimeout = time.Duration(c.StopTimeout) * time.Second
		}
		for name, condition := range dependencies(c) {
			on, ok := index[name]
			if !ok {
				return spec, fmt.Errorf("container %s depends on %s, which does not exist", c.Name, name)
			}
			lc.DependsOn = append(lc.DependsOn, lifecycle.Dependency{On: on, Condition: condition})
		}
		spec.Containers = append(spec.Containers, lc)
	}
	if err := spec.Validate(); err != nil {
		return spec, err
	}
	return routed(spec, task), nil
}

// routed has those that log through the task's router start after it, and so stop
// before it, except those that the router itself waits for.
func routed(spec lifecycle.TaskSpec, task agentproto.Task) lifecycle.TaskSpec {
	router := routerOf(task)
	if router < 0 {
		return spec
	}
	for i, c := range task.Containers {
		if i == router || !throughRouter(c) {
			continue
		}
		before := spec.Containers[i].DependsOn
		spec.Containers[i].DependsOn = append(slices.Clip(before), lifecycle.Dependency{On: router, Condition: agentproto.ConditionStart})
		if spec.Validate() != nil {
			spec.Containers[i].DependsOn = before
		}
	}
	return spec
}

// dependencies are those of dependsOn, and those that links (START) and
// volumesFrom (CREATE) imply.
func dependencies(c agentproto.Container) func(yield func(name, condition string) bool) {
	return func(yield func(name, condition string) bool) {
		for _, d := range c.DependsOn {
			if !yield(d.ContainerName, d.Condition) {
				return
			}
		}
		for _, l := range c.Links {
			name, _, _ := strings.Cut(l, ":")
			if !yield(name, agentproto.ConditionStart) {
				return
			}
		}
		for _, v := range c.VolumesFrom {
			if !yield(v.SourceContainer, lifecycle.ConditionCreate) {
				return
			}
		}
	}
}

func restartPolicy(p *agentproto.RestartPolicy) *lifecycle.RestartPolicy {
	if p == nil || !p.Enabled {
		return nil
	}
	out := &lifecycle.RestartPolicy{Period: time.Duration(p.RestartAttemptPeriod) * time.Second}
	if out.Period == 0 {
		out.Period = defaultRestartPeriod
	}
	for _, code := range p.IgnoredExitCodes {
		out.Ignored = append(out.Ignored, int(code))
	}
	return out
}
