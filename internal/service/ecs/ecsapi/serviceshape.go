package ecsapi

import (
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/wire/shape"
)

// serviceShape is a service as AWS shows it. Lists that are empty are there: the
// tools that compare services index them.
func serviceShape(v *ecs.ServiceView, tags bool) *ecsshape.Service {
	s := v.Service
	out := &ecsshape.Service{
		ServiceArn: new(s.ARN()), ServiceName: &s.Name, ClusterArn: new(s.Scope.ARN("cluster/" + s.Cluster)),
		Status: &s.Status, DesiredCount: new(int32(s.DesiredCount)),
		RunningCount: new(int32(v.Counts.Running)), PendingCount: new(int32(v.Counts.Pending)),
		LaunchType: textOrAbsent(s.LaunchType), PlatformVersion: textOrAbsent(s.PlatformVersion),
		CapacityProviderStrategy: s.CapacityProviderStrategy, TaskDefinition: &s.TaskDefinition,
		DeploymentConfiguration: &s.DeploymentConfiguration,
		DeploymentController:    &ecsshape.DeploymentController{Type: &s.Controller},
		Deployments:             []ecsshape.Deployment{}, Events: []ecsshape.ServiceEvent{},
		LoadBalancers: present(s.LoadBalancers), ServiceRegistries: present(s.ServiceRegistries),
		PlacementConstraints: present(s.PlacementConstraints), PlacementStrategy: present(s.PlacementStrategy),
		NetworkConfiguration: s.NetworkConfiguration, SchedulingStrategy: &s.SchedulingStrategy,
		HealthCheckGracePeriodSeconds: s.HealthCheckGracePeriod, RoleArn: textOrAbsent(s.RoleARN),
		CreatedAt: shape.At(s.CreatedAt), CreatedBy: textOrAbsent(s.CreatedBy),
		EnableECSManagedTags: &s.EnableECSManagedTags, EnableExecuteCommand: &s.EnableExecuteCommand,
		PropagateTags:               &s.PropagateTags,
		AvailabilityZoneRebalancing: textOrAbsent(s.AvailabilityZoneRebalance),
		ResourceManagementType:      new(ecsshape.ResourceManagementTypeCustomer),
	}
	for i := range v.Deployments {
		out.Deployments = append(out.Deployments, deploymentShape(s, &v.Deployments[i]))
	}
	for _, r := range v.Revisions {
		out.CurrentServiceRevisions = append(out.CurrentServiceRevisions, ecsshape.ServiceCurrentRevisionSummary{
			Arn: new(r.ARN), RequestedTaskCount: new(int32(r.Requested)),
			RunningTaskCount: new(int32(r.Counts.Running)), PendingTaskCount: new(int32(r.Counts.Pending)),
		})
	}
	for _, e := range v.Events {
		out.Events = append(out.Events, ecsshape.ServiceEvent{Id: &e.ID, CreatedAt: shape.At(e.At), Message: &e.Message})
	}
	if v.Newest != nil && s.Status != ecs.StatusInactive {
		out.CurrentServiceDeployment = new(v.Newest.ARN())
	}
	if tags {
		out.Tags = tagShapes(s.Tags)
	}
	return out
}

// deploymentShape is an entry of deployments[].
func deploymentShape(s *ecs.Service, v *ecs.DeploymentView) ecsshape.Deployment {
	out := ecsshape.Deployment{
		Id: &v.ID, Status: &v.Status, TaskDefinition: &v.TaskDefinition,
		DesiredCount: new(int32(v.Desired)), FailedTasks: new(int32(v.FailedTasks)),
		RunningCount: new(int32(v.Counts.Running)), PendingCount: new(int32(v.Counts.Pending)),
		CreatedAt: shape.At(v.CreatedAt), UpdatedAt: shape.At(v.UpdatedAt),
		LaunchType: textOrAbsent(s.LaunchType), PlatformVersion: textOrAbsent(s.PlatformVersion),
		RolloutState: &v.RolloutState, RolloutStateReason: &v.RolloutStateReason,
	}
	if r := v.Runs; r != nil {
		out.LaunchType, out.PlatformVersion = textOrAbsent(r.LaunchType), textOrAbsent(r.PlatformVersion)
		out.CapacityProviderStrategy, out.NetworkConfiguration = r.CapacityProviderStrategy, r.NetworkConfiguration
	}
	return out
}
