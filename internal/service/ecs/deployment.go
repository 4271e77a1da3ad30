package ecs

import (
	"time"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

// Deployment statuses and rollout states.
const (
	DeploymentPrimary  = "PRIMARY"
	DeploymentActive   = "ACTIVE"
	DeploymentInactive = "INACTIVE" // done; not shown by DescribeServices

	RolloutInProgress = "IN_PROGRESS"
	RolloutCompleted  = "COMPLETED"
	RolloutFailed     = "FAILED"
)

// Deployment is one rollout of a service: the entry of Service.deployments and,
// under its own ARN, the ServiceDeployment of the newer API. The newest is
// PRIMARY; earlier ones are ACTIVE while they have tasks, then INACTIVE.
type Deployment struct {
	Scope
	Cluster string `json:"cluster"`
	Service string `json:"service"`
	ID      string `json:"id"`     // ecs-svc/<19 digits>, the startedBy of its tasks
	LongID  string `json:"longId"` // 21 characters: the end of the service-deployment ARN
	Seq     int64  `json:"seq"`    // order of creation within the service

	Status             string `json:"status"`
	RolloutState       string `json:"rolloutState"`
	RolloutStateReason string `json:"rolloutStateReason"`
	// State is the ServiceDeployment status: PENDING, IN_PROGRESS, SUCCESSFUL …
	State       string `json:"state"`
	StateReason string `json:"stateReason,omitzero"`
	// Rollback tells, of a deployment that failed or was stopped, what the
	// service went back to.
	Rollback *Rollback `json:"rollback,omitzero"`
	// StopType is what StopServiceDeployment asked for; "" if nobody did.
	StopType string `json:"stopType,omitzero"`

	Revision        string   `json:"revision"` // id of the service revision that it brings, 19 digits
	SourceRevisions []string `json:"sourceRevisions,omitzero"`
	TaskDefinition  string   `json:"taskDefinition"` // ARN

	DesiredCount int `json:"desiredCount"`
	FailedTasks  int `json:"failedTasks"`
	// Reached tells that a task of the deployment has been RUNNING: the circuit
	// breaker's second stage.
	Reached bool `json:"reached,omitzero"`

	Configuration ecsshape.DeploymentConfiguration `json:"configuration"`
	// Digests pins the images of the revision: container name -> digest, as
	// first resolved by a task of this deployment.
	Digests map[string]string `json:"digests,omitzero"`

	CreatedAt  time.Time `json:"createdAt"`
	UpdatedAt  time.Time `json:"updatedAt"`
	StartedAt  time.Time `json:"startedAt,omitzero"`
	FinishedAt time.Time `json:"finishedAt,omitzero"`
	StoppedAt  time.Time `json:"stoppedAt,omitzero"`
}

// Rollback is the way back from a deployment to one that had completed.
type Rollback struct {
	Deployment string    `json:"deployment"` // ecs-svc/N that is PRIMARY again
	Revision   string    `json:"revision"`   // its service revision
	Reason     string    `json:"reason"`
	StartedAt  time.Time `json:"startedAt"`
}

// States of a deployment as DescribeServiceDeployments shows them.
const (
	StatePending            = "PENDING"
	StateInProgress         = "IN_PROGRESS"
	StateSuccessful         = "SUCCESSFUL"
	StateStopRequested      = "STOP_REQUESTED"
	StateStopped            = "STOPPED"
	StateRollbackRequested  = "ROLLBACK_REQUESTED"
	StateRollbackInProgress = "ROLLBACK_IN_PROGRESS"
	StateRollbackSuccessful = "ROLLBACK_SUCCESSFUL"
	StateRollbackFailed     = "ROLLBACK_FAILED"
)

// ServiceARN is the ARN of the service that is deployed.
func (d *Deployment) ServiceARN() string {
	return d.Scope.ARN("service/" + d.Cluster + "/" + d.Service)
}

// ARN is the service-deployment ARN.
func (d *Deployment) ARN() string {
	return d.Scope.ARN("service-deployment/" + d.Cluster + "/" + d.Service + "/" + d.LongID)
}

// Revision is an immutable snapshot of what a service runs.
type Revision struct {
	Scope
	Cluster string `json:"cluster"`
	Service string `json:"service"`
	ID      string `json:"id"` // 19 digits

	TaskDefinition           string                                  `json:"taskDefinition"`
	LaunchType               string                                  `json:"launchType,omitzero"`
	PlatformVersion          string                                  `json:"platformVersion,omitzero"`
	CapacityProviderStrategy []ecsshape.CapacityProviderStrategyItem `json:"capacityProviderStrategy,omitzero"`
	NetworkConfiguration     *ecsshape.NetworkConfiguration          `json:"networkConfiguration,omitzero"`
	LoadBalancers            []ecsshape.LoadBalancer                 `json:"loadBalancers,omitzero"`
	ServiceRegistries        []ecsshape.ServiceRegistry              `json:"serviceRegistries,omitzero"`
	CreatedAt                time.Time                               `json:"createdAt"`
}

// Key is the revision's store key.
func (r *Revision) Key() string { return r.Scope.Key(r.Cluster, r.Service, r.ID) }

// ARN is the service-revision ARN.
func (r *Revision) ARN() string {
	return r.Scope.ARN("service-revision/" + r.Cluster + "/" + r.Service + "/" + r.ID)
}
