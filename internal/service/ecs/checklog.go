package ecs

import (
	"strings"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

// checkLogConfiguration: awslogs needs a group and a region (using_awslogs).
func checkLogConfiguration(c *ecsshape.ContainerDefinition) error {
	l := c.LogConfiguration
	if l == nil || given(l.LogDriver) != ecsshape.LogDriverAwslogs {
		return nil
	}
	var missing []string
	for _, option := range []string{"awslogs-region", "awslogs-group"} {
		if l.Options[option] == "" {
			missing = append(missing, option)
		}
	}
	if len(missing) > 0 {
		return ErrClient("Log driver awslogs requires options: %s", strings.Join(missing, ", "))
	}
	return nil
}
