package health

import (
	"time"

	"github.com/slipway/slipway/internal/agent/lifecycle"
)

// Rules is what turns results into verdicts.
type Rules struct {
	Retries     int           // consecutive failures that make a container unhealthy
	StartPeriod time.Duration // from the start on, in which failures do not count
}

// State is what is known of a container's health.
type State struct {
	Verdict  lifecycle.Health
	Failures int // consecutive ones that count
}

// Next is the state after a check that began at a time after the container's
// start. The start period ends with the first verdict: a container that was
// healthy once is held to the rules (Docker, HEALTHCHECK --start-period).
func (r Rules) Next(s State, began time.Duration, passed bool) State {
	if passed {
		return State{Verdict: lifecycle.Healthy}
	}
	if s.Verdict == lifecycle.Unknown && began < r.StartPeriod {
		return s
	}
	s.Failures++
	if s.Failures >= r.Retries {
		s.Verdict = lifecycle.Unhealthy
	}
	return s
}
