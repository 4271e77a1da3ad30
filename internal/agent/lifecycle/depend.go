package lifecycle

import (
	"fmt"
	"time"

	"github.com/slipway/slipway/internal/agentproto"
)

// verdict says whether a container may go on.
type verdict uint8

const (
	met verdict = iota
	waiting
	impossible
)

// dependencies judges all that container i waits for; the reason comes with
// impossible. Once a container is created its dependencies are not looked at
// again: AWS checks them at start-up only.
func dependencies(spec TaskSpec, obs Observed, i int) (verdict, string) {
	if obs.Containers[i].Status >= Created {
		return met, ""
	}
	all := met
	for _, d := range spec.Containers[i].DependsOn {
		switch v, reason := dependency(spec, obs, i, d); v {
		case impossible:
			return impossible, reason
		case waiting:
			all = waiting
		}
	}
	return all, ""
}

// dependency judges one condition. The texts are the ECS agent's.
func dependency(spec TaskSpec, obs Observed, i int, d Dependency) (verdict, string) {
	dep, target := spec.Containers[d.On], spec.Containers[i].Name
	seen := obs.Containers[d.On]
	if conditionMet(seen, d.Condition) {
		return met, ""
	}
	if seen.Status == Stopped {
		if d.Condition == agentproto.ConditionSuccess {
			return impossible, fmt.Sprintf("dependency graph: failed to resolve container ordering dependency [%s] for target [%s] as dependency did not exit successfully.", dep.Name, target)
		}
		return impossible, fmt.Sprintf("dependency graph: failed to resolve the container ordering dependency [%s] for target [%s]", dep.Name, target)
	}
	if limit, ok := startLimit(dep, seen, d.Condition); ok && !obs.Now.Before(limit) {
		return impossible, fmt.Sprintf("dependency graph: container ordering dependency [%s] for target [%s] has timed out.", dep.Name, target)
	}
	return waiting, ""
}

func conditionMet(seen Container, condition string) bool {
	switch condition {
	case ConditionCreate:
		return seen.Status >= Created && seen.Status < Stopped || seen.ran()
	case agentproto.ConditionStart:
		return seen.ran()
	case agentproto.ConditionComplete:
		return seen.Status == Stopped && seen.ran()
	case agentproto.ConditionSuccess:
		return seen.Status == Stopped && seen.ran() && *seen.ExitCode == 0
	case agentproto.ConditionHealthy:
		return seen.Status == Running && seen.Health == Healthy
	}
	return false
}

// startLimit is when those that wait for dep lose patience. AWS counts from the
// dependency's start, and not at all for START.
func startLimit(dep ContainerSpec, seen Container, condition string) (time.Time, bool) {
	switch condition {
	case agentproto.ConditionComplete, agentproto.ConditionSuccess, agentproto.ConditionHealthy:
		if dep.StartTimeout > 0 && seen.Status == Running && !seen.StartedAt.IsZero() {
			return seen.StartedAt.Add(dep.StartTimeout), true
		}
	}
	return time.Time{}, false
}
