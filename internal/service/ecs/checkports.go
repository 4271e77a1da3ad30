package ecs

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

const (
	maxPort          = 65535
	maxPortRanges    = 100 // containerPortRange per container
	maxPortNameBytes = 64
)

var portNamePattern = regexp.MustCompile(`^[a-z0-9_][a-z0-9_-]{0,63}$`)

// portUse remembers what the port mappings of one task take.
type portUse struct {
	host, container map[portKey]bool
	names           map[string]bool
}

type portKey struct {
	port      int32
	protocol  string
	container string // "" for host ports, which all containers share
}

// checkPorts: PortMapping of the API reference and task_definition_parameters.
func checkPorts(d *ecsshape.TaskDefinition) error {
	mode := networkMode(d)
	use := portUse{host: map[portKey]bool{}, container: map[portKey]bool{}, names: map[string]bool{}}
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		if mode == ecsshape.NetworkModeNone && len(c.PortMappings) > 0 {
			return ErrClient("Port mappings are not supported when networkMode=none.")
		}
		var ranges []portRange
		for j := range c.PortMappings {
			m := &c.PortMappings[j]
			if err := checkMapping(c, m, mode); err != nil {
				return err
			}
			if m.ContainerPortRange != nil {
				r := portRange{protocol: *m.Protocol}
				if err := r.parse(*m.ContainerPortRange); err != nil {
					return err
				}
				ranges = append(ranges, r)
			}
			if err := use.add(c, m); err != nil {
				return err
			}
		}
		if err := checkRanges(c, ranges); err != nil {
			return err
		}
	}
	return nil
}

func checkMapping(c *ecsshape.ContainerDefinition, m *ecsshape.PortMapping, mode string) error {
	if m.Name != nil && !portNamePattern.MatchString(*m.Name) {
		return ErrClient("Invalid port mapping name '%s' for container '%s'. A name has at most %d characters: lowercase letters, numbers, underscores and hyphens, and does not start with a hyphen.", *m.Name, *c.Name, maxPortNameBytes)
	}
	if m.ContainerPortRange != nil {
		switch {
		case m.ContainerPort != nil || given(m.HostPort) != 0:
			return ErrClient("A port mapping of container '%s' can have either 'containerPort' or 'containerPortRange', and no 'hostPort' with the latter.", *c.Name)
		case mode == ecsshape.NetworkModeHost:
			return ErrClient("containerPortRange is not supported when networkMode=host.")
		}
		return nil
	}
	container, host := given(m.ContainerPort), given(m.HostPort)
	switch {
	case container < 1 || container > maxPort:
		return ErrClient("Invalid 'containerPort' setting for container '%s'.", *c.Name)
	case host < 0 || host > maxPort:
		return ErrClient("Invalid 'hostPort' setting for container '%s'.", *c.Name)
	case (mode == ecsshape.NetworkModeHost || mode == ecsshape.NetworkModeAwsvpc) && host != container:
		return ErrClient("When networkMode=%s, the host ports and container ports in port mappings must match.", mode)
	}
	return nil
}

// add refuses what two mappings cannot share.
func (u *portUse) add(c *ecsshape.ContainerDefinition, m *ecsshape.PortMapping) error {
	if m.Name != nil {
		if u.names[*m.Name] {
			return ErrClient("Port mapping names must be unique within a task definition. Duplicate name: %s", *m.Name)
		}
		u.names[*m.Name] = true
	}
	if m.ContainerPortRange != nil {
		return nil
	}
	if !u.take(u.container, *m.ContainerPort, *m.Protocol, *c.Name) {
		return ErrClient("%s container port '%d' is mapped multiple times in container '%s'.", strings.ToUpper(*m.Protocol), *m.ContainerPort, *c.Name)
	}
	if given(m.HostPort) != 0 && !u.take(u.host, *m.HostPort, *m.Protocol, "") {
		return ErrClient("%s host port '%d' is mapped multiple times in task.", strings.ToUpper(*m.Protocol), *m.HostPort)
	}
	return nil
}

// take tells whether the port was free.
func (u *portUse) take(used map[portKey]bool, port int32, protocol, container string) bool {
	k := portKey{port, protocol, container}
	if used[k] {
		return false
	}
	used[k] = true
	return true
}

// portRange is a containerPortRange such as 8000-8010, ends included.
type portRange struct {
	low, high int
	protocol  string
}

func (r *portRange) parse(s string) error {
	low, high, ok := strings.Cut(s, "-")
	var errLow, errHigh error
	r.low, errLow = strconv.Atoi(low)
	r.high, errHigh = strconv.Atoi(high)
	if !ok || errLow != nil || errHigh != nil || r.low < 1 || r.high > maxPort || r.low >= r.high {
		return ErrClient("Invalid 'containerPortRange' setting: %s. A range is two ports between 1 and %d, the lower one first.", s, maxPort)
	}
	return nil
}

func checkRanges(c *ecsshape.ContainerDefinition, ranges []portRange) error {
	if len(ranges) > maxPortRanges {
		return ErrClient("Too many port ranges for container '%s'. The maximum is %d.", *c.Name, maxPortRanges)
	}
	for i, a := range ranges {
		for _, b := range ranges[:i] {
			if a.protocol == b.protocol && a.low <= b.high && b.low <= a.high {
				return errOverlap(c)
			}
		}
		for j := range c.PortMappings {
			m := &c.PortMappings[j]
			if port := int(given(m.ContainerPort)); *m.Protocol == a.protocol && a.low <= port && port <= a.high {
				return errOverlap(c)
			}
		}
	}
	return nil
}

// errOverlap: "A port can only be included in one port mapping per container"
// (PortMapping of the API reference).
func errOverlap(c *ecsshape.ContainerDefinition) error {
	return ErrClient("Port ranges of container '%s' must not overlap.", *c.Name)
}
