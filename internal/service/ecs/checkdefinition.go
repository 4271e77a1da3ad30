package ecs

import (
	"regexp"
	"slices"

	"github.com/slipway/slipway/internal/schedule"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

// Limits of service-quotas and task_definition_parameters.
const (
	maxContainers            = 10
	maxDefinitionConstraints = 10
	minTaskCPU, maxTaskCPU   = 128, 196608 // units, on EC2
	minTaskMemory            = 4           // MiB, the least that Docker accepts
)

var (
	familyPattern        = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)
	containerNamePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)
)

// checkDefinition finds what is wrong with a normalised definition: first what
// is wrong wherever it ran, then what is wrong with where it wants to run.
func checkDefinition(d *ecsshape.TaskDefinition) error {
	switch {
	case given(d.Family) == "":
		return ErrClient("Family should not be null or empty.")
	case !familyPattern.MatchString(*d.Family):
		return ErrClient("Family contains invalid characters.")
	case len(d.ContainerDefinitions) == 0:
		return ErrClient("Container list cannot be empty.")
	case len(d.ContainerDefinitions) > maxContainers:
		return ErrClient("Too many containers.")
	}
	for _, check := range []func(*ecsshape.TaskDefinition) error{
		checkTaskSize, checkDefinitionVolumes, checkContainers, checkEssential, checkSums,
		checkMode, checkPorts, checkRelations, checkFirelens, checkDefinitionPlacement, checkExecutionRole, checkRequired,
	} {
		if err := check(d); err != nil {
			return err
		}
	}
	return nil
}

// checkTaskSize: amounts that could be read are numbers by now
// (task-cpu-memory-error).
func checkTaskSize(d *ecsshape.TaskDefinition) error {
	const more = "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
	if d.Cpu != nil {
		if n, ok := cpuUnits(*d.Cpu); !ok || n < minTaskCPU || n > maxTaskCPU {
			return ErrClient("Invalid 'cpu' setting for task. %s", more)
		}
	}
	if d.Memory != nil {
		if n, ok := memoryMiB(*d.Memory); !ok || n < minTaskMemory {
			return ErrClient("Invalid 'memory' setting for task. %s", more)
		}
	}
	return nil
}

func checkEssential(d *ecsshape.TaskDefinition) error {
	if !slices.ContainsFunc(d.ContainerDefinitions, func(c ecsshape.ContainerDefinition) bool { return given(c.Essential) }) {
		return ErrClient("Task definition doesn't have any essential container.")
	}
	return nil
}

// checkSums: what containers reserve fits into what the task has, where it has a
// limit of its own.
func checkSums(d *ecsshape.TaskDefinition) error {
	cpu, memory := taskLevel(d, nil)
	var allCPU, allMemory int64
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		reserved := int64(given(c.Memory))
		if c.MemoryReservation != nil {
			reserved = int64(*c.MemoryReservation)
		}
		allCPU, allMemory = allCPU+int64(given(c.Cpu)), allMemory+reserved
		switch {
		case memory == 0 && c.Memory == nil && c.MemoryReservation == nil:
			return ErrClient("Invalid setting for container '%s'. At least one of 'memory' or 'memoryReservation' must be specified.", given(c.Name))
		case memory > 0 && int64(given(c.Memory)) > memory:
			return ErrClient("The 'memory' setting for container '%s' is greater than for the task.", given(c.Name))
		}
	}
	switch {
	case memory > 0 && allMemory > memory:
		return ErrClient("The sum of all container 'memory' values cannot be greater than the value of the task 'memory'.")
	case cpu > 0 && allCPU > cpu:
		return ErrClient("The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.")
	}
	return nil
}

func checkDefinitionPlacement(d *ecsshape.TaskDefinition) error {
	if len(d.PlacementConstraints) > maxDefinitionConstraints {
		return ErrClient("Too many placement constraints. The maximum is %d.", maxDefinitionConstraints)
	}
	constraints := make([]schedule.Constraint, len(d.PlacementConstraints))
	for i := range d.PlacementConstraints {
		p := &d.PlacementConstraints[i]
		constraints[i] = schedule.Constraint{Type: given(p.Type), Expression: given(p.Expression)}
		if constraints[i].Type != ecsshape.TaskDefinitionPlacementConstraintTypeMemberOf {
			return ErrClient("constraint.type '%s' is not supported.", constraints[i].Type)
		}
	}
	return definitionPlacementError(schedule.ValidateConstraints(constraints))
}

func definitionPlacementError(err error) error {
	if err == nil {
		return nil
	}
	return ErrClient("%s", err)
}

// checkRequired: what requiresCompatibilities asks for has to be possible.
func checkRequired(d *ecsshape.TaskDefinition) error {
	for _, c := range d.RequiresCompatibilities {
		switch c {
		case ecsshape.CompatibilityFargate:
			if err := fargateObstacle(d); err != nil {
				return err
			}
		case ecsshape.CompatibilityExternal:
			if networkMode(d) == ecsshape.NetworkModeAwsvpc {
				return ErrClient("External instances do not support network mode 'awsvpc'.")
			}
		case ecsshape.CompatibilityManagedInstances:
			if m := networkMode(d); m == ecsshape.NetworkModeBridge || m == ecsshape.NetworkModeNone {
				return ErrClient("Managed Instances only supports network modes 'awsvpc' and 'host'.")
			}
		}
	}
	return nil
}
