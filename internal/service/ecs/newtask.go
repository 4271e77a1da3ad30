package ecs

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

// taskTemplate is a task of the definition before it has an id and a place.
func taskTemplate(def *TaskDefinition, o *TaskOptions, cluster string) Task {
	d := &def.Definition
	need := taskNeed(d, o.Overrides)
	t := Task{
		Scope:    def.Scope,
		Cluster:  cluster,
		Family:   def.Family,
		Revision: def.Revision,

		LaunchType:  ecsshape.LaunchTypeEC2,
		Group:       o.Group,
		StartedBy:   o.StartedBy,
		ReferenceID: o.ReferenceID,

		CPU:    strconv.FormatInt(need.CPU, 10),
		Memory: strconv.FormatInt(need.Memory, 10),
		Need:   need,

		DesiredStatus: TaskRunning,
		LastStatus:    TaskPending,
		HealthStatus:  HealthUnknown,
		Version:       1,

		Overrides:            o.Overrides,
		Tags:                 taskTags(def, o, cluster),
		EnableExecuteCommand: o.EnableExecuteCommand,
	}
	roles := rolesOf(def.Scope, d, o.Overrides)
	t.TaskRole, t.ExecutionRole = templateRole(roles.task), templateRole(roles.execution)
	if t.Group == "" {
		t.Group = "family:" + def.Family
	}
	for i := range d.ContainerDefinitions {
		t.Containers = append(t.Containers, newContainer(&d.ContainerDefinitions[i], o.Overrides))
		if o.EnableExecuteCommand {
			t.Containers[i].ManagedAgents = []ManagedAgent{{Name: agentproto.ExecuteCommandAgent, LastStatus: ContainerPending}}
		}
	}
	return t
}

func templateRole(arn string) *TaskRole {
	if arn == "" {
		return nil
	}
	return &TaskRole{ARN: arn}
}

// roles are those of a task or a template.
func (t *Task) roles() taskRoles {
	var out taskRoles
	if t.TaskRole != nil {
		out.task = t.TaskRole.ARN
	}
	if t.ExecutionRole != nil {
		out.execution = t.ExecutionRole.ARN
	}
	return out
}

// own is the role for one task, with an id of the task's own.
func (r *TaskRole) own() *TaskRole {
	if r == nil {
		return nil
	}
	return &TaskRole{ARN: r.ARN, CredentialsID: uuid.NewString()}
}

func newContainer(c *ecsshape.ContainerDefinition, o *ecsshape.TaskOverride) Container {
	over := containerOverride(o, given(c.Name))
	return Container{
		Name:              given(c.Name),
		Image:             given(c.Image),
		LastStatus:        ContainerPending,
		Essential:         isEssential(c),
		Health:            HealthUnknown,
		HasCheck:          c.HealthCheck != nil,
		CPU:               strconv.Itoa(int(given(cmp.Or(over.Cpu, c.Cpu, new(int32(0)))))),
		Memory:            numberText(cmp.Or(over.Memory, c.Memory)),
		MemoryReservation: numberText(cmp.Or(over.MemoryReservation, c.MemoryReservation)),
	}
}

// numberText is the number as a Task's container shows it; nothing when absent.
func numberText(n *int32) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(int(*n))
}

// at is a task of the template on an instance.
func (t Task) at(inst *ContainerInstance, now time.Time) *Task {
	t.ID = newTaskID()
	t.Instance = inst.ID
	t.AvailabilityZone = inst.AvailabilityZone()
	t.CreatedAt = now
	t.TaskRole, t.ExecutionRole = t.TaskRole.own(), t.ExecutionRole.own()
	t.Containers = append([]Container(nil), t.Containers...)
	for i := range t.Containers {
		c := &t.Containers[i]
		c.ID, c.ManagedAgents = uuid.NewString(), slices.Clone(c.ManagedAgents)
	}
	if arch, ok := inst.Attribute("ecs.cpu-architecture"); ok {
		t.Attributes = []Attribute{{Name: "ecs.cpu-architecture", Value: arch}}
	}
	return &t
}

func newTaskID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
