package engine

import (
	"cmp"

	"github.com/slipway/slipway/internal/agentproto"
)

// said is what a container's Docker configuration says, read once. What cannot
// be read is left out here, and fails the container when it is created.
type said struct {
	config agentproto.Config
	host   agentproto.HostConfig
	mode   string                  // of the network
	check  *agentproto.Healthcheck // nil: its health is not checked
}

func (e *Engine) read(rec Record, i int) said {
	var s said
	c := rec.Task.Containers[i]
	s.config, _ = dockerConfig(rec.Task, c, e.cfg.Cluster)
	s.host, _ = hostConfig(c)
	s.mode = cmp.Or(s.host.NetworkMode, rec.Task.NetworkMode, "bridge")
	if h := s.config.Healthcheck; e.fx.Health != nil && c.HealthCheckType == healthCheckDocker && h != nil && len(h.Test) > 0 && h.Test[0] != "NONE" {
		s.check = h
	}
	return s
}

// healthCheckDocker is the only healthCheckType that there is.
const healthCheckDocker = "docker"
