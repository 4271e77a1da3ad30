package ecs

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/tag"
)

// newServiceRoom is a room with two revisions of the definition web.
func newServiceRoom(t testing.TB) *taskRoom {
	r := newTaskRoom(t)
	first := r.define("web", nil)
	second := *first
	second.Revision = 2
	r.put(func(tx *store.Tx) { TaskDefinitions.Put(tx, &second) })
	return r
}

func replicas(n int32) CreateServiceRequest {
	return CreateServiceRequest{Name: "web", TaskDefinition: "web:1", DesiredCount: &n}
}

func (r *taskRoom) createService(req CreateServiceRequest) *ServiceView {
	r.t.Helper()
	v, err := r.CreateService(r.t.Context(), r.s, req)
	if err != nil {
		r.t.Fatal(err)
	}
	return v
}

// answer is an error as a client sees it.
func answer(err error) string {
	if e, ok := errors.AsType[*apierr.Error](err); ok {
		return e.Code + ": " + e.Message
	}
	if err != nil {
		return "not for clients: " + err.Error()
	}
	return ""
}

func TestCreateServiceRefusals(t *testing.T) {
	r := newServiceRoom(t)
	r.define("vpc", func(d *ecsshape.TaskDefinition) { d.NetworkMode = new("awsvpc") })
	r.put(func(tx *store.Tx) {
		Clusters.Put(tx, &Cluster{Scope: r.s, Name: "gone", Status: StatusInactive})
		TaskDefinitions.Put(tx, &TaskDefinition{Scope: r.s, Family: "old", Revision: 1, Status: StatusInactive})
	})
	daemon := func(q *CreateServiceRequest) { q.SchedulingStrategy, q.DesiredCount = SchedulingDaemon, nil }
	percent := func(least, most int32) *ecsshape.DeploymentConfiguration {
		return &ecsshape.DeploymentConfiguration{MinimumHealthyPercent: &least, MaximumPercent: &most}
	}
	vpc := &ecsshape.NetworkConfiguration{AwsvpcConfiguration: &ecsshape.AwsVpcConfiguration{Subnets: []string{"subnet-1"}}}
	tests := []struct {
		name   string
		change func(q *CreateServiceRequest)
		want   string
	}{
		{"a name with a dot", func(q *CreateServiceRequest) { q.Name = "a.b" }, "InvalidParameterException: Invalid service name."},
		{"a name that is too long", func(q *CreateServiceRequest) { q.Name = strings.Repeat("a", 256) }, "InvalidParameterException: Invalid service name."},
		{"an unknown cluster", func(q *CreateServiceRequest) { q.Cluster = "nowhere" }, "ClusterNotFoundException: Cluster not found."},
		{"an inactive cluster", func(q *CreateServiceRequest) { q.Cluster = "gone" }, "ClusterNotFoundException: The referenced cluster was inactive."},
		{"no task definition", func(q *CreateServiceRequest) { q.TaskDefinition = "" }, "InvalidParameterException: TaskDefinition can not be blank."},
		{"an unknown task definition", func(q *CreateServiceRequest) { q.TaskDefinition = "nope" }, "ClientException: TaskDefinition not found."},
		{"an inactive task definition", func(q *CreateServiceRequest) { q.TaskDefinition = "old:1" }, "ClientException: TaskDefinition is inactive"},
		{"no desired count", func(q *CreateServiceRequest) { q.DesiredCount = nil }, "InvalidParameterException: DesiredCount is missing"},
		{"a negative desired count", func(q *CreateServiceRequest) { q.DesiredCount = new(int32(-1)) }, "InvalidParameterException: DesiredCount can not be lesser than 0"},
		{"a long token", func(q *CreateServiceRequest) { q.ClientToken = strings.Repeat("x", 37) }, "InvalidParameterException: idempotency token longer than 36."},
		{"launch type and strategy", func(q *CreateServiceRequest) {
			q.LaunchType = "EC2"
			q.CapacityProviderStrategy = []ecsshape.CapacityProviderStrategyItem{{CapacityProvider: new("p")}}
		}, "InvalidParameterException: Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again."},
		{"a strange capacity provider", func(q *CreateServiceRequest) {
			q.CapacityProviderStrategy = []ecsshape.CapacityProviderStrategyItem{{CapacityProvider: new("p")}}
		}, "InvalidParameterException: The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster and try again."},
		{"Fargate", func(q *CreateServiceRequest) { q.LaunchType = "FARGATE" }, "InvalidParameterException: Task definition does not support launch_type FARGATE."},
		{"a platform version", func(q *CreateServiceRequest) { q.PlatformVersion = "LATEST" }, "InvalidParameterException: The platform version must be null when specifying an EC2 launch type."},
		{"a target group", func(q *CreateServiceRequest) {
			q.Features.LoadBalancers = []ecsshape.LoadBalancer{{TargetGroupArn: new("arn:tg")}}
		}, "InvalidParameterException: The target group with targetGroupArn arn:tg does not have an associated load balancer."},
		{"a registry", func(q *CreateServiceRequest) {
			q.Features.ServiceRegistries = []ecsshape.ServiceRegistry{{RegistryArn: new("arn:r")}}
		}, "UnsupportedFeatureException: Service registries are not supported: there is no AWS Cloud Map here."},
		{"Service Connect", func(q *CreateServiceRequest) {
			q.Features.ServiceConnect = &ecsshape.ServiceConnectConfiguration{Enabled: new(true)}
		}, "UnsupportedFeatureException: Service Connect is not supported: there is no AWS Cloud Map here."},
		{"awsvpc without a configuration", func(q *CreateServiceRequest) { q.TaskDefinition = "vpc" }, "InvalidParameterException: Network Configuration must be provided when networkMode 'awsvpc' is specified."},
		{"awsvpc", func(q *CreateServiceRequest) { q.TaskDefinition, q.NetworkConfiguration = "vpc", vpc }, "UnsupportedFeatureException: The network mode awsvpc is not supported."},
		{"a network configuration for bridge", func(q *CreateServiceRequest) { q.NetworkConfiguration = vpc }, "InvalidParameterException: Network Configuration is not valid for the given networkMode of this task definition."},
		{"EXTERNAL", func(q *CreateServiceRequest) { q.Controller = ControllerExternal }, "UnsupportedFeatureException: The deployment controller EXTERNAL is not supported."},
		{"blue/green", func(q *CreateServiceRequest) {
			q.DeploymentConfiguration = &ecsshape.DeploymentConfiguration{Strategy: new("BLUE_GREEN")}
		}, "UnsupportedFeatureException: The deployment strategy BLUE_GREEN is not supported."},
		{"percentages that block", func(q *CreateServiceRequest) { q.DeploymentConfiguration = percent(100, 100) }, "InvalidParameterException: Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments."},
		{"a constraint that does not parse", func(q *CreateServiceRequest) {
			q.PlacementConstraints = []ecsshape.PlacementConstraint{{Type: new("distinctInstance"), Expression: new("x")}}
		}, "InvalidParameterException: distinctInstance expression should not be specified."},
		{"an unknown strategy field", func(q *CreateServiceRequest) {
			q.PlacementStrategy = []ecsshape.PlacementStrategy{{Type: new("binpack"), Field: new("disk")}}
		}, "InvalidParameterException: binpack strategy field 'disk' is not supported."},
		{"a daemon's desired count", func(q *CreateServiceRequest) { q.SchedulingStrategy = SchedulingDaemon }, "InvalidParameterException: The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again"},
		{"a daemon's maximum", func(q *CreateServiceRequest) { daemon(q); q.DeploymentConfiguration = percent(0, 200) }, "InvalidParameterException: The daemon scheduling strategy does not support values above 100 for maximumPercent on a deployment configuration. Change the maximumPercent value to 100, and try again"},
		{"a daemon's strategy", func(q *CreateServiceRequest) {
			daemon(q)
			q.PlacementStrategy = []ecsshape.PlacementStrategy{{Type: new("random")}}
		}, "InvalidParameterException: The daemon scheduling strategy does not support placement strategies. Remove the placement strategy and try again"},
		{"a daemon that is rebalanced", func(q *CreateServiceRequest) { daemon(q); q.AvailabilityZoneRebalance = "ENABLED" }, "InvalidParameterException: Availability Zone rebalancing does not support services that use the daemon scheduling strategy or a maximumPercent of 100 or less."},
		{"a reserved tag", func(q *CreateServiceRequest) { q.Tags = []tag.Tag{{Key: "aws:x"}} }, "InvalidParameterException: aws: prefixed tag key names are not allowed for external use."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := replicas(1)
			tt.change(&req)
			_, err := r.CreateService(t.Context(), r.s, req)
			if diff := cmp.Diff(tt.want, answer(err)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
	for range Services.List(r.st.Snapshot(), "") {
		t.Error("a refused service was created")
	}
}

func TestCreateServiceDefaults(t *testing.T) {
	r := newServiceRoom(t)
	s := r.createService(replicas(2)).Service
	c := s.DeploymentConfiguration
	got := []any{*c.MaximumPercent, *c.MinimumHealthyPercent, *c.DeploymentCircuitBreaker.Enable, *c.Strategy,
		s.SchedulingStrategy, s.Controller, s.LaunchType, s.PropagateTags, s.AvailabilityZoneRebalance, *s.HealthCheckGracePeriod}
	want := []any{int32(200), int32(100), false, "ROLLING", "REPLICA", "ECS", "EC2", "NONE", "ENABLED", int32(0)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("REPLICA (-want +got):\n%s", diff)
	}
	s = r.createService(CreateServiceRequest{Name: "d", TaskDefinition: "web", SchedulingStrategy: SchedulingDaemon}).Service
	c = s.DeploymentConfiguration
	got = []any{*c.MaximumPercent, *c.MinimumHealthyPercent, s.AvailabilityZoneRebalance}
	if diff := cmp.Diff([]any{int32(100), int32(0), "DISABLED"}, got); diff != "" {
		t.Errorf("DAEMON (-want +got):\n%s", diff)
	}
}

func TestCreateServiceIsIdempotent(t *testing.T) {
	r := newServiceRoom(t)
	first := r.createService(replicas(2))
	again := replicas(2)
	again.ClientToken, again.Tags = "other", []tag.Tag{{Key: "k"}}
	if v := r.createService(again); v.Service != first.Service || v.Service.LastDeployment != 1 {
		t.Errorf("a replay changed the service: %+v", v.Service)
	}
	_, err := r.CreateService(t.Context(), r.s, replicas(3))
	if got := answer(err); got != "InvalidParameterException: Creation of service was not idempotent." {
		t.Errorf("another creation: %q", got)
	}
	if _, err := r.DeleteService(t.Context(), r.s, "", "web", true); err != nil {
		t.Fatal(err)
	}
	_, err = r.CreateService(t.Context(), r.s, replicas(2))
	if got := answer(err); got != "InvalidParameterException: Unable to Start a service that is still Draining." {
		t.Errorf("while it drains: %q", got)
	}
	r.endService("web")
	v := r.createService(replicas(3))
	if v.Service.DesiredCount != 3 || v.Service.Status != StatusActive || len(v.Deployments) != 1 || v.Deployments[0].Seq != 2 {
		t.Errorf("created again: %+v", v.Service)
	}
}

// endService does what the scheduler does when the last task has ended.
func (r *taskRoom) endService(name string) {
	r.t.Helper()
	r.put(func(tx *store.Tx) {
		s, _ := Services.Get(tx, r.s.Key("default", name))
		EndService(tx, s, apiNow())
	})
}
