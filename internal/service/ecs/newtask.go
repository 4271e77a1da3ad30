package ecs

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/google/uuid"

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
	if t.Group == "" {
		t.Group = "family:" + def.Family
	}
	for i := range d.ContainerDefinitions {
		t.Containers = append(t.Containers, newContainer(&d.ContainerDefinitions[i], o.Overrides))
	}
	return t
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
	t.Containers = append([]Container(nil), t.Containers...)
	for i := range t.Containers {
		t.Containers[i].ID = uuid.NewString()
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
