package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/slipway/slipway/internal/agent/lifecycle"
	"github.com/slipway/slipway/internal/agentproto"
)

// Record is all that the agent must remember of one task. It is one value of
// the journal, as JSON. Credentials are never in it: the control plane sends
// them again after a restart.
type Record struct {
	Task       agentproto.Task
	Seq        uint64 // order of acceptance
	Admitted   bool   // host resources are set aside
	StopWanted bool
	Reason     string `json:",omitempty"` // of the STOPPED report
	Containers []ContainerRecord
	// The ids of the credentials that the task was given, empty for none. They
	// are no keys: containers are told the one, and the other says that keys are
	// to come again after a restart.
	TaskCredentialsID, ExecutionCredentialsID string `json:",omitempty"`

	Cgroup string `json:",omitempty"`

	PullStartedAt      time.Time `json:",omitzero"`
	PullStoppedAt      time.Time `json:",omitzero"`
	ExecutionStoppedAt time.Time `json:",omitzero"`
	StoppedAt          time.Time `json:",omitzero"`

	Sent        lifecycle.Status     // the last state that became a report
	Events      []ContainerChange    `json:",omitempty"` // not yet in a report
	AgentEvents []ManagedAgentChange `json:",omitempty"` // likewise
	EventsDue   time.Time            `json:",omitzero"`  // when they are reported at the latest
	Outbox      []Report             `json:",omitempty"` // not yet accepted
}

// ContainerRecord is the part of a Record about one container, in the order of
// Task.Containers.
type ContainerRecord struct {
	ID         string
	EndpointID string // of the container's metadata: /v3/<id>, /v4/<id>
	Status     lifecycle.Status
	Image      Image
	Network    *Attachment `json:",omitempty"`
	Mounts     []Mount     `json:",omitempty"` // its volumes, once it was created
	Failed     bool        `json:",omitempty"`
	Down       bool        `json:",omitempty"`
	Reason     string      `json:",omitempty"`
	ExitCode   *int        `json:",omitempty"`
	Restarts   int         `json:",omitempty"`

	Health        HealthStatus        `json:",omitzero"`
	ManagedAgents []ManagedAgentState `json:",omitempty"`

	CreatedAt time.Time `json:",omitzero"`
	StartedAt time.Time `json:",omitzero"`
	ExitedAt  time.Time `json:",omitzero"`

	StopAttempts int       `json:",omitempty"`
	StopSentAt   time.Time `json:",omitzero"`
}

func newRecord(task agentproto.Task, seq uint64) Record {
	rec := Record{Seq: seq, Containers: make([]ContainerRecord, len(task.Containers))}
	if c := task.RoleCredentials; c != nil {
		rec.TaskCredentialsID = c.CredentialsID
	}
	if c := task.ExecutionRoleCredentials; c != nil {
		rec.ExecutionCredentialsID = c.CredentialsID
	}
	task.RoleCredentials, task.ExecutionRoleCredentials = nil, nil
	rec.Task = task
	for i, c := range task.Containers {
		rec.Containers[i].ID = containerID(task.ARN, c.Name)
		rec.Containers[i].EndpointID = uuid.NewString()
	}
	return rec
}

// containerID is the same whenever the container is made, so that the runtime
// itself refuses a second one.
func containerID(taskARN, name string) string {
	sum := sha256.Sum256([]byte(taskARN + "\n" + name))
	return hex.EncodeToString(sum[:])
}

// taskID is the last part of a task's ARN.
func taskID(arn string) string {
	return arn[strings.LastIndexByte(arn, '/')+1:]
}
