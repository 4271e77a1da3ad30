package ecs

import (
	"errors"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/schedule"
	"github.com/slipway/slipway/internal/tag"
)

// The errors of the operations on services, in the words that production
// answers with.

func errServiceNotFound() error {
	return apierr.Client("ServiceNotFoundException", "Service not found.")
}

func errServiceNotActive() error {
	return apierr.Client("ServiceNotActiveException", "Service was not ACTIVE.")
}

func errServiceDeploymentNotFound() error {
	return apierr.Client("ServiceDeploymentNotFoundException", "Service deployment not found.")
}

// errServiceUnsupported refuses what a service asks for and nothing here could
// give it, so that nobody waits for a load balancer that never comes.
func errServiceUnsupported(format string, args ...any) error {
	return apierr.Client("UnsupportedFeatureException", format, args...)
}

// placementError turns the scheduler's refusal of constraints or strategies, or
// the tag rules' of tags, into what a client sees.
func placementError(err error) error {
	if p, ok := errors.AsType[*schedule.ParameterError](err); ok {
		return ErrInvalidParameter("%s", p.Message)
	}
	if v, ok := errors.AsType[*tag.Violation](err); ok {
		return ErrInvalidParameter("%s", v.Text)
	}
	return err
}
