package link

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/slipway/slipway/internal/agent/awscall"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

// Registration is what an instance says of itself.
type Registration struct {
	// ContainerInstanceARN is the one that an earlier registration got; empty
	// for a new instance.
	ContainerInstanceARN string
	CPU, Memory          int32 // units of 1024 per vCPU, MiB without what is reserved
	ReservedPorts        []int32
	ReservedUDPPorts     []int32
	Attributes           []Attribute
	Tags                 map[string]string
	IdentityDocument     string // JSON; empty off AWS
}

// Attribute is one attribute; capabilities have no value.
type Attribute struct{ Name, Value string }

// ErrTerminal says that the control plane will never take this instance, so
// that nobody need try again.
var ErrTerminal = errors.New("registration refused for good")

// attributeZone may be corrected by the control plane, which knows where an
// instance is.
const attributeZone = "ecs.availability-zone"

// Register registers the instance and returns its ARN and the attributes that
// the control plane keeps of it. A new ARN, or the one it had.
func (c *Client) Register(ctx context.Context, r Registration) (arn string, kept []Attribute, err error) {
	in := ecsshape.RegisterContainerInstanceInput{
		Cluster:                           new(c.cfg.Cluster),
		TotalResources:                    resources(r),
		InstanceIdentityDocument:          new(r.IdentityDocument),
		InstanceIdentityDocumentSignature: new(""),
		VersionInfo: &ecsshape.VersionInfo{
			AgentVersion: new(c.cfg.Version.Agent), AgentHash: new(c.cfg.Version.Hash), DockerVersion: new(c.cfg.Version.Runtime),
		},
	}
	if r.ContainerInstanceARN != "" {
		in.ContainerInstanceArn = new(r.ContainerInstanceARN)
	}
	for _, a := range r.Attributes {
		attribute := ecsshape.Attribute{Name: new(a.Name)}
		if a.Value != "" {
			attribute.Value = new(a.Value)
		}
		in.Attributes = append(in.Attributes, attribute)
	}
	for k, v := range r.Tags {
		in.Tags = append(in.Tags, ecsshape.Tag{Key: new(k), Value: new(v)})
	}
	var out ecsshape.RegisterContainerInstanceOutput
	if err := c.ecs(ctx, "RegisterContainerInstance", in, &out); err != nil {
		return "", nil, terminal(err)
	}
	if out.ContainerInstance == nil || out.ContainerInstance.ContainerInstanceArn == nil {
		return "", nil, errors.New("register container instance: the answer holds no container instance")
	}
	for _, a := range out.ContainerInstance.Attributes {
		kept = append(kept, Attribute{deref(a.Name), deref(a.Value)})
	}
	return *out.ContainerInstance.ContainerInstanceArn, kept, echoed(r.Attributes, kept)
}

// terminal marks the errors on which the ECS agent exits for good.
func terminal(err error) error {
	switch awscall.Code(err) {
	case "InvalidParameterException", "ClientException":
		return fmt.Errorf("register container instance: %w: %w", ErrTerminal, err)
	}
	if strings.Contains(err.Error(), "Container instance type changes are not supported.") {
		return fmt.Errorf("register container instance: %w: %w", ErrTerminal, err)
	}
	return fmt.Errorf("register container instance: %w", err)
}

// echoed holds the control plane to answer every attribute as it was sent.
func echoed(sent, kept []Attribute) error {
	values := make(map[string]string, len(kept))
	for _, a := range kept {
		values[a.Name] = a.Value
	}
	for _, a := range sent {
		if got, ok := values[a.Name]; a.Name != attributeZone && (!ok || got != a.Value) {
			return fmt.Errorf("register container instance: %w: Attribute validation failed: %s", ErrTerminal, a.Name)
		}
	}
	return nil
}

// resources are always these four, in this order.
func resources(r Registration) []ecsshape.Resource {
	number := func(name string, v int32) ecsshape.Resource {
		return ecsshape.Resource{Name: new(name), Type: new("INTEGER"), IntegerValue: new(v)}
	}
	set := func(name string, ports []int32) ecsshape.Resource {
		values := make([]string, len(ports))
		for i, p := range ports {
			values[i] = strconv.Itoa(int(p))
		}
		return ecsshape.Resource{Name: new(name), Type: new("STRINGSET"), StringSetValue: values}
	}
	return []ecsshape.Resource{
		number("CPU", r.CPU), number("MEMORY", r.Memory),
		set("PORTS", r.ReservedPorts), set("PORTS_UDP", r.ReservedUDPPorts),
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
