package lifecycle

import "time"

const (
	// maxStopAttempts is how often the ECS agent tries to stop a container.
	maxStopAttempts = 5
	// killPause is how long a SIGKILL may take to work before the next one.
	killPause = 10 * time.Second
)

// stop takes a running container down: its stop signal, then SIGKILL, then
// giving up. Containers that depend on it go first.
func stop(spec TaskSpec, obs Observed, i int) Action {
	for j := range spec.dependants(i) {
		if obs.Containers[j].Status != Stopped {
			return Action{}
		}
	}
	seen := obs.Containers[i]
	switch {
	case seen.StopAttempts == 0:
		return Action{Kind: Signal}
	case obs.Now.Before(stopLimit(spec.Containers[i], seen)):
		return Action{}
	case seen.StopAttempts < maxStopAttempts:
		return Action{Kind: Kill}
	}
	return Action{Kind: Finish, Reason: "CannotStopContainerError: the container's process is still there after SIGKILL"}
}

// stopLimit is when a stop attempt counts as failed.
func stopLimit(c ContainerSpec, seen Container) time.Time {
	if seen.StopAttempts == 1 {
		return seen.StopSentAt.Add(c.StopTimeout)
	}
	return seen.StopSentAt.Add(killPause)
}

// Deadline is the earliest moment at which Next may answer differently without
// anything having happened; false if there is none.
func Deadline(spec TaskSpec, obs Observed) (time.Time, bool) {
	var first time.Time
	note := func(t time.Time) {
		if t.After(obs.Now) && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	for i, seen := range obs.Containers {
		if seen.Status == Running && seen.StopAttempts > 0 && !seen.Down {
			note(stopLimit(spec.Containers[i], seen))
		}
		if seen.Status >= Created {
			continue
		}
		for _, d := range spec.Containers[i].DependsOn {
			if limit, ok := startLimit(spec.Containers[d.On], obs.Containers[d.On], d.Condition); ok {
				note(limit)
			}
		}
	}
	return first, !first.IsZero()
}
