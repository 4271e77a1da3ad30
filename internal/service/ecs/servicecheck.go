package ecs

import (
	"regexp"

	"github.com/slipway/slipway/internal/schedule"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/tag"
)

const maxServiceToken = 36 // characters of the clientToken of CreateService

var serviceName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

// check finds what is wrong with the request alone.
func (req *CreateServiceRequest) check() error {
	switch {
	case !serviceName.MatchString(req.Name):
		return ErrInvalidParameter("Invalid service name.")
	case len(req.ClientToken) > maxServiceToken:
		return ErrInvalidParameter("idempotency token longer than %d.", maxServiceToken)
	case req.Role != "":
		return ErrInvalidParameter("You cannot specify an IAM role for services that require a service linked role.")
	}
	if err := req.checkCount(); err != nil {
		return err
	}
	if err := req.Features.check(); err != nil {
		return err
	}
	return placementError(tag.Check(nil, req.Tags))
}

func (req *CreateServiceRequest) checkCount() error {
	switch {
	case req.SchedulingStrategy == SchedulingDaemon && req.DesiredCount != nil:
		return errDaemonCount()
	case req.SchedulingStrategy == SchedulingDaemon:
		return nil
	case req.Controller != "" && req.Controller != ControllerECS:
		return nil // refused for the controller, with a better reason
	case req.DesiredCount == nil:
		return ErrInvalidParameter("DesiredCount is missing")
	}
	return checkDesiredCount(*req.DesiredCount)
}

func checkDesiredCount(n int32) error {
	if n < 0 {
		return ErrInvalidParameter("DesiredCount can not be lesser than 0")
	}
	return nil
}

func errDaemonCount() error {
	return ErrInvalidParameter("The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again")
}

// check refuses what only other services of AWS could provide: nothing that a
// service asks for is silently left out.
func (f *ServiceFeatures) check() error {
	switch {
	case len(f.LoadBalancers) > 0:
		return f.refuseLoadBalancer()
	case len(f.ServiceRegistries) > 0:
		return errServiceUnsupported("Service registries are not supported: there is no AWS Cloud Map here.")
	case f.ServiceConnect != nil && f.ServiceConnect.Enabled != nil && *f.ServiceConnect.Enabled:
		return errServiceUnsupported("Service Connect is not supported: there is no AWS Cloud Map here.")
	case len(f.Volumes) > 0:
		return errServiceUnsupported("Volumes that are configured at launch are not supported: there is no Amazon EBS here.")
	case len(f.Lattice) > 0:
		return errServiceUnsupported("VPC Lattice configurations are not supported.")
	}
	return nil
}

// refuseLoadBalancer answers as AWS does for a target group that no load
// balancer uses, which is true of every one as long as there are none.
func (f *ServiceFeatures) refuseLoadBalancer() error {
	if arn := f.LoadBalancers[0].TargetGroupArn; arn != nil {
		return ErrInvalidParameter("The target group with targetGroupArn %s does not have an associated load balancer.", *arn)
	}
	return ErrInvalidParameter("Unable to describe load balancers: there are none.")
}

// serviceTaskDefinition finds the ACTIVE task definition that a service names.
func serviceTaskDefinition(r store.Reader, scope Scope, ref string) (*TaskDefinition, error) {
	if ref == "" {
		return nil, ErrInvalidParameter("TaskDefinition can not be blank.")
	}
	return runnableTaskDefinition(r, scope, ref)
}

// check finds what is wrong with the service as it would be.
func (s *Service) check(c *Cluster, d *TaskDefinition) error {
	if s.Controller != ControllerECS {
		return errServiceUnsupported("The deployment controller %s is not supported.", s.Controller)
	}
	if *s.HealthCheckGracePeriod < 0 {
		return ErrInvalidParameter("Health check grace period must be a non-negative integer.")
	}
	for _, err := range []error{
		s.checkCapacity(c, d), s.checkNetwork(d), s.checkPlacement(), s.checkDaemon(), s.checkRebalancing(),
		checkServed(&d.Definition),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) checkCapacity(c *Cluster, d *TaskDefinition) error {
	daemon := s.SchedulingStrategy == SchedulingDaemon
	switch {
	case daemon && len(s.CapacityProviderStrategy) > 0:
		return ErrInvalidParameter("Specifying a capacity provider strategy is not supported when you create a service using the DAEMON scheduling strategy.")
	case daemon && s.LaunchType == ecsshape.LaunchTypeFargate:
		return ErrInvalidParameter("The daemon scheduling strategy does not support the FARGATE launch type. Change the launch type and try again")
	}
	return LaunchChoice{
		LaunchType: s.LaunchType, CapacityProviderStrategy: s.CapacityProviderStrategy,
		PlatformVersion: s.PlatformVersion, Constrained: len(s.PlacementConstraints)+len(s.PlacementStrategy) > 0,
	}.Check(c, &d.Definition)
}

func (s *Service) checkNetwork(d *TaskDefinition) error {
	awsvpc := d.Definition.NetworkMode != nil && *d.Definition.NetworkMode == ecsshape.NetworkModeAwsvpc
	given := s.NetworkConfiguration != nil && s.NetworkConfiguration.AwsvpcConfiguration != nil
	switch {
	case awsvpc && !given:
		return ErrInvalidParameter("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
	case awsvpc:
		return errServiceUnsupported("The network mode awsvpc is not supported.")
	case given:
		return ErrInvalidParameter("Network Configuration is not valid for the given networkMode of this task definition.")
	}
	return nil
}

func (s *Service) checkPlacement() error {
	if s.SchedulingStrategy == SchedulingDaemon && len(s.PlacementStrategy) > 0 {
		return ErrInvalidParameter("The daemon scheduling strategy does not support placement strategies. Remove the placement strategy and try again")
	}
	if err := schedule.ValidateConstraints(scheduleConstraints(s.PlacementConstraints)); err != nil {
		return placementError(err)
	}
	return placementError(schedule.ValidateStrategy(s.ScheduleStrategy()))
}

// ScheduleStrategy is the service's placement strategy in the scheduler's terms.
func (s *Service) ScheduleStrategy() []schedule.Strategy {
	strategy := make([]schedule.Strategy, 0, len(s.PlacementStrategy))
	for _, p := range s.PlacementStrategy {
		strategy = append(strategy, schedule.Strategy{Type: given(p.Type), Field: given(p.Field)})
	}
	return strategy
}

func (s *Service) checkDaemon() error {
	if s.SchedulingStrategy != SchedulingDaemon {
		return nil
	}
	if p := s.DeploymentConfiguration.MaximumPercent; *p != 100 {
		return ErrInvalidParameter("The daemon scheduling strategy does not support values above 100 for maximumPercent on a deployment configuration. Change the maximumPercent value to 100, and try again")
	}
	return nil
}

// defaultRebalancing is ENABLED wherever rebalancing is possible
// (service-rebalancing).
func defaultRebalancing(s *Service) string {
	if s.rebalancingBarred() {
		return ecsshape.AvailabilityZoneRebalancingDisabled
	}
	return ecsshape.AvailabilityZoneRebalancingEnabled
}

func (s *Service) rebalancingBarred() bool {
	return s.SchedulingStrategy == SchedulingDaemon || *s.DeploymentConfiguration.MaximumPercent <= 100
}

func (s *Service) checkRebalancing() error {
	if s.AvailabilityZoneRebalance == ecsshape.AvailabilityZoneRebalancingEnabled && s.rebalancingBarred() {
		return ErrInvalidParameter("Availability Zone rebalancing does not support services that use the daemon scheduling strategy or a maximumPercent of 100 or less.")
	}
	return nil
}
