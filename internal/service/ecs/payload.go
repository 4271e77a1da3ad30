package ecs

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

// PayloadConfig is what a payload needs besides the records.
type PayloadConfig struct {
	// Registry is Config.Registry; nil means that no image is ours.
	Registry func(image string) (registryID, region string, ours bool)
	// Digests pins images: container name -> digest. It is the deployment's, and
	// empty for standalone tasks.
	Digests map[string]string
	// Endpoint is the URL at which the agent reaches the APIs, for what it would
	// ask of Amazon otherwise; empty: that is not told.
	Endpoint string
}

// Payload is what the agent is told of a task that is to run: the definition
// under the task's overrides, since agents apply none but a command. Tasks that
// are to stop take StopPayload.
func Payload(def *TaskDefinition, t *Task, cfg PayloadConfig) agentproto.Task {
	d := &def.Definition
	p := agentproto.Task{
		ARN:            t.ARN(),
		TaskClusterARN: t.Scope.ARN("cluster/" + t.Cluster),
		Family:         t.Family,
		Version:        strconv.Itoa(t.Revision),
		DesiredStatus:  agentproto.DesiredRunning,
		Overrides:      "{}",
		NetworkMode:    networkMode(d),
		PIDMode:        given(d.PidMode),
		IPCMode:        given(d.IpcMode),
		LaunchType:     t.LaunchType,
		ServiceName:    t.Service,
		Group:          t.Group,
		Volumes:        payloadVolumes(d.Volumes),
	}
	p.CPU, p.Memory = payloadLimits(d, t)
	for i := range d.ContainerDefinitions {
		p.Containers = append(p.Containers, payloadContainer(def, t, &d.ContainerDefinitions[i], cfg))
	}
	return p
}

// StopPayload is the least that makes an agent stop a task.
func StopPayload(t *Task) agentproto.Task {
	return agentproto.Task{
		ARN:            t.ARN(),
		TaskClusterARN: t.Scope.ARN("cluster/" + t.Cluster),
		Family:         t.Family,
		Version:        strconv.Itoa(t.Revision),
		DesiredStatus:  agentproto.DesiredStopped,
		Overrides:      "{}",
		Containers:     []agentproto.Container{},
	}
}

// networkMode is the definition's; bridge is what Linux tasks get by default.
func networkMode(d *ecsshape.TaskDefinition) string {
	if m := given(d.NetworkMode); m != "" {
		return m
	}
	return "bridge"
}

// payloadLimits are the task-level limits, in vCPUs and MiB; zero where neither
// the definition nor an override sets one, since then there is no such limit.
func payloadLimits(d *ecsshape.TaskDefinition, t *Task) (vcpu float64, memory int64) {
	cpu, mem := taskLevel(d, t.Overrides)
	return float64(cpu) / 1024, mem
}

func payloadVolumes(volumes []ecsshape.Volume) []agentproto.Volume {
	var out []agentproto.Volume
	for i := range volumes {
		v := &volumes[i]
		p := agentproto.Volume{Name: given(v.Name)}
		switch {
		case v.DockerVolumeConfiguration != nil:
			c := v.DockerVolumeConfiguration
			p.Type = "docker"
			p.DockerConfiguration = &agentproto.DockerVolume{
				Scope:         cmp.Or(given(c.Scope), "task"),
				Autoprovision: given(c.Autoprovision),
				Driver:        cmp.Or(given(c.Driver), "local"),
				DriverOpts:    c.DriverOpts,
				Labels:        c.Labels,
			}
		case v.EfsVolumeConfiguration != nil:
			p.Type = "efs"
			p.EFSConfiguration = payloadEFS(v.EfsVolumeConfiguration)
		case v.FsxWindowsFileServerVolumeConfiguration != nil:
			p.Type = "fsxWindowsFileServer"
		default:
			// The member must be there even when it is empty: that is a scratch volume.
			p.Type = "host"
			p.Host = &agentproto.HostVolume{}
			if v.Host != nil {
				p.Host.SourcePath = given(v.Host.SourcePath)
			}
		}
		out = append(out, p)
	}
	return out
}

func payloadEFS(c *ecsshape.EFSVolumeConfiguration) *agentproto.EFSVolume {
	p := &agentproto.EFSVolume{
		FileSystemID:          given(c.FileSystemId),
		RootDirectory:         given(c.RootDirectory),
		TransitEncryption:     given(c.TransitEncryption),
		TransitEncryptionPort: given(c.TransitEncryptionPort),
	}
	if a := c.AuthorizationConfig; a != nil {
		p.AuthorizationConfig = &agentproto.EFSAuthorization{AccessPointID: given(a.AccessPointId), IAM: given(a.Iam)}
	}
	return p
}

// pinImage replaces the tag of an image by a digest. An image that names a
// digest already is what its user wants.
func pinImage(image, digest string) string {
	if digest == "" || strings.Contains(image, "@") {
		return image
	}
	name := image
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name = name[:i]
	}
	return name + "@" + digest
}
