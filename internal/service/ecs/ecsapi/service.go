package ecsapi

import (
	"context"
	"slices"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/wire"
)

// serviceHandlers serve the operations on services and on their deployments and
// revisions.
type serviceHandlers struct{ room *ecs.Room }

// registerServices binds them.
func registerServices(m *wire.Mux, room *ecs.Room) {
	h := serviceHandlers{room}
	wire.Handle(m, ecsshape.CreateService, h.create)
	wire.Handle(m, ecsshape.UpdateService, h.update)
	wire.Handle(m, ecsshape.DeleteService, h.remove)
	wire.Handle(m, ecsshape.DescribeServices, h.describe)
	wire.Handle(m, ecsshape.ListServices, h.list)
	wire.Handle(m, ecsshape.ListServicesByNamespace, h.listByNamespace)
	wire.Handle(m, ecsshape.ListServiceDeployments, h.listDeployments)
	wire.Handle(m, ecsshape.DescribeServiceDeployments, h.describeDeployments)
	wire.Handle(m, ecsshape.DescribeServiceRevisions, h.describeRevisions)
	wire.Handle(m, ecsshape.StopServiceDeployment, h.stopDeployment)
}

func (h serviceHandlers) create(ctx context.Context, call *wire.Call, in *ecsshape.CreateServiceInput) (*ecsshape.CreateServiceOutput, error) {
	v, err := h.room.CreateService(ctx, scopeOf(call), ecs.CreateServiceRequest{
		Cluster: value(in.Cluster), Name: value(in.ServiceName), TaskDefinition: value(in.TaskDefinition),
		ClientToken: value(in.ClientToken), Role: value(in.Role), CreatedBy: call.Principal.ARN,
		DesiredCount: in.DesiredCount, LaunchType: value(in.LaunchType), PlatformVersion: value(in.PlatformVersion),
		SchedulingStrategy: value(in.SchedulingStrategy), Controller: controllerOf(in.DeploymentController),
		CapacityProviderStrategy: in.CapacityProviderStrategy, DeploymentConfiguration: in.DeploymentConfiguration,
		PlacementConstraints: in.PlacementConstraints, PlacementStrategy: in.PlacementStrategy,
		NetworkConfiguration: in.NetworkConfiguration,
		Features: ecs.ServiceFeatures{
			LoadBalancers: in.LoadBalancers, ServiceRegistries: in.ServiceRegistries,
			ServiceConnect: in.ServiceConnectConfiguration, Volumes: in.VolumeConfigurations,
			Lattice: in.VpcLatticeConfigurations,
		},
		HealthCheckGracePeriod:    in.HealthCheckGracePeriodSeconds,
		AvailabilityZoneRebalance: value(in.AvailabilityZoneRebalancing),
		EnableECSManagedTags:      value(in.EnableECSManagedTags),
		EnableExecuteCommand:      value(in.EnableExecuteCommand),
		PropagateTags:             value(in.PropagateTags),
		Tags:                      tagsOf(in.Tags),
	})
	if err != nil {
		return nil, err
	}
	return &ecsshape.CreateServiceOutput{Service: serviceShape(v, true)}, nil
}

func controllerOf(c *ecsshape.DeploymentController) string {
	if c == nil {
		return ""
	}
	return value(c.Type)
}

func (h serviceHandlers) update(ctx context.Context, call *wire.Call, in *ecsshape.UpdateServiceInput) (*ecsshape.UpdateServiceOutput, error) {
	req := ecs.UpdateServiceRequest{
		Cluster: value(in.Cluster), Service: value(in.Service),
		DesiredCount: in.DesiredCount, TaskDefinition: in.TaskDefinition, PlatformVersion: in.PlatformVersion,
		ForceNewDeployment:       value(in.ForceNewDeployment),
		CapacityProviderStrategy: in.CapacityProviderStrategy, DeploymentConfiguration: in.DeploymentConfiguration,
		PlacementConstraints: in.PlacementConstraints, PlacementStrategy: in.PlacementStrategy,
		NetworkConfiguration: in.NetworkConfiguration,
		Features: ecs.ServiceFeatures{
			LoadBalancers: in.LoadBalancers, ServiceRegistries: in.ServiceRegistries,
			ServiceConnect: in.ServiceConnectConfiguration, Volumes: in.VolumeConfigurations,
			Lattice: in.VpcLatticeConfigurations,
		},
		HealthCheckGracePeriod:    in.HealthCheckGracePeriodSeconds,
		AvailabilityZoneRebalance: in.AvailabilityZoneRebalancing,
		EnableECSManagedTags:      in.EnableECSManagedTags,
		EnableExecuteCommand:      in.EnableExecuteCommand,
		PropagateTags:             in.PropagateTags,
	}
	if in.DeploymentController != nil {
		req.Controller = in.DeploymentController.Type
	}
	v, err := h.room.UpdateService(ctx, scopeOf(call), req)
	if err != nil {
		return nil, err
	}
	return &ecsshape.UpdateServiceOutput{Service: serviceShape(v, true)}, nil
}

func (h serviceHandlers) remove(ctx context.Context, call *wire.Call, in *ecsshape.DeleteServiceInput) (*ecsshape.DeleteServiceOutput, error) {
	v, err := h.room.DeleteService(ctx, scopeOf(call), value(in.Cluster), value(in.Service), value(in.Force))
	if err != nil {
		return nil, err
	}
	return &ecsshape.DeleteServiceOutput{Service: serviceShape(v, true)}, nil
}

func (h serviceHandlers) describe(_ context.Context, call *wire.Call, in *ecsshape.DescribeServicesInput) (*ecsshape.DescribeServicesOutput, error) {
	views, missing, err := h.room.DescribeServices(scopeOf(call), value(in.Cluster), in.Services)
	if err != nil {
		return nil, err
	}
	out := &ecsshape.DescribeServicesOutput{Services: []ecsshape.Service{}, Failures: missingShapes(missing)}
	tags := slices.Contains(in.Include, ecsshape.ServiceFieldTags)
	for _, v := range views {
		out.Services = append(out.Services, *serviceShape(v, tags))
	}
	return out, nil
}

func (h serviceHandlers) list(_ context.Context, call *wire.Call, in *ecsshape.ListServicesInput) (*ecsshape.ListServicesOutput, error) {
	arns, next, err := h.room.ListServices(scopeOf(call), ecs.ListServicesFilter{
		Cluster: value(in.Cluster), LaunchType: value(in.LaunchType),
		SchedulingStrategy:     value(in.SchedulingStrategy),
		ResourceManagementType: value(in.ResourceManagementType),
		MaxResults:             in.MaxResults, NextToken: value(in.NextToken),
	})
	if err != nil {
		return nil, err
	}
	return &ecsshape.ListServicesOutput{ServiceArns: present(arns), NextToken: textOrAbsent(next)}, nil
}

// listByNamespace answers for a region that has no Cloud Map namespace.
func (h serviceHandlers) listByNamespace(context.Context, *wire.Call, *ecsshape.ListServicesByNamespaceInput) (*ecsshape.ListServicesByNamespaceOutput, error) {
	return nil, apierr.Client(ecsshape.CodeNamespaceNotFoundException, "Namespace not found.")
}
