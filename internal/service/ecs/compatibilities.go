package ecs

import (
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

// compatibilities is where a definition could run, in the order of AWS's
// answers. External instances have no network interfaces to give, Fargate and
// managed instances no bridge.
func compatibilities(d *ecsshape.TaskDefinition) []string {
	mode := networkMode(d)
	var out []string
	if mode != ecsshape.NetworkModeAwsvpc {
		out = append(out, ecsshape.CompatibilityExternal)
	}
	out = append(out, ecsshape.CompatibilityEC2)
	if fargateObstacle(d) == nil {
		out = append(out, ecsshape.CompatibilityFargate)
	}
	if mode == ecsshape.NetworkModeAwsvpc || mode == ecsshape.NetworkModeHost {
		out = append(out, ecsshape.CompatibilityManagedInstances)
	}
	return out
}

// fargateSizes are the MiB that go with the CPU units of a Fargate task, from
// least to most in steps (fargate-tasks-services).
var fargateSizes = map[int64]struct{ least, most, step int64 }{
	512:   {1024, 4096, 1024},
	1024:  {2048, 8192, 1024},
	2048:  {4096, 16384, 1024},
	4096:  {8192, 30720, 1024},
	8192:  {16384, 61440, 4096},
	16384: {32768, 122880, 8192},
}

func fargateSize(cpu, memory int64) bool {
	if cpu == 256 {
		return memory == 512 || memory == 1024 || memory == 2048
	}
	s, ok := fargateSizes[cpu]
	return ok && memory >= s.least && memory <= s.most && (memory-s.least)%s.step == 0
}

const (
	minFargateStorage, maxFargateStorage = 21, 200 // GiB
	minFargateTimeout, maxFargateTimeout = 2, 120  // seconds
)

// fargateObstacle is why a definition cannot run on Fargate, or nil
// (fargate-tasks-services, task-cpu-memory-error).
func fargateObstacle(d *ecsshape.TaskDefinition) error {
	switch {
	case networkMode(d) != ecsshape.NetworkModeAwsvpc:
		return ErrClient("Fargate only supports network mode ‘awsvpc’.")
	case d.Cpu == nil:
		return ErrClient("Fargate requires that 'cpu' be defined at the task level.")
	case d.Memory == nil:
		return ErrClient("Fargate requires that 'memory' be defined at the task level.")
	}
	if cpu, memory := taskLevel(d, nil); !fargateSize(cpu, memory) {
		return ErrClient("No Fargate configuration exists for given values.")
	}
	switch {
	case len(d.PlacementConstraints) > 0:
		return ErrClient("Tasks using the Fargate launch type do not support placement constraints.")
	case given(d.PidMode) == ecsshape.PidModeHost:
		return ErrClient("Tasks using the Fargate launch type do not support pidMode 'host'.")
	case given(d.IpcMode) != "":
		return ErrClient("Tasks using the Fargate launch type do not support ipcMode.")
	case len(d.InferenceAccelerators) > 0:
		return ErrClient("Tasks using the Fargate launch type do not support inferenceAccelerators.")
	case d.EphemeralStorage != nil && (given(d.EphemeralStorage.SizeInGiB) < minFargateStorage || given(d.EphemeralStorage.SizeInGiB) > maxFargateStorage):
		return ErrClient("Ephemeral storage size must be between %d and %d GiB.", minFargateStorage, maxFargateStorage)
	}
	for i := range d.Volumes {
		v := &d.Volumes[i]
		if v.DockerVolumeConfiguration != nil || v.FsxWindowsFileServerVolumeConfiguration != nil {
			return ErrClient("Tasks using the Fargate launch type do not support the configuration of volume '%s'.", given(v.Name))
		}
		if v.Host != nil && given(v.Host.SourcePath) != "" {
			return ErrClient("Tasks using the Fargate launch type do not support host.sourcePath in volumes.")
		}
	}
	for i := range d.ContainerDefinitions {
		if err := fargateContainerObstacle(d, &d.ContainerDefinitions[i]); err != nil {
			return err
		}
	}
	return nil
}

func fargateContainerObstacle(d *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition) error {
	switch {
	case given(c.Privileged):
		return ErrClient("Tasks using the Fargate launch type do not support privileged containers.")
	case len(c.DockerSecurityOptions) > 0:
		return ErrClient("Tasks using the Fargate launch type do not support dockerSecurityOptions.")
	case given(c.DisableNetworking):
		return ErrClient("Tasks using the Fargate launch type do not support disableNetworking.")
	case gpusOf(c.ResourceRequirements) > 0:
		return ErrClient("Tasks using the Fargate launch type do not support GPU resource requirements.")
	case c.StartTimeout != nil && (*c.StartTimeout < minFargateTimeout || *c.StartTimeout > maxFargateTimeout),
		c.StopTimeout != nil && *c.StopTimeout > maxFargateTimeout:
		return ErrClient("Invalid setting for container '%s'. Fargate supports timeouts of at most %d seconds.", *c.Name, maxFargateTimeout)
	}
	if l := c.LinuxParameters; l != nil {
		switch {
		case len(l.Devices) > 0:
			return ErrClient("Tasks using the Fargate launch type do not support devices.")
		case l.SharedMemorySize != nil:
			return ErrClient("Tasks using the Fargate launch type do not support sharedMemorySize.")
		case l.MaxSwap != nil || l.Swappiness != nil:
			return ErrClient("Tasks using the Fargate launch type do not support maxSwap and swappiness.")
		case l.Capabilities != nil && slices.ContainsFunc(l.Capabilities.Add, func(s string) bool { return s != "SYS_PTRACE" }):
			return ErrClient("Fargate only supports adding the capability SYS_PTRACE.")
		}
	}
	return fargateRoleObstacle(d, c)
}

// fargateRoleObstacle: what Fargate does on a task's behalf needs a role.
func fargateRoleObstacle(d *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition) error {
	driver := ""
	if c.LogConfiguration != nil {
		driver = given(c.LogConfiguration.LogDriver)
	}
	switch driver {
	case "", ecsshape.LogDriverSplunk, ecsshape.LogDriverAwsfirelens:
	case ecsshape.LogDriverAwslogs:
		if c.LogConfiguration.Options["awslogs-stream-prefix"] == "" {
			return ErrClient("Log driver awslogs requires options: awslogs-stream-prefix")
		}
	default:
		return ErrClient("Tasks using the Fargate launch type do not support log driver '%s'.", driver)
	}
	if given(d.ExecutionRoleArn) != "" {
		return nil
	}
	switch {
	case driver == ecsshape.LogDriverAwslogs:
		return ErrClient("Fargate requires task definition to have execution role ARN to support log driver awslogs.")
	case isECRImage(given(c.Image)):
		return ErrClient("Fargate requires task definition to have execution role ARN to support ECR images.")
	case c.RepositoryCredentials != nil:
		return ErrClient("Fargate requires task definition to have execution role ARN to support private registry authentication.")
	}
	return nil
}

// isECRImage tells an image of a private Amazon ECR registry by its host.
func isECRImage(image string) bool {
	host, _, ok := strings.Cut(image, "/")
	return ok && strings.Contains(host, ".dkr.ecr.") && strings.Contains(host, ".amazonaws.com")
}
