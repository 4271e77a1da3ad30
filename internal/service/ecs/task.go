package ecs

import (
	"time"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/tag"
)

// Task statuses, in the order in which a task passes through them
// (task-lifecycle-explanation of the ECS developer guide).
const (
	TaskProvisioning   = "PROVISIONING"
	TaskPending        = "PENDING"
	TaskActivating     = "ACTIVATING"
	TaskRunning        = "RUNNING"
	TaskDeactivating   = "DEACTIVATING"
	TaskStopping       = "STOPPING"
	TaskDeprovisioning = "DEPROVISIONING"
	TaskStopped        = "STOPPED"
)

// Task is one task. DesiredStatus is RUNNING or STOPPED and never goes back;
// LastStatus only moves forward in the order above.
type Task struct {
	Scope
	Cluster string `json:"cluster"`
	ID      string `json:"id"` // 32 hex digits

	Family   string `json:"family"`
	Revision int    `json:"revision"`

	Instance         string `json:"instance,omitzero"` // container instance id; empty on Fargate
	AvailabilityZone string `json:"availabilityZone,omitzero"`
	LaunchType       string `json:"launchType"`
	CapacityProvider string `json:"capacityProvider,omitzero"`
	PlatformVersion  string `json:"platformVersion,omitzero"`
	PlatformFamily   string `json:"platformFamily,omitzero"`

	Group       string `json:"group"`
	StartedBy   string `json:"startedBy,omitzero"`
	ReferenceID string `json:"referenceId,omitzero"`
	Service     string `json:"service,omitzero"`    // the service's name, of a service's task
	Deployment  string `json:"deployment,omitzero"` // ecs-svc/N, of a service's task

	CPU    string `json:"cpu,omitzero"` // task level, as AWS returns it
	Memory string `json:"memory,omitzero"`
	// Need is what the task holds on its instance until it is STOPPED.
	Need Resources `json:"need"`

	DesiredStatus string `json:"desiredStatus"`
	LastStatus    string `json:"lastStatus"`
	HealthStatus  string `json:"healthStatus"` // HEALTHY, UNHEALTHY or UNKNOWN
	Version       int64  `json:"version"`      // grows with every change that a user can see
	Stop          *Stop  `json:"stop,omitzero"`

	Connectivity   string    `json:"connectivity,omitzero"` // CONNECTED or DISCONNECTED
	ConnectivityAt time.Time `json:"connectivityAt,omitzero"`

	CreatedAt          time.Time `json:"createdAt"`
	PullStartedAt      time.Time `json:"pullStartedAt,omitzero"`
	PullStoppedAt      time.Time `json:"pullStoppedAt,omitzero"`
	StartedAt          time.Time `json:"startedAt,omitzero"`
	StoppingAt         time.Time `json:"stoppingAt,omitzero"`
	ExecutionStoppedAt time.Time `json:"executionStoppedAt,omitzero"`
	StoppedAt          time.Time `json:"stoppedAt,omitzero"`

	Containers []Container            `json:"containers"`
	Overrides  *ecsshape.TaskOverride `json:"overrides,omitzero"`
	Attributes []Attribute            `json:"attributes,omitzero"`
	Tags       []tag.Tag              `json:"tags,omitzero"`

	// TaskRole and ExecutionRole are the roles that the task runs with, overrides
	// counted; nil where it has none.
	TaskRole      *TaskRole `json:"taskRole,omitzero"`
	ExecutionRole *TaskRole `json:"executionRole,omitzero"`

	EnableExecuteCommand bool        `json:"enableExecuteCommand,omitzero"`
	Protection           *Protection `json:"protection,omitzero"`
	// Noted: the service scheduler has drawn its conclusions from how the task
	// ended. See IndexUnnoted.
	Noted bool `json:"noted,omitzero"`
}

// Stop is why a task ends: AWS's stop code and the reason in its words. Only
// the constructors of stop.go make one.
type Stop struct {
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

// TaskRole is a role of one task. CredentialsID is the secret part of the URL at
// which the task's containers fetch the role's credentials: the same for as long
// as the task lives, and nobody can guess it.
type TaskRole struct {
	ARN           string `json:"arn"`
	CredentialsID string `json:"credentialsId"` // a random uuid
}

// Protection guards a service's task against scale-in and deployments.
type Protection struct {
	ExpiresAt time.Time `json:"expiresAt"`
}

// Container is one container of a task, as its agent reported it.
type Container struct {
	ID          string           `json:"id"` // the last part of its ARN, a uuid
	Name        string           `json:"name"`
	Image       string           `json:"image"`
	ImageDigest string           `json:"imageDigest,omitzero"`
	RuntimeID   string           `json:"runtimeId,omitzero"`
	LastStatus  string           `json:"lastStatus"` // PENDING, RUNNING or STOPPED
	Essential   bool             `json:"essential"`
	ExitCode    *int32           `json:"exitCode,omitzero"` // absent when it never started
	Reason      string           `json:"reason,omitzero"`   // at most 1024 characters
	Health      string           `json:"health,omitzero"`   // HEALTHY, UNHEALTHY or UNKNOWN
	HasCheck    bool             `json:"hasCheck,omitzero"` // it defines a health check
	Bindings    []NetworkBinding `json:"bindings,omitzero"`
	// ManagedAgents are the processes that the agent runs inside the container.
	ManagedAgents []ManagedAgent `json:"managedAgents,omitzero"`

	CPU               string `json:"cpu,omitzero"`
	Memory            string `json:"memory,omitzero"`
	MemoryReservation string `json:"memoryReservation,omitzero"`
}

// ManagedAgent is a process of AWS's inside a container, as its agent reported
// it: ExecuteCommandAgent is behind ECS Exec.
type ManagedAgent struct {
	Name       string    `json:"name"`
	LastStatus string    `json:"lastStatus"` // PENDING, RUNNING or STOPPED
	Reason     string    `json:"reason,omitzero"`
	StartedAt  time.Time `json:"startedAt,omitzero"` // of the last start
}

// NetworkBinding is a host port that leads to a container port.
type NetworkBinding struct {
	BindIP             string `json:"bindIP"`
	ContainerPort      int32  `json:"containerPort,omitzero"`
	HostPort           int32  `json:"hostPort,omitzero"`
	Protocol           string `json:"protocol"`
	ContainerPortRange string `json:"containerPortRange,omitzero"`
	HostPortRange      string `json:"hostPortRange,omitzero"`
}

// Key is the task's store key.
func (t *Task) Key() string { return t.Scope.Key(t.Cluster, t.ID) }

// ARN is the task's ARN.
func (t *Task) ARN() string { return t.Scope.ARN("task/" + t.Cluster + "/" + t.ID) }

// ContainerARN is the ARN of one of the task's containers.
func (t *Task) ContainerARN(c *Container) string {
	return t.Scope.ARN("container/" + t.Cluster + "/" + t.ID + "/" + c.ID)
}

// Ended tells whether the task is STOPPED and holds nothing any more.
func (t *Task) Ended() bool { return t.LastStatus == TaskStopped }

// RunToken remembers what a RunTask clientToken started, so that a repeated
// call answers with the same tasks.
type RunToken struct {
	Scope
	Cluster string    `json:"cluster"`
	Token   string    `json:"token"`
	Digest  string    `json:"digest"` // of the request's parameters
	Tasks   []string  `json:"tasks"`  // ids
	At      time.Time `json:"at"`
}

// Key is the token's store key.
func (t *RunToken) Key() string { return t.Scope.Key(t.Cluster, t.Token) }
