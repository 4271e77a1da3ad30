package ecs

import (
	"time"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/tag"
)

// Attribute is a name and an optional value on a container instance.
type Attribute struct {
	Name  string `json:"name"`
	Value string `json:"value,omitzero"`
	// Custom marks those that PutAttributes or ECS_INSTANCE_ATTRIBUTES set;
	// at most 10 of them are allowed per instance.
	Custom bool `json:"custom,omitzero"`
}

// Resources are what an instance has or a task takes: CPU units, MiB of
// memory, and host ports.
type Resources struct {
	CPU    int64   `json:"cpu"`
	Memory int64   `json:"memory"`
	TCP    []int32 `json:"tcp,omitzero"` // ports, sorted
	UDP    []int32 `json:"udp,omitzero"`
	GPU    int64   `json:"gpu,omitzero"`
}

// ContainerInstance is a machine, or a slice of one, whose agent registered
// into a cluster.
type ContainerInstance struct {
	Scope
	Cluster       string `json:"cluster"`
	ID            string `json:"id"` // 32 hex digits
	EC2InstanceID string `json:"ec2InstanceId,omitzero"`
	Status        string `json:"status"` // REGISTERING, ACTIVE, DRAINING, DEREGISTERING, INACTIVE
	StatusReason  string `json:"statusReason,omitzero"`
	Version       int64  `json:"version"`

	AgentConnected bool `json:"agentConnected"`
	// Connection names the session that holds the agent's socket, so that a
	// late disconnect of an earlier one does not undo a reconnect.
	Connection   string    `json:"connection,omitzero"`
	ConnectionAt time.Time `json:"connectionAt,omitzero"` // of the last connect or disconnect

	// Sequence is the number above which those of the connection's messages are.
	Sequence int64 `json:"sequence,omitzero"`

	AgentVersion      string `json:"agentVersion,omitzero"`
	AgentHash         string `json:"agentHash,omitzero"`
	DockerVersion     string `json:"dockerVersion,omitzero"`
	AgentUpdateStatus string `json:"agentUpdateStatus,omitzero"`

	Attributes []Attribute `json:"attributes,omitzero"`
	// Registered is what the agent offered; Reserved ports are taken from the
	// start (22, 51678 …).
	Registered Resources `json:"registered"`
	Tags       []tag.Tag `json:"tags,omitzero"`

	CapacityProvider string    `json:"capacityProvider,omitzero"`
	RegisteredAt     time.Time `json:"registeredAt"`
	DeregisteredAt   time.Time `json:"deregisteredAt,omitzero"`
	// ClientToken makes registration idempotent over the agent's retries.
	ClientToken string `json:"clientToken,omitzero"`
}

// Key is the instance's store key.
func (i *ContainerInstance) Key() string { return i.Scope.Key(i.Cluster, i.ID) }

// ARN is the container instance's ARN.
func (i *ContainerInstance) ARN() string {
	return i.Scope.ARN("container-instance/" + i.Cluster + "/" + i.ID)
}

// Attribute returns the value of the named attribute.
func (i *ContainerInstance) Attribute(name string) (string, bool) {
	for _, a := range i.Attributes {
		if a.Name == name {
			return a.Value, true
		}
	}
	return "", false
}

// External tells an external instance (ECS Anywhere), which takes the tasks of
// the launch type EXTERNAL and no others. Its agent says so, with ECS_EXTERNAL: a
// machine that is merely not in EC2 is like an EC2 instance here.
func (i *ContainerInstance) External() bool {
	_, ok := i.Attribute(attributeExternal)
	return ok
}

// launchType is that of the tasks which the instance takes.
func (i *ContainerInstance) launchType() string {
	if i.External() {
		return ecsshape.LaunchTypeExternal
	}
	return ecsshape.LaunchTypeEC2
}

// AvailabilityZone is where the instance is, or "" when unknown.
func (i *ContainerInstance) AvailabilityZone() string {
	zone, _ := i.Attribute("ecs.availability-zone")
	return zone
}

// Allocation is what the tasks of one container instance hold. It changes in
// the same transaction as the tasks, and it alone is what two placements
// contend for: heartbeats and reconnects do not touch it.
type Allocation struct {
	Scope
	Cluster  string    `json:"cluster"`
	Instance string    `json:"instance"`
	Used     Resources `json:"used"`
	Tasks    int       `json:"tasks"` // tasks that are not STOPPED
	// Groups counts them by task group, so that placement need not read tasks.
	Groups map[string]int `json:"groups,omitzero"`
}

// Key is the allocation's store key, the same as its instance's.
func (a *Allocation) Key() string { return a.Scope.Key(a.Cluster, a.Instance) }
