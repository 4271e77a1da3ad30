package ecsapi

import (
	"context"
	"slices"
	"strconv"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/shape"
)

// instanceHandlers serve the operations on container instances.
type instanceHandlers struct{ room *ecs.Room }

// registerInstances binds them.
func registerInstances(m *wire.Mux, room *ecs.Room) {
	h := instanceHandlers{room}
	wire.Handle(m, registerContainerInstance, h.register)
	wire.Handle(m, ecsshape.DeregisterContainerInstance, h.deregister)
	wire.Handle(m, ecsshape.DescribeContainerInstances, h.describe)
	wire.Handle(m, ecsshape.ListContainerInstances, h.list)
	wire.Handle(m, ecsshape.UpdateContainerInstancesState, h.updateState)
	wire.Handle(m, ecsshape.UpdateContainerAgent, h.updateAgent)
	wire.Handle(m, ecsshape.DiscoverPollEndpoint, h.discover)
}

func (h instanceHandlers) register(ctx context.Context, call *wire.Call, in *registerInstanceInput) (*ecsshape.RegisterContainerInstanceOutput, error) {
	total, err := resourcesOf(in.TotalResources)
	if err != nil {
		return nil, err
	}
	req := ecs.RegisterInstanceRequest{
		Cluster:          value(in.Cluster),
		ARN:              value(in.ContainerInstanceArn),
		IdentityDocument: value(in.InstanceIdentityDocument),
		Attributes:       attributesOf(in.Attributes),
		Total:            total,
		Tags:             tagsOf(in.Tags),
		ClientToken:      value(in.ClientToken),
	}
	if v := in.VersionInfo; v != nil {
		req.AgentVersion, req.AgentHash, req.DockerVersion = value(v.AgentVersion), value(v.AgentHash), value(v.DockerVersion)
	}
	i, err := h.room.RegisterInstance(ctx, scopeOf(call), callerOf(call), req)
	if err != nil {
		return nil, err
	}
	return &ecsshape.RegisterContainerInstanceOutput{ContainerInstance: h.shape(i)}, nil
}

func (h instanceHandlers) deregister(ctx context.Context, call *wire.Call, in *ecsshape.DeregisterContainerInstanceInput) (*ecsshape.DeregisterContainerInstanceOutput, error) {
	i, err := h.room.DeregisterInstance(ctx, scopeOf(call), value(in.Cluster), value(in.ContainerInstance), value(in.Force))
	if err != nil {
		return nil, err
	}
	return &ecsshape.DeregisterContainerInstanceOutput{ContainerInstance: h.shape(i)}, nil
}

func (h instanceHandlers) describe(_ context.Context, call *wire.Call, in *ecsshape.DescribeContainerInstancesInput) (*ecsshape.DescribeContainerInstancesOutput, error) {
	views, missing, err := h.room.DescribeInstances(scopeOf(call), value(in.Cluster), in.ContainerInstances)
	if err != nil {
		return nil, err
	}
	out := &ecsshape.DescribeContainerInstancesOutput{
		ContainerInstances: []ecsshape.ContainerInstance{}, Failures: missingShapes(missing),
	}
	tags := slices.Contains(in.Include, ecsshape.ContainerInstanceFieldTags)
	health := slices.Contains(in.Include, ecsshape.ContainerInstanceFieldContainerInstanceHealth)
	for _, v := range views {
		i := instanceShape(v, tags)
		if health {
			i.HealthStatus = unknownHealth()
		}
		out.ContainerInstances = append(out.ContainerInstances, i)
	}
	return out, nil
}

func (h instanceHandlers) list(_ context.Context, call *wire.Call, in *ecsshape.ListContainerInstancesInput) (*ecsshape.ListContainerInstancesOutput, error) {
	arns, next, err := h.room.ListInstances(scopeOf(call), ecs.ListInstancesRequest{
		Cluster: value(in.Cluster), Filter: value(in.Filter), Status: value(in.Status),
		MaxResults: in.MaxResults, NextToken: value(in.NextToken),
	})
	if err != nil {
		return nil, err
	}
	return &ecsshape.ListContainerInstancesOutput{ContainerInstanceArns: present(arns), NextToken: textOrAbsent(next)}, nil
}

func (h instanceHandlers) updateState(ctx context.Context, call *wire.Call, in *ecsshape.UpdateContainerInstancesStateInput) (*ecsshape.UpdateContainerInstancesStateOutput, error) {
	changed, failures, err := h.room.UpdateInstancesState(ctx, scopeOf(call), value(in.Cluster), in.ContainerInstances, value(in.Status))
	if err != nil {
		return nil, err
	}
	out := &ecsshape.UpdateContainerInstancesStateOutput{
		ContainerInstances: []ecsshape.ContainerInstance{}, Failures: failureShapes(failures),
	}
	for _, i := range changed {
		out.ContainerInstances = append(out.ContainerInstances, *h.shape(i))
	}
	return out, nil
}

// updateAgent: there is nothing to update to. Slipway's agent is part of its
// binary, and Amazon's updates itself from Amazon's servers.
func (h instanceHandlers) updateAgent(_ context.Context, call *wire.Call, in *ecsshape.UpdateContainerAgentInput) (*ecsshape.UpdateContainerAgentOutput, error) {
	_, missing, err := h.room.DescribeInstances(scopeOf(call), value(in.Cluster), []string{value(in.ContainerInstance)})
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		return nil, apierr.Client("ClientException", "The specified container instance does not exist.")
	}
	return nil, apierr.Client("NoUpdateAvailableException", "There is no update available for your container agent.")
}

func (h instanceHandlers) discover(_ context.Context, call *wire.Call, _ *ecsshape.DiscoverPollEndpointInput) (*ecsshape.DiscoverPollEndpointOutput, error) {
	base := "http://" + call.Host
	if call.TLS {
		base = "https://" + call.Host
	}
	poll, telemetry := h.room.Endpoints(base)
	return &ecsshape.DiscoverPollEndpointOutput{Endpoint: &poll, TelemetryEndpoint: &telemetry}, nil
}

func (h instanceHandlers) shape(i *ecs.ContainerInstance) *ecsshape.ContainerInstance {
	return new(instanceShape(h.room.ViewInstance(i), true))
}

func instanceShape(v ecs.InstanceView, tags bool) ecsshape.ContainerInstance {
	out := ecsshape.ContainerInstance{
		AgentConnected:       &v.AgentConnected,
		AgentUpdateStatus:    textOrAbsent(v.AgentUpdateStatus),
		Attachments:          []ecsshape.Attachment{},
		Attributes:           attributeShapes(v.Attributes),
		CapacityProviderName: textOrAbsent(v.CapacityProvider),
		ContainerInstanceArn: new(v.ARN()),
		Ec2InstanceId:        textOrAbsent(v.EC2InstanceID),
		PendingTasksCount:    new(int32(v.Tasks.Pending)),
		RunningTasksCount:    new(int32(v.Tasks.Running)),
		RegisteredAt:         shape.At(v.RegisteredAt),
		RegisteredResources:  resourceShapes(v.Registered),
		RemainingResources:   resourceShapes(v.Remaining()),
		Status:               &v.Status,
		StatusReason:         textOrAbsent(v.StatusReason),
		Tags:                 []ecsshape.Tag{},
		Version:              &v.Version,
		VersionInfo: &ecsshape.VersionInfo{
			AgentVersion: textOrAbsent(v.AgentVersion), AgentHash: textOrAbsent(v.AgentHash), DockerVersion: textOrAbsent(v.DockerVersion),
		},
	}
	if tags {
		out.Tags = tagShapes(v.Tags)
	}
	return out
}

// unknownHealth: nothing here watches the health of a container runtime.
func unknownHealth() *ecsshape.ContainerInstanceHealthStatus {
	return &ecsshape.ContainerInstanceHealthStatus{
		OverallStatus: new(ecsshape.InstanceHealthCheckStateInsufficientData), Details: []ecsshape.InstanceHealthCheckResult{},
	}
}

func attributeShapes(attributes []ecs.Attribute) []ecsshape.Attribute {
	out := make([]ecsshape.Attribute, len(attributes))
	for i := range attributes {
		out[i] = ecsshape.Attribute{Name: &attributes[i].Name, Value: textOrAbsent(attributes[i].Value)}
	}
	return out
}

func attributesOf(shapes []ecsshape.Attribute) []ecs.Attribute {
	var out []ecs.Attribute
	for i := range shapes {
		out = append(out, ecs.Attribute{Name: value(shapes[i].Name), Value: value(shapes[i].Value)})
	}
	return out
}

// resourceShapes are the four resources of an instance, in AWS's order; ports
// are those in use. Members of another type are there and zero.
func resourceShapes(r ecs.Resources) []ecsshape.Resource {
	out := []ecsshape.Resource{
		numberShape("CPU", r.CPU), numberShape("MEMORY", r.Memory), portsShape("PORTS", r.TCP), portsShape("PORTS_UDP", r.UDP),
	}
	if r.GPU > 0 {
		out = append(out, numberShape("GPU", r.GPU))
	}
	return out
}

func numberShape(name string, n int64) ecsshape.Resource {
	return ecsshape.Resource{Name: &name, Type: new("INTEGER"), IntegerValue: new(int32(n)), LongValue: new(int64(0)), DoubleValue: new(0.0)}
}

func portsShape(name string, ports []int32) ecsshape.Resource {
	set := make([]string, len(ports))
	for i, p := range ports {
		set[i] = strconv.Itoa(int(p))
	}
	return ecsshape.Resource{
		Name: &name, Type: new("STRINGSET"), StringSetValue: set,
		IntegerValue: new(int32(0)), LongValue: new(int64(0)), DoubleValue: new(0.0),
	}
}

func resourcesOf(shapes []ecsshape.Resource) (ecs.Resources, error) {
	var out ecs.Resources
	for i := range shapes {
		s := &shapes[i]
		var err error
		switch value(s.Name) {
		case "CPU":
			out.CPU = int64(value(s.IntegerValue))
		case "MEMORY":
			out.Memory = int64(value(s.IntegerValue))
		case "GPU":
			out.GPU = int64(len(s.StringSetValue))
		case "PORTS":
			out.TCP, err = portsOf(s.StringSetValue)
		case "PORTS_UDP":
			out.UDP, err = portsOf(s.StringSetValue)
		}
		if err != nil {
			return ecs.Resources{}, err
		}
	}
	return out, nil
}

func portsOf(set []string) ([]int32, error) {
	var out []int32
	for _, s := range set {
		n, err := strconv.ParseUint(s, 10, 16)
		if err != nil {
			return nil, ecs.ErrInvalidParameter("Invalid port number: %s", s)
		}
		out = append(out, int32(n))
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}
