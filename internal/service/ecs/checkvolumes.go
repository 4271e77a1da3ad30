package ecs

import (
	"regexp"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

var volumeNamePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

// checkDefinitionVolumes: Volume of the API reference; mount points name volumes
// of the task.
func checkDefinitionVolumes(d *ecsshape.TaskDefinition) error {
	known := map[string]bool{}
	for i := range d.Volumes {
		v := &d.Volumes[i]
		name := given(v.Name)
		switch {
		case name == "":
			return ErrClient("Volume.name should not be null or empty.")
		case !volumeNamePattern.MatchString(name):
			return ErrClient("Volume.name contains invalid characters.")
		case known[name]:
			return ErrClient("Volume names must be unique within a task definition. Duplicate name: %s", name)
		case v.Host != nil && v.Host.SourcePath != nil && *v.Host.SourcePath == "":
			return ErrClient("host.sourcePath should not be blank.")
		case volumeKinds(v) > 1:
			return ErrClient("Only one volume configuration can be specified for volume '%s'.", name)
		}
		if err := checkDockerVolume(v); err != nil {
			return err
		}
		known[name] = true
	}
	for i := range d.ContainerDefinitions {
		for j := range d.ContainerDefinitions[i].MountPoints {
			m := &d.ContainerDefinitions[i].MountPoints[j]
			switch {
			case m.SourceVolume == nil:
				return ErrClient("Unknown volume 'null'.")
			case !known[*m.SourceVolume]:
				return ErrClient("Unknown volume '%s'.", *m.SourceVolume)
			case given(m.ContainerPath) == "":
				return ErrClient("MountPoint.containerPath should not be null or empty.")
			}
		}
	}
	return nil
}

func checkDockerVolume(v *ecsshape.Volume) error {
	d := v.DockerVolumeConfiguration
	if d != nil && d.Autoprovision != nil && given(d.Scope) != ecsshape.ScopeShared {
		return ErrClient("Autoprovision can only be specified for Docker volumes with scope shared: volume '%s'.", given(v.Name))
	}
	return nil
}

// volumeKinds counts the configurations of a volume, of which it may have one.
func volumeKinds(v *ecsshape.Volume) int {
	kinds := 0
	for _, is := range []bool{
		v.Host != nil, v.DockerVolumeConfiguration != nil, v.EfsVolumeConfiguration != nil,
		v.FsxWindowsFileServerVolumeConfiguration != nil, v.S3filesVolumeConfiguration != nil, given(v.ConfiguredAtLaunch),
	} {
		if is {
			kinds++
		}
	}
	return kinds
}
