package ecs

import (
	"cmp"
	"strconv"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

// normaliseDefinition fills in what AWS fills in when a definition is
// registered and leaves the rest as it was written. It shares nothing with d
// that it changes, and doing it twice is doing it once.
func normaliseDefinition(d ecsshape.TaskDefinition) ecsshape.TaskDefinition {
	d.Cpu = normalText(d.Cpu, cpuUnits)
	d.Memory = normalText(d.Memory, memoryMiB)
	d.ContainerDefinitions = copied(d.ContainerDefinitions)
	for i := range d.ContainerDefinitions {
		normaliseContainer(&d.ContainerDefinitions[i], networkMode(&d))
	}
	d.Volumes = copied(d.Volumes)
	for i := range d.Volumes {
		normaliseVolume(&d.Volumes[i])
	}
	d.PlacementConstraints = copied(d.PlacementConstraints)
	return d
}

// normaliseContainer: defaults and empty lists of task_definition_parameters.
func normaliseContainer(c *ecsshape.ContainerDefinition, mode string) {
	c.Cpu = cmp.Or(c.Cpu, new(int32(0)))
	c.Essential = cmp.Or(c.Essential, new(true))
	c.Environment = copied(c.Environment)
	c.MountPoints = copied(c.MountPoints)
	c.VolumesFrom = copied(c.VolumesFrom)
	c.SystemControls = copied(c.SystemControls)
	c.PortMappings = copied(c.PortMappings)
	for i := range c.PortMappings {
		normalisePort(&c.PortMappings[i], mode)
	}
	if c.HealthCheck != nil {
		h := *c.HealthCheck
		h.Interval = cmp.Or(h.Interval, new(int32(30)))
		h.Timeout = cmp.Or(h.Timeout, new(int32(5)))
		h.Retries = cmp.Or(h.Retries, new(int32(3)))
		c.HealthCheck = &h
	}
	if c.LogConfiguration != nil {
		l := *c.LogConfiguration
		l.SecretOptions = copied(l.SecretOptions)
		c.LogConfiguration = &l
	}
}

// normalisePort: the protocol is tcp; the host port is the container's own where
// the task has the host's or its own network, else 0, a dynamic one.
func normalisePort(m *ecsshape.PortMapping, mode string) {
	m.Protocol = cmp.Or(m.Protocol, new(ecsshape.TransportProtocolTCP))
	switch {
	case m.ContainerPortRange != nil:
	case (mode == ecsshape.NetworkModeHost || mode == ecsshape.NetworkModeAwsvpc) && given(m.HostPort) == 0:
		m.HostPort = m.ContainerPort
	default:
		m.HostPort = cmp.Or(m.HostPort, new(int32(0)))
	}
}

// normaliseVolume: a volume of no other kind is a bind mount that the runtime
// finds a place for; a Docker volume has the scope task.
func normaliseVolume(v *ecsshape.Volume) {
	switch {
	case v.DockerVolumeConfiguration != nil:
		d := *v.DockerVolumeConfiguration
		d.Scope = cmp.Or(d.Scope, new(ecsshape.ScopeTask))
		d.Driver = cmp.Or(d.Driver, new("local"))
		v.DockerVolumeConfiguration = &d
	case v.Host == nil && volumeKinds(v) == 0:
		v.Host = &ecsshape.HostVolumeProperties{}
	}
}

// normalText turns "1 vCPU" or "2GB" into a number of units; what is not such an
// amount stays for the checks to refuse.
func normalText(s *string, parse func(string) (int64, bool)) *string {
	if s == nil {
		return nil
	}
	n, ok := parse(*s)
	if !ok {
		return s
	}
	return new(strconv.FormatInt(n, 10))
}

// copied is a copy of the list that is never nil: AWS answers empty lists.
func copied[T any](list []T) []T {
	return append(make([]T, 0, len(list)), list...)
}
