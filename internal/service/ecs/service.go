package ecs

import (
	"time"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/tag"
)

// Scheduling strategies and deployment controllers.
const (
	SchedulingReplica = "REPLICA"
	SchedulingDaemon  = "DAEMON"

	ControllerECS        = "ECS"
	ControllerCodeDeploy = "CODE_DEPLOY"
	ControllerExternal   = "EXTERNAL"
)

// Service is a service as its user describes it. What is being rolled out is in
// its Deployments, what runs in the tasks, what happened in its ServiceEvents:
// records of their own, so that none rewrites the others.
type Service struct {
	Scope
	Cluster string `json:"cluster"`
	Name    string `json:"name"`
	Status  string `json:"status"` // ACTIVE, DRAINING or INACTIVE

	DesiredCount       int    `json:"desiredCount"`
	TaskDefinition     string `json:"taskDefinition"` // ARN
	LaunchType         string `json:"launchType,omitzero"`
	PlatformVersion    string `json:"platformVersion,omitzero"`
	SchedulingStrategy string `json:"schedulingStrategy"`
	Controller         string `json:"controller"` // deployment controller type

	CapacityProviderStrategy []ecsshape.CapacityProviderStrategyItem `json:"capacityProviderStrategy,omitzero"`
	DeploymentConfiguration  ecsshape.DeploymentConfiguration        `json:"deploymentConfiguration"`
	PlacementConstraints     []ecsshape.PlacementConstraint          `json:"placementConstraints,omitzero"`
	PlacementStrategy        []ecsshape.PlacementStrategy            `json:"placementStrategy,omitzero"`
	NetworkConfiguration     *ecsshape.NetworkConfiguration          `json:"networkConfiguration,omitzero"`
	LoadBalancers            []ecsshape.LoadBalancer                 `json:"loadBalancers,omitzero"`
	ServiceRegistries        []ecsshape.ServiceRegistry              `json:"serviceRegistries,omitzero"`

	HealthCheckGracePeriod    *int32 `json:"healthCheckGracePeriod,omitzero"` // seconds
	AvailabilityZoneRebalance string `json:"availabilityZoneRebalance,omitzero"`
	EnableECSManagedTags      bool   `json:"enableECSManagedTags,omitzero"`
	PropagateTags             string `json:"propagateTags,omitzero"`
	EnableExecuteCommand      bool   `json:"enableExecuteCommand,omitzero"`
	RoleARN                   string `json:"roleArn,omitzero"`

	Tags        []tag.Tag `json:"tags,omitzero"`
	ClientToken string    `json:"clientToken,omitzero"`
	// Digest is of the parameters that created the service: a replay of the
	// creation is told by it.
	Digest    string    `json:"digest,omitzero"`
	CreatedAt time.Time `json:"createdAt"`
	CreatedBy string    `json:"createdBy,omitzero"`
	DeletedAt time.Time `json:"deletedAt,omitzero"` // when it became INACTIVE

	// LastDeployment is the Seq of the newest deployment of this name ever.
	LastDeployment int64 `json:"lastDeployment"`

	// Throttle slows the starting of tasks after some that failed.
	Throttle *StartThrottle `json:"throttle,omitzero"`
}

// StartThrottle slows a service whose tasks do not come up: no task is started
// before Until. Tasks that stop before they reach RUNNING make the wait grow up
// to 15 minutes (service-throttle-logic); tasks that end within seconds of
// RUNNING make it grow up to a few seconds only, which AWS's own pace does
// unasked. An update of the service ends it.
type StartThrottle struct {
	Failures int       `json:"failures,omitzero"` // rounds in which tasks failed to start
	Exits    int       `json:"exits,omitzero"`    // tasks in a row that ended soon after RUNNING
	At       time.Time `json:"at"`                // of the latest failure or exit
	Until    time.Time `json:"until"`
}

// Key is the service's store key.
func (s *Service) Key() string { return s.Scope.Key(s.Cluster, s.Name) }

// ARN is the service's ARN.
func (s *Service) ARN() string { return s.Scope.ARN("service/" + s.Cluster + "/" + s.Name) }

// Group is the task group of the service's tasks.
func (s *Service) Group() string { return "service:" + s.Name }

// ServiceEvent is one line of a service's history; the newest 100 are kept.
type ServiceEvent struct {
	Scope
	Cluster string    `json:"cluster"`
	Service string    `json:"service"`
	Seq     int64     `json:"seq"` // grows; the newest has the highest
	ID      string    `json:"id"`  // uuid
	At      time.Time `json:"at"`
	Message string    `json:"message"`
}
