package health

import (
	"time"

	"github.com/slipway/slipway/internal/agentproto"
)

// What a check has that does not say so (task definition parameters, "Health
// check").
const (
	defaultInterval = 30 * time.Second
	defaultTimeout  = 5 * time.Second
	defaultRetries  = 3
)

// plan is a check that can be run.
type plan struct {
	args     []string
	interval time.Duration
	timeout  time.Duration
	rules    Rules
}

// planOf reads a check; false if it says that there is none.
func planOf(c agentproto.Healthcheck) (plan, bool) {
	args := command(c.Test)
	if len(args) == 0 {
		return plan{}, false
	}
	p := plan{
		args:     args,
		interval: time.Duration(c.Interval),
		timeout:  time.Duration(c.Timeout),
		rules:    Rules{Retries: c.Retries, StartPeriod: time.Duration(c.StartPeriod)},
	}
	if p.interval <= 0 {
		p.interval = defaultInterval
	}
	if p.timeout <= 0 {
		p.timeout = defaultTimeout
	}
	if p.rules.Retries <= 0 {
		p.rules.Retries = defaultRetries
	}
	return p, true
}

// command is what runs in the container. A list without a first word of Docker's
// is a CMD (task definition parameters, "healthCheck.command").
func command(test []string) []string {
	if len(test) == 0 {
		return nil
	}
	switch test[0] {
	case "NONE", "":
		return nil
	case "CMD":
		return test[1:]
	case "CMD-SHELL":
		if len(test) == 1 {
			return nil
		}
		return append([]string{"/bin/sh", "-c"}, test[1:]...)
	}
	return test
}
