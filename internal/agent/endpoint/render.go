package endpoint

import (
	"net/netip"

	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agent/lifecycle"
	"github.com/slipway/slipway/internal/agentproto"
)

// version of the metadata endpoint.
type version int

const (
	v2 version = 2
	v3 version = 3
	v4 version = 4
)

// leastShares is what a container gets that asks for fewer (ECS agent).
const leastShares = 2

// task renders a task without its tags.
func (s *server) task(v engine.View, as version) TaskMetadata {
	t := TaskMetadata{
		Cluster: s.cfg.Cluster, TaskARN: v.Task.ARN, Family: v.Task.Family, Revision: v.Task.Version,
		DesiredStatus: v.Desired, KnownStatus: v.Known.String(), AvailabilityZone: s.cfg.AvailabilityZone,
	}
	if v.Task.CPU != 0 || v.Task.Memory != 0 {
		t.Limits = &TaskLimits{CPU: v.Task.CPU, Memory: v.Task.Memory}
	}
	times := s.cfg.Times(v.Task.ARN)
	t.PullStartedAt, t.PullStoppedAt, t.ExecutionStoppedAt = moment(times.PullStartedAt), moment(times.PullStoppedAt), moment(times.ExecutionStoppedAt)
	for i, c := range v.Containers {
		if created(c) || as == v4 && c.Status >= lifecycle.Pulled {
			t.Containers = append(t.Containers, renderContainer(place{v, i}, as))
		}
	}
	if as == v4 {
		t.LaunchType, t.ServiceName, t.Group = v.Task.LaunchType, v.Task.ServiceName, v.Task.Group
		t.VPCID, t.AvailabilityZoneID, t.FaultInjectionEnabled = s.cfg.VPCID, s.cfg.AvailabilityZoneID, new(false)
	}
	return t
}

// created tells whether the container was ever made.
func created(c engine.ContainerView) bool { return !c.CreatedAt.IsZero() }

func renderContainer(p place, as version) ContainerMetadata {
	c, spec := p.container(), p.Task.Containers[p.i]
	out := ContainerMetadata{
		Name: spec.Name, Image: spec.Image, ImageID: c.Image.Digest, Labels: c.Labels,
		DesiredStatus: p.Desired, KnownStatus: c.Status.String(), ExitCode: c.ExitCode,
		Limits:    ContainerLimits{CPU: float64(max(spec.CPU, leastShares)), Memory: spec.Memory},
		CreatedAt: moment(c.CreatedAt), StartedAt: moment(c.StartedAt), FinishedAt: moment(c.ExitedAt),
		Type: "NORMAL", Ports: bindings(p, as), Networks: networks(p, as), Volumes: volumes(p),
	}
	if created(c) {
		out.DockerID, out.DockerName = c.ID, c.Name
	}
	if c.Checked {
		out.Health = health(c.Health)
	}
	if as == v4 {
		out.LogDriver, out.LogOptions, out.ContainerARN = c.LogDriver, c.LogOptions, spec.ContainerARN
		out.RestartCount = restarts(p)
	}
	return out
}

func restarts(p place) *int {
	if policy := p.Task.Containers[p.i].RestartPolicy; policy != nil && policy.Enabled {
		return new(p.container().Restarts)
	}
	return nil
}

func health(h engine.HealthStatus) *Health {
	out := &Health{StatusSince: moment(h.Since), ExitCode: h.ExitCode, Output: h.Output}
	if h.Verdict != lifecycle.Unknown {
		out.Status = h.Verdict.String()
	}
	return out
}

// bindings are the published ports. A task with a network interface of its own
// has the ports of its containers.
func bindings(p place, as version) []Binding {
	var out []Binding
	if n := p.container().Network; n != nil {
		for _, b := range n.Bindings {
			out = append(out, Binding{ContainerPort: b.ContainerPort, Protocol: b.Protocol, HostPort: b.HostPort, HostIP: b.BindIP})
		}
	}
	for i := range out {
		if awsvpc(p.View) {
			out[i].HostPort = out[i].ContainerPort
		}
		if as != v4 {
			out[i].HostIP = ""
		}
	}
	return out
}

// networks are those of the container; version 2 knows network interfaces only.
func networks(p place, as version) []Network {
	if awsvpc(p.View) {
		return interfaces(p.View, as)
	}
	c := p.container()
	if as == v2 || c.Network == nil {
		return nil
	}
	n := Network{NetworkMode: c.Mode}
	if c.Network.IP.IsValid() {
		n.IPv4Addresses = []string{c.Network.IP.String()}
	}
	return []Network{n}
}

func interfaces(v engine.View, as version) []Network {
	if len(v.Task.ElasticNetworkInterfaces) == 0 {
		return nil
	}
	eni := v.Task.ElasticNetworkInterfaces[0] // a task has one
	n := Network{NetworkMode: "awsvpc", IPv4Addresses: addresses(eni)}
	if as == v4 {
		n.AttachmentIndex = new(0)
		n.MACAddress, n.PrivateDNSName = eni.MACAddress, eni.PrivateDNSName
		n.DomainNameServers, n.DomainNameSearchList = eni.DomainNameServers, eni.DomainName
		n.SubnetGatewayIPv4Address = eni.SubnetGatewayIPv4Address
		if subnet, err := netip.ParsePrefix(eni.SubnetGatewayIPv4Address); err == nil {
			n.IPv4SubnetCIDRBlock = subnet.Masked().String()
		}
	}
	return []Network{n}
}

func addresses(eni agentproto.NetworkInterface) []string {
	var out []string
	for _, a := range eni.IPv4Addresses {
		out = append(out, a.PrivateAddress)
	}
	return out
}

// volumes are the mounts. Those of a volume that is no directory of the host's
// have its name.
func volumes(p place) []Volume {
	var out []Volume
	for _, m := range p.container().Mounts {
		out = append(out, Volume{DockerName: volumeName(p, m.Target), Source: m.Source, Destination: m.Target})
	}
	return out
}

func volumeName(p place, path string) string {
	for _, m := range p.Task.Containers[p.i].MountPoints {
		if m.ContainerPath != path {
			continue
		}
		for _, v := range p.Task.Volumes {
			if v.Name == m.SourceVolume && (v.Host == nil || v.Host.SourcePath == "") {
				return v.Name
			}
		}
	}
	return ""
}
