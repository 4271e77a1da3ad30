package lifecycle

import "slices"

// Kind is a kind of action.
type Kind uint8

// The kinds of action, in the order in which a container meets them.
const (
	Nothing Kind = iota
	Pull         // resolve, fetch and unpack the image; leads through ManifestPulled to Pulled
	Create       // make the container; leads to Created
	Start        // start its process; leads to Running
	Restart      // start it anew in place; it stays Running
	Signal       // send the image's stop signal
	Kill         // send SIGKILL
	Cancel       // give up the Pull under way, or the wait for another action's turn
	Finish       // nothing runs any more: the container is Stopped
)

var kindNames = [...]string{"nothing", "pull", "create", "start", "restart", "signal", "kill", "cancel", "finish"}

// String names the kind for logs.
func (k Kind) String() string { return kindNames[k] }

// Action is one thing to do now. Doing it twice must do no harm.
type Action struct {
	Kind      Kind
	Container int // index into TaskSpec.Containers
	// Reason says why a Finish ends a container that nothing else explains, and
	// ExitCode is then the code to report, nil for none.
	Reason   string
	ExitCode *int
}

// deadExitCode is what the ECS agent reports for a container whose dependency
// can no longer be met: as if it had been told to stop.
const deadExitCode = 143

// Next says what to do now, at most one action per container. No action means
// wait: for an action under way, an exit, or the time that Deadline tells.
func Next(spec TaskSpec, obs Observed) []Action {
	stopping := Stopping(spec, obs)
	var actions []Action
	for i := range spec.Containers {
		if a := step(spec, obs, i, stopping); a.Kind != Nothing {
			a.Container = i
			actions = append(actions, a)
		}
	}
	return actions
}

// Stopping reports whether the task as a whole must stop: because it was asked
// for, or because an essential container has ended or cannot begin.
func Stopping(spec TaskSpec, obs Observed) bool {
	if obs.StopWanted {
		return true
	}
	for i, c := range spec.Containers {
		if c.Essential && over(spec, obs, i) {
			return true
		}
	}
	return false
}

// over reports whether container i has ended, or is bound to without running.
func over(spec TaskSpec, obs Observed, i int) bool {
	seen := obs.Containers[i]
	switch {
	case seen.Status == Stopped || seen.Failed:
		return true
	case seen.Down:
		return !restarts(spec.Containers[i], seen)
	}
	v, _ := dependencies(spec, obs, i)
	return v == impossible
}

// restarts applies the restart policy to a container whose process is gone. A
// lost one, whose exit code nobody saw, is not restarted.
func restarts(c ContainerSpec, seen Container) bool {
	if c.Restart == nil || seen.ExitCode == nil || slices.Contains(c.Restart.Ignored, *seen.ExitCode) {
		return false
	}
	return seen.ExitedAt.Sub(seen.StartedAt) >= c.Restart.Period
}

func step(spec TaskSpec, obs Observed, i int, stopping bool) Action {
	seen := obs.Containers[i]
	if seen.Status == Stopped {
		return Action{}
	}
	if seen.Doing != Nothing {
		return interrupt(seen, stopping)
	}
	switch {
	case seen.Down && !seen.Failed && !stopping && restarts(spec.Containers[i], seen):
		return Action{Kind: Restart}
	case seen.Down, seen.Failed:
		return Action{Kind: Finish}
	case stopping && seen.Status == Running:
		return stop(spec, obs, i)
	}
	// A dependency that can't be met any more is told even while stopping.
	v, reason := dependencies(spec, obs, i)
	switch {
	case v == impossible && !obs.StopWanted:
		return Action{Kind: Finish, Reason: "CannotStartContainerError: " + reason, ExitCode: new(deadExitCode)}
	case stopping:
		return Action{Kind: Finish}
	case obs.Admitted:
		return advance(seen.Status, v == met, spec.PullUpfront)
	}
	return Action{}
}

// interrupt cuts short what leads up when the container is not wanted any more.
func interrupt(seen Container, stopping bool) Action {
	if stopping && seen.Doing <= Restart {
		return Action{Kind: Cancel}
	}
	return Action{}
}

// advance is the next step up.
func advance(s Status, free, pullUpfront bool) Action {
	switch {
	case s < Pulled && (free || pullUpfront):
		return Action{Kind: Pull}
	case s == Pulled && free:
		return Action{Kind: Create}
	case s == Created:
		return Action{Kind: Start}
	}
	return Action{}
}
