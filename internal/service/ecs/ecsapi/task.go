package ecsapi

import (
	"context"
	"slices"

	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/shape"
)

// taskHandlers serve the operations of the Tasks group and what agents submit
// about tasks.
type taskHandlers struct{ room *ecs.Room }

// registerTasks binds them.
func registerTasks(m *wire.Mux, room *ecs.Room) {
	h := taskHandlers{room}
	wire.Handle(m, ecsshape.RunTask, h.runTask)
	wire.Handle(m, ecsshape.StartTask, h.startTask)
	wire.Handle(m, ecsshape.StopTask, h.stopTask)
	wire.Handle(m, ecsshape.DescribeTasks, h.describeTasks)
	wire.Handle(m, ecsshape.ListTasks, h.listTasks)
	wire.Handle(m, ecsshape.GetTaskProtection, h.getProtection)
	wire.Handle(m, ecsshape.UpdateTaskProtection, h.updateProtection)
	wire.Handle(m, ecsshape.SubmitTaskStateChange, h.submitTask)
	wire.Handle(m, ecsshape.SubmitContainerStateChange, h.submitContainer)
	wire.Handle(m, ecsshape.SubmitAttachmentStateChanges, h.submitAttachments)
}

func (h taskHandlers) stopTask(ctx context.Context, call *wire.Call, in *ecsshape.StopTaskInput) (*ecsshape.StopTaskOutput, error) {
	t, err := h.room.StopTask(ctx, scopeOf(call), callerOf(call), value(in.Cluster), value(in.Task), value(in.Reason))
	if err != nil {
		return nil, err
	}
	return &ecsshape.StopTaskOutput{Task: new(taskShape(t, true))}, nil
}

func (h taskHandlers) describeTasks(ctx context.Context, call *wire.Call, in *ecsshape.DescribeTasksInput) (*ecsshape.DescribeTasksOutput, error) {
	tasks, failures, err := h.room.DescribeTasks(ctx, scopeOf(call), value(in.Cluster), in.Tasks)
	if err != nil {
		return nil, err
	}
	tags := slices.Contains(in.Include, ecsshape.TaskFieldTags)
	return &ecsshape.DescribeTasksOutput{Tasks: taskShapes(tasks, tags), Failures: failureShapes(failures)}, nil
}

func (h taskHandlers) listTasks(ctx context.Context, call *wire.Call, in *ecsshape.ListTasksInput) (*ecsshape.ListTasksOutput, error) {
	arns, next, err := h.room.ListTasks(ctx, scopeOf(call), ecs.ListTasksRequest{
		Cluster:           value(in.Cluster),
		ContainerInstance: value(in.ContainerInstance),
		Family:            value(in.Family),
		ServiceName:       value(in.ServiceName),
		StartedBy:         value(in.StartedBy),
		LaunchType:        value(in.LaunchType),
		DesiredStatus:     value(in.DesiredStatus),
		MaxResults:        in.MaxResults,
		NextToken:         value(in.NextToken),
	})
	if err != nil {
		return nil, err
	}
	return &ecsshape.ListTasksOutput{TaskArns: arns, NextToken: textOrAbsent(next)}, nil
}

func taskShapes(tasks []*ecs.Task, tags bool) []ecsshape.Task {
	out := make([]ecsshape.Task, len(tasks))
	for i, t := range tasks {
		out[i] = taskShape(t, tags)
	}
	return out
}

// taskShape is a task as AWS describes it: lists are there even when they are
// empty, statuses and numbers that are strings in AWS are strings.
func taskShape(t *ecs.Task, tags bool) ecsshape.Task {
	out := ecsshape.Task{
		Attachments:           []ecsshape.Attachment{},
		Attributes:            taskAttributes(t),
		AvailabilityZone:      textOrAbsent(t.AvailabilityZone),
		CapacityProviderName:  textOrAbsent(t.CapacityProvider),
		ClusterArn:            new(t.Scope.ARN("cluster/" + t.Cluster)),
		Connectivity:          textOrAbsent(t.Connectivity),
		ConnectivityAt:        shape.At(t.ConnectivityAt),
		Containers:            containerShapes(t),
		Cpu:                   textOrAbsent(t.CPU),
		CreatedAt:             shape.At(t.CreatedAt),
		DesiredStatus:         &t.DesiredStatus,
		EnableExecuteCommand:  &t.EnableExecuteCommand,
		ExecutionStoppedAt:    shape.At(t.ExecutionStoppedAt),
		Group:                 textOrAbsent(t.Group),
		HealthStatus:          &t.HealthStatus,
		InferenceAccelerators: []ecsshape.InferenceAccelerator{},
		LastStatus:            &t.LastStatus,
		LaunchType:            textOrAbsent(t.LaunchType),
		Memory:                textOrAbsent(t.Memory),
		Overrides:             overrideShape(t),
		PlatformFamily:        textOrAbsent(t.PlatformFamily),
		PlatformVersion:       textOrAbsent(t.PlatformVersion),
		PullStartedAt:         shape.At(t.PullStartedAt),
		PullStoppedAt:         shape.At(t.PullStoppedAt),
		StartedAt:             shape.At(t.StartedAt),
		StartedBy:             textOrAbsent(t.StartedBy),
		StoppedAt:             shape.At(t.StoppedAt),
		StoppingAt:            shape.At(t.StoppingAt),
		Tags:                  []ecsshape.Tag{},
		TaskArn:               new(t.ARN()),
		TaskDefinitionArn:     new(t.TaskDefinitionARN()),
		Version:               &t.Version,
	}
	if t.Instance != "" {
		out.ContainerInstanceArn = new(t.Scope.ARN("container-instance/" + t.Cluster + "/" + t.Instance))
	}
	if t.Stop != nil {
		out.StopCode, out.StoppedReason = textOrAbsent(t.Stop.Code), textOrAbsent(t.Stop.Reason)
	}
	if tags {
		out.Tags = tagShapes(t.Tags)
	}
	return out
}

func taskAttributes(t *ecs.Task) []ecsshape.Attribute {
	out := make([]ecsshape.Attribute, len(t.Attributes))
	for i := range t.Attributes {
		out[i] = ecsshape.Attribute{Name: &t.Attributes[i].Name, Value: &t.Attributes[i].Value}
	}
	return out
}

// overrideShape names every container, as AWS does, with its overrides or none.
func overrideShape(t *ecs.Task) *ecsshape.TaskOverride {
	out := ecsshape.TaskOverride{}
	if t.Overrides != nil {
		out = *t.Overrides
	}
	given := out.ContainerOverrides
	out.ContainerOverrides = make([]ecsshape.ContainerOverride, len(t.Containers))
	for i := range t.Containers {
		name := t.Containers[i].Name
		out.ContainerOverrides[i] = ecsshape.ContainerOverride{Name: &name}
		at := slices.IndexFunc(given, func(o ecsshape.ContainerOverride) bool { return value(o.Name) == name })
		if at >= 0 {
			out.ContainerOverrides[i] = given[at]
		}
	}
	if out.InferenceAcceleratorOverrides == nil {
		out.InferenceAcceleratorOverrides = []ecsshape.InferenceAcceleratorOverride{}
	}
	return &out
}

func containerShapes(t *ecs.Task) []ecsshape.Container {
	taskARN := t.ARN()
	out := make([]ecsshape.Container, len(t.Containers))
	for i := range t.Containers {
		c := &t.Containers[i]
		out[i] = ecsshape.Container{
			ContainerArn:      new(t.ContainerARN(c)),
			Cpu:               textOrAbsent(c.CPU),
			ExitCode:          c.ExitCode,
			HealthStatus:      &c.Health,
			Image:             &c.Image,
			ImageDigest:       textOrAbsent(c.ImageDigest),
			LastStatus:        &c.LastStatus,
			ManagedAgents:     managedAgentShapes(c.ManagedAgents),
			Memory:            textOrAbsent(c.Memory),
			MemoryReservation: textOrAbsent(c.MemoryReservation),
			Name:              &c.Name,
			NetworkBindings:   bindingShapes(c.Bindings),
			NetworkInterfaces: []ecsshape.NetworkInterface{},
			Reason:            textOrAbsent(c.Reason),
			RuntimeId:         textOrAbsent(c.RuntimeID),
			TaskArn:           &taskARN,
		}
	}
	return out
}

// managedAgentShapes: the member is absent where there is none.
func managedAgentShapes(agents []ecs.ManagedAgent) []ecsshape.ManagedAgent {
	var out []ecsshape.ManagedAgent
	for i := range agents {
		a := &agents[i]
		out = append(out, ecsshape.ManagedAgent{
			Name: &a.Name, LastStatus: &a.LastStatus, LastStartedAt: shape.At(a.StartedAt), Reason: textOrAbsent(a.Reason),
		})
	}
	return out
}

func bindingShapes(bindings []ecs.NetworkBinding) []ecsshape.NetworkBinding {
	out := make([]ecsshape.NetworkBinding, len(bindings))
	for i := range bindings {
		b := &bindings[i]
		out[i] = ecsshape.NetworkBinding{BindIP: &b.BindIP, Protocol: &b.Protocol}
		if b.ContainerPortRange != "" {
			out[i].ContainerPortRange, out[i].HostPortRange = &b.ContainerPortRange, &b.HostPortRange
			continue
		}
		out[i].ContainerPort, out[i].HostPort = &b.ContainerPort, &b.HostPort
	}
	return out
}
