package ecs

import (
	"cmp"
	"slices"

	"github.com/slipway/slipway/internal/schedule"
	"github.com/slipway/slipway/internal/schedule/query"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
)

// DaemonInstances are the container instances on which a DAEMON service has a
// task: the ACTIVE ones that meet its constraints and its task definition's,
// whether they have room or not. The value tells whether the agent is connected.
func DaemonInstances(r store.Reader, s *Service) map[string]bool {
	on := map[string]bool{}
	definition, ok := findTaskDefinition(r, s.Scope, s.TaskDefinition)
	if !ok {
		return on
	}
	meets := daemonFilter(s, definition)
	launchType := cmp.Or(s.LaunchType, ecsshape.LaunchTypeEC2)
	for inst := range Instances.List(r, s.Scope.Prefix(s.Cluster)) {
		if inst.Status == StatusActive && inst.launchType() == launchType && meets(inst) {
			on[inst.ID] = inst.AgentConnected
		}
	}
	return on
}

func daemonFilter(s *Service, d *TaskDefinition) func(*ContainerInstance) bool {
	required := requiredAttributes(&d.Definition, s.EnableExecuteCommand)
	var members []*query.Expr
	constraints := scheduleConstraints(s.PlacementConstraints)
	for _, c := range d.Definition.PlacementConstraints {
		constraints = append(constraints, schedule.Constraint{Type: given(c.Type), Expression: given(c.Expression)})
	}
	for _, c := range constraints {
		// What does not parse was refused when it was written.
		if e, err := query.Parse(c.Expression); err == nil && c.Expression != "" {
			members = append(members, e)
		}
	}
	return func(i *ContainerInstance) bool {
		view := schedule.Instance{
			ID: i.ID, Status: i.Status, Connected: i.AgentConnected, EC2InstanceID: i.EC2InstanceID,
			AgentVersion: i.AgentVersion, RegisteredAt: i.RegisteredAt, Attributes: i.attributeMap(),
		}
		for _, a := range required {
			if v, ok := view.Attributes[a.Name]; !ok || a.Value != "" && a.Value != v {
				return false
			}
		}
		return !slices.ContainsFunc(members, func(e *query.Expr) bool { return !e.Match(view.Subject()) })
	}
}
