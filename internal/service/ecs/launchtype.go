package ecs

import (
	"slices"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

// LaunchChoice is what a request says of where tasks are to run.
type LaunchChoice struct {
	LaunchType               string
	CapacityProviderStrategy []ecsshape.CapacityProviderStrategyItem
	PlatformVersion          string
	Constrained              bool // it has placement constraints or strategies
}

const maxStrategyItems = 20

// Check validates the choice against the cluster and the definition as AWS
// does, and then refuses, in plain words, capacity that this Slipway does not
// have: Fargate and capacity providers.
func (l LaunchChoice) Check(c *Cluster, d *ecsshape.TaskDefinition) error {
	if l.LaunchType != "" && len(l.CapacityProviderStrategy) > 0 {
		return ErrInvalidParameter("Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.")
	}
	if err := l.checkStrategy(c); err != nil {
		return err
	}
	if l.LaunchType != "" {
		return l.checkType(d)
	}
	if s := slices.Concat(l.CapacityProviderStrategy, c.DefaultStrategy); len(s) > 0 {
		return ErrClient("This Slipway has no capacity for the capacity provider %s; use launch type EC2.", given(s[0].CapacityProvider))
	}
	return LaunchChoice{LaunchType: ecsshape.LaunchTypeEC2, PlatformVersion: l.PlatformVersion}.checkType(d)
}

func (l LaunchChoice) checkStrategy(c *Cluster) error {
	if len(l.CapacityProviderStrategy) > maxStrategyItems {
		return ErrInvalidParameter("A capacity provider strategy can contain a maximum of %d capacity providers.", maxStrategyItems)
	}
	for i := range l.CapacityProviderStrategy {
		if !slices.Contains(c.CapacityProviders, given(l.CapacityProviderStrategy[i].CapacityProvider)) {
			return ErrInvalidParameter("The specified capacity provider strategy cannot contain a capacity provider that is not " +
				"associated with the cluster. Associate the capacity provider with the cluster and try again.")
		}
	}
	return nil
}

func (l LaunchChoice) checkType(d *ecsshape.TaskDefinition) error {
	if len(d.Compatibilities) > 0 && !slices.Contains(d.Compatibilities, l.LaunchType) {
		return ErrInvalidParameter("Task definition does not support launch_type %s.", l.LaunchType)
	}
	switch l.LaunchType {
	case ecsshape.LaunchTypeEC2, ecsshape.LaunchTypeExternal:
		if l.PlatformVersion != "" {
			return ErrInvalidParameter("The platform version must be null when specifying an %s launch type.", l.LaunchType)
		}
		return nil
	case ecsshape.LaunchTypeFargate:
		if l.Constrained {
			return ErrInvalidParameter("Placement constraints and strategies are not supported with FARGATE launch type.")
		}
		return ErrClient("This Slipway has no Fargate capacity; use launch type EC2.")
	}
	return ErrClient("This Slipway has no capacity for launch type %s; use launch type EC2.", l.LaunchType)
}
