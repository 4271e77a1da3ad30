package ecsapi

import (
	"context"

	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/shape"
)

func (h serviceHandlers) listDeployments(_ context.Context, call *wire.Call, in *ecsshape.ListServiceDeploymentsInput) (*ecsshape.ListServiceDeploymentsOutput, error) {
	f := ecs.ListServiceDeploymentsFilter{
		Cluster: value(in.Cluster), Service: value(in.Service), Statuses: in.Status,
		MaxResults: in.MaxResults, NextToken: value(in.NextToken),
	}
	if in.CreatedAt != nil {
		f.After, f.Before = in.CreatedAt.After.Or(), in.CreatedAt.Before.Or()
	}
	list, next, err := h.room.ListServiceDeployments(scopeOf(call), f)
	if err != nil {
		return nil, err
	}
	out := &ecsshape.ListServiceDeploymentsOutput{
		ServiceDeployments: []ecsshape.ServiceDeploymentBrief{}, NextToken: textOrAbsent(next),
	}
	for _, d := range list {
		out.ServiceDeployments = append(out.ServiceDeployments, ecsshape.ServiceDeploymentBrief{
			ServiceDeploymentArn: new(d.ARN()), ServiceArn: new(d.ServiceARN()),
			ClusterArn: new(d.Scope.ARN("cluster/" + d.Cluster)), Status: &d.State, StatusReason: textOrAbsent(d.StateReason),
			CreatedAt: shape.At(d.CreatedAt), StartedAt: shape.At(d.StartedAt), FinishedAt: shape.At(d.FinishedAt),
			TargetServiceRevisionArn: new(ecs.RevisionARN(d, d.Revision)),
		})
	}
	return out, nil
}

func (h serviceHandlers) describeDeployments(_ context.Context, call *wire.Call, in *ecsshape.DescribeServiceDeploymentsInput) (*ecsshape.DescribeServiceDeploymentsOutput, error) {
	views, missing, err := h.room.DescribeServiceDeployments(scopeOf(call), in.ServiceDeploymentArns)
	if err != nil {
		return nil, err
	}
	out := &ecsshape.DescribeServiceDeploymentsOutput{
		ServiceDeployments: []ecsshape.ServiceDeployment{}, Failures: missingShapes(missing),
	}
	for _, v := range views {
		out.ServiceDeployments = append(out.ServiceDeployments, serviceDeploymentShape(v))
	}
	return out, nil
}

func serviceDeploymentShape(v *ecs.ServiceDeploymentView) ecsshape.ServiceDeployment {
	out := ecsshape.ServiceDeployment{
		ServiceDeploymentArn: new(v.ARN()), ServiceArn: new(v.ServiceARN()),
		ClusterArn: new(v.Scope.ARN("cluster/" + v.Cluster)), Status: &v.State, StatusReason: textOrAbsent(v.StateReason),
		CreatedAt: shape.At(v.CreatedAt), StartedAt: shape.At(v.StartedAt), UpdatedAt: shape.At(v.UpdatedAt),
		FinishedAt: shape.At(v.FinishedAt), StoppedAt: shape.At(v.StoppedAt),
		TargetServiceRevision:   new(revisionSummary(v.Target)),
		SourceServiceRevisions:  []ecsshape.ServiceRevisionSummary{},
		DeploymentConfiguration: &v.Configuration,
		DeploymentCircuitBreaker: &ecsshape.ServiceDeploymentCircuitBreaker{
			Status: new(v.Breaker.Status), FailureCount: new(int32(v.Breaker.Failures)),
			Threshold: new(int32(v.Breaker.Threshold)),
		},
	}
	for _, s := range v.Sources {
		out.SourceServiceRevisions = append(out.SourceServiceRevisions, revisionSummary(s))
	}
	if r := v.Rollback; r != nil {
		out.Rollback = &ecsshape.Rollback{
			Reason: &r.Reason, StartedAt: shape.At(r.StartedAt),
			ServiceRevisionArn: new(ecs.RevisionARN(v.Deployment, r.Revision)),
		}
	}
	return out
}

func revisionSummary(r ecs.RevisionView) ecsshape.ServiceRevisionSummary {
	return ecsshape.ServiceRevisionSummary{
		Arn: new(r.ARN), RequestedTaskCount: new(int32(r.Requested)),
		RunningTaskCount: new(int32(r.Counts.Running)), PendingTaskCount: new(int32(r.Counts.Pending)),
	}
}

func (h serviceHandlers) describeRevisions(_ context.Context, call *wire.Call, in *ecsshape.DescribeServiceRevisionsInput) (*ecsshape.DescribeServiceRevisionsOutput, error) {
	views, missing, err := h.room.DescribeServiceRevisions(scopeOf(call), in.ServiceRevisionArns)
	if err != nil {
		return nil, err
	}
	out := &ecsshape.DescribeServiceRevisionsOutput{
		ServiceRevisions: []ecsshape.ServiceRevision{}, Failures: missingShapes(missing),
	}
	for _, v := range views {
		out.ServiceRevisions = append(out.ServiceRevisions, revisionShape(v))
	}
	return out, nil
}

func revisionShape(v *ecs.RevisionDetail) ecsshape.ServiceRevision {
	out := ecsshape.ServiceRevision{
		ServiceRevisionArn: new(v.ARN()), ServiceArn: new(v.Scope.ARN("service/" + v.Cluster + "/" + v.Service)),
		ClusterArn: new(v.Scope.ARN("cluster/" + v.Cluster)), TaskDefinition: &v.TaskDefinition,
		LaunchType: textOrAbsent(v.LaunchType), PlatformVersion: textOrAbsent(v.PlatformVersion),
		CapacityProviderStrategy: v.CapacityProviderStrategy, NetworkConfiguration: v.NetworkConfiguration,
		LoadBalancers: present(v.LoadBalancers), ServiceRegistries: present(v.ServiceRegistries),
		ContainerImages: []ecsshape.ContainerImage{}, GuardDutyEnabled: new(false), CreatedAt: shape.At(v.CreatedAt),
	}
	for _, i := range v.Images {
		out.ContainerImages = append(out.ContainerImages, ecsshape.ContainerImage{
			ContainerName: new(i.Container), Image: new(i.Image), ImageDigest: textOrAbsent(i.Digest),
		})
	}
	return out
}

func (h serviceHandlers) stopDeployment(ctx context.Context, call *wire.Call, in *ecsshape.StopServiceDeploymentInput) (*ecsshape.StopServiceDeploymentOutput, error) {
	ref := value(in.ServiceDeploymentArn)
	if err := h.room.StopServiceDeployment(ctx, scopeOf(call), ref, value(in.StopType)); err != nil {
		return nil, err
	}
	return &ecsshape.StopServiceDeploymentOutput{ServiceDeploymentArn: &ref}, nil
}
