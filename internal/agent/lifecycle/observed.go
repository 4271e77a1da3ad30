package lifecycle

import "time"

// Observed is what was seen of one task.
type Observed struct {
	Now        time.Time
	Admitted   bool // the instance's resources are set aside for it; nothing begins before
	StopWanted bool // the control plane asked to stop it
	Containers []Container
}

// Container is what was seen of one container, in the order of
// TaskSpec.Containers.
type Container struct {
	Status Status
	Doing  Kind // the action under way; Nothing if none is
	// Failed: an action failed for good, the way up is closed.
	Failed bool
	// Down: the process of a container in RUNNING is gone; ExitCode says how,
	// unless nobody saw it.
	Down     bool
	ExitCode *int

	StartedAt time.Time // of the present process
	ExitedAt  time.Time
	Health    Health

	StopAttempts int // signals sent, the first one included
	StopSentAt   time.Time
}

// ran reports whether the container's process existed once.
func (c Container) ran() bool {
	return c.Status == Running || c.Status == Stopped && c.ExitCode != nil && !c.StartedAt.IsZero()
}

// Task is the state of the whole: the least of its containers.
func (o Observed) Task() Status {
	least := Stopped
	for _, c := range o.Containers {
		least = min(least, c.Status)
	}
	return least
}
