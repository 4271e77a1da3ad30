package lifecycle

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ConditionCreate is the condition that volumesFrom implies; the others are
// agentproto's.
const ConditionCreate = "CREATE"

// TaskSpec is what is wanted of one task's containers.
type TaskSpec struct {
	Containers []ContainerSpec
	// PullUpfront lets images be pulled before dependencies are met
	// (ECS_PULL_DEPENDENT_CONTAINERS_UPFRONT).
	PullUpfront bool
}

// ContainerSpec is what is wanted of one container.
type ContainerSpec struct {
	Name      string
	Essential bool
	DependsOn []Dependency // with those that links and volumesFrom imply
	// StartTimeout bounds how long those that depend on this container wait for
	// it, from its start on; 0 is for ever.
	StartTimeout time.Duration
	StopTimeout  time.Duration  // from the stop signal to SIGKILL
	Restart      *RestartPolicy // nil: never restarted in place
}

// Dependency delays a container until another one meets a condition.
type Dependency struct {
	On        int // index into TaskSpec.Containers
	Condition string
}

// RestartPolicy restarts a container in place.
type RestartPolicy struct {
	Ignored []int         // exit codes that end the container for good
	Period  time.Duration // a run shorter than this ends it for good
}

// ErrCycle says that containers wait for one another in a circle.
var ErrCycle = errors.New("dependencies form a cycle")

// Validate refuses dependencies on containers that do not exist, and circles.
func (s TaskSpec) Validate() error {
	state := make([]uint8, len(s.Containers)) // 1: on the path, 2: done
	var visit func(i int) error
	visit = func(i int) error {
		switch state[i] {
		case 1:
			return fmt.Errorf("container %s: %w", s.Containers[i].Name, ErrCycle)
		case 2:
			return nil
		}
		state[i] = 1
		for _, d := range s.Containers[i].DependsOn {
			if d.On < 0 || d.On >= len(s.Containers) {
				return fmt.Errorf("container %s depends on a container that does not exist", s.Containers[i].Name)
			}
			if err := visit(d.On); err != nil {
				return err
			}
		}
		state[i] = 2
		return nil
	}
	for i := range s.Containers {
		if err := visit(i); err != nil {
			return err
		}
	}
	return nil
}

// dependants are the containers that depend on container i.
func (s TaskSpec) dependants(i int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for j, c := range s.Containers {
			on := func(d Dependency) bool { return d.On == i }
			if slices.ContainsFunc(c.DependsOn, on) && !yield(j) {
				return
			}
		}
	}
}
