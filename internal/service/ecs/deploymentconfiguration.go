package ecs

import (
	"cmp"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

// defaultDeploymentConfiguration is what AWS answers for a service that says
// nothing: it may double while a REPLICA service rolls out and never falls short,
// and a DAEMON service restarts in place.
func defaultDeploymentConfiguration(scheduling string) ecsshape.DeploymentConfiguration {
	c := ecsshape.DeploymentConfiguration{
		MaximumPercent: new(int32(200)), MinimumHealthyPercent: new(int32(100)),
		DeploymentCircuitBreaker: &ecsshape.DeploymentCircuitBreaker{Enable: new(false), Rollback: new(false)},
		Strategy:                 new(ecsshape.DeploymentStrategyRolling),
		BakeTimeInMinutes:        new(int32(0)),
	}
	if scheduling == SchedulingDaemon {
		c.MaximumPercent, c.MinimumHealthyPercent = new(int32(100)), new(int32(0))
	}
	return c
}

// mergeDeploymentConfiguration lays what a request says over what holds.
func mergeDeploymentConfiguration(scheduling string, base ecsshape.DeploymentConfiguration, over *ecsshape.DeploymentConfiguration) (ecsshape.DeploymentConfiguration, error) {
	if over == nil {
		return base, nil
	}
	base.MaximumPercent = cmp.Or(over.MaximumPercent, base.MaximumPercent)
	base.MinimumHealthyPercent = cmp.Or(over.MinimumHealthyPercent, base.MinimumHealthyPercent)
	base.DeploymentCircuitBreaker = cmp.Or(over.DeploymentCircuitBreaker, base.DeploymentCircuitBreaker)
	base.Strategy = cmp.Or(over.Strategy, base.Strategy)
	base.BakeTimeInMinutes = cmp.Or(over.BakeTimeInMinutes, base.BakeTimeInMinutes)
	base.Alarms = cmp.Or(over.Alarms, base.Alarms)
	return base, checkDeploymentConfiguration(scheduling, &base, over)
}

func checkDeploymentConfiguration(scheduling string, c, asked *ecsshape.DeploymentConfiguration) error {
	least, most := *c.MinimumHealthyPercent, *c.MaximumPercent
	switch {
	case *c.Strategy != ecsshape.DeploymentStrategyRolling:
		return errServiceUnsupported("The deployment strategy %s is not supported.", *c.Strategy)
	case len(asked.LifecycleHooks) > 0:
		return errServiceUnsupported("Deployment lifecycle hooks are not supported with the deployment strategy ROLLING.")
	case c.Alarms != nil && c.Alarms.Enable != nil && *c.Alarms.Enable:
		return errServiceUnsupported("Deployment alarms are not supported: there is no Amazon CloudWatch here.")
	case *c.BakeTimeInMinutes < 0 || *c.BakeTimeInMinutes > 1440:
		return ErrInvalidParameter("bakeTimeInMinutes must be between 0 and 1440.")
	case least < 0 || least > 100:
		return ErrInvalidParameter("minimumHealthyPercent must be between 0 and 100.")
	case scheduling == SchedulingDaemon:
		return nil // checkDaemon has a text of its own
	case most < 100:
		return ErrInvalidParameter("maximumPercent must be at least 100.")
	case least == 100 && most == 100:
		return ErrInvalidParameter("Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.")
	}
	return nil
}
