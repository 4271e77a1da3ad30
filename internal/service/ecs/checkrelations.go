package ecs

import (
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

// checkMode: which settings a network mode leaves no room for
// (task_definition_parameters, network mode).
func checkMode(d *ecsshape.TaskDefinition) error {
	mode := networkMode(d)
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		switch {
		case len(c.Links) > 0 && mode != ecsshape.NetworkModeBridge:
			return ErrClient("Links are not supported when networkMode=%s.", mode)
		case given(c.Hostname) != "" && (mode == ecsshape.NetworkModeHost || mode == ecsshape.NetworkModeAwsvpc):
			return ErrClient("hostname is not supported on container when networkMode=%s.", mode)
		case len(c.ExtraHosts) > 0 && mode == ecsshape.NetworkModeAwsvpc:
			return ErrClient("extraHosts is not supported on container when networkMode=%s.", mode)
		case len(c.DnsServers) > 0 && mode == ecsshape.NetworkModeAwsvpc:
			return ErrClient("dnsServers is not supported on container when networkMode=%s.", mode)
		case len(c.DnsSearchDomains) > 0 && mode == ecsshape.NetworkModeAwsvpc:
			return ErrClient("dnsSearchDomains is not supported on container when networkMode=%s.", mode)
		}
	}
	return nil
}

// checkRelations: links, volumesFrom and dependsOn name containers of the task,
// and dependencies lead nowhere back.
func checkRelations(d *ecsshape.TaskDefinition) error {
	byName := map[string]*ecsshape.ContainerDefinition{}
	for i := range d.ContainerDefinitions {
		byName[*d.ContainerDefinitions[i].Name] = &d.ContainerDefinitions[i]
	}
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		for _, link := range c.Links {
			target, _, _ := strings.Cut(link, ":")
			if byName[target] == nil || target == *c.Name {
				return ErrClient("Invalid link '%s' for container '%s'.", link, *c.Name)
			}
		}
		for j := range c.VolumesFrom {
			source := given(c.VolumesFrom[j].SourceContainer)
			if byName[source] == nil || source == *c.Name {
				return ErrClient("Invalid volumesFrom for container '%s': unknown source container '%s'.", *c.Name, source)
			}
		}
		for j := range c.DependsOn {
			if err := checkDependency(c, &c.DependsOn[j], byName); err != nil {
				return err
			}
		}
	}
	if _, found := cycle(d.ContainerDefinitions, linkTargets); found {
		return ErrClient("Container links should not have a cycle")
	}
	if name, found := cycle(d.ContainerDefinitions, allTargets); found {
		return ErrClient("Container dependencies of container '%s' form a cycle.", name)
	}
	return nil
}

func checkDependency(c *ecsshape.ContainerDefinition, dep *ecsshape.ContainerDependency, byName map[string]*ecsshape.ContainerDefinition) error {
	name := given(dep.ContainerName)
	target := byName[name]
	if target == nil {
		return ErrClient("Cannot depend on container + '%s' because it does not exist", name) // sic
	}
	switch given(dep.Condition) {
	case ecsshape.ContainerConditionHealthy:
		if target.HealthCheck == nil {
			return ErrClient("The container '%s' depends on the HEALTHY condition of container '%s', which has no health check.", *c.Name, name)
		}
	case ecsshape.ContainerConditionSuccess, ecsshape.ContainerConditionComplete:
		if given(target.Essential) {
			return ErrClient("A dependency container with SUCCESS or COMPLETE condition cannot be an essential container")
		}
	}
	return nil
}

// linkTargets are the containers that c is linked to.
func linkTargets(c *ecsshape.ContainerDefinition) []string {
	var out []string
	for _, link := range c.Links {
		target, _, _ := strings.Cut(link, ":")
		out = append(out, target)
	}
	return out
}

// allTargets are those that c waits for: its dependencies, its links and the
// containers that it takes volumes from.
func allTargets(c *ecsshape.ContainerDefinition) []string {
	out := linkTargets(c)
	for i := range c.DependsOn {
		out = append(out, given(c.DependsOn[i].ContainerName))
	}
	for i := range c.VolumesFrom {
		out = append(out, given(c.VolumesFrom[i].SourceContainer))
	}
	return out
}

// cycle finds a container that leads back to itself.
func cycle(containers []ecsshape.ContainerDefinition, targets func(*ecsshape.ContainerDefinition) []string) (string, bool) {
	waits := map[string][]string{}
	for i := range containers {
		waits[*containers[i].Name] = targets(&containers[i])
	}
	done := map[string]bool{}
	var path []string
	var visit func(name string) bool
	visit = func(name string) bool {
		if slices.Contains(path, name) {
			return true
		}
		if done[name] {
			return false
		}
		path = append(path, name)
		if slices.ContainsFunc(waits[name], visit) {
			return true
		}
		path = path[:len(path)-1]
		done[name] = true
		return false
	}
	for i := range containers {
		if visit(*containers[i].Name) {
			return *containers[i].Name, true
		}
	}
	return "", false
}
