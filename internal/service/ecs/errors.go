package ecs

import "github.com/slipway/slipway/internal/apierr"

// The errors that several operations share, in AWS's codes and words. Their
// sources are the ECS API reference's Errors sections and, for the texts, what
// production answers.

// ErrClusterNotFound is the answer to a cluster that never was.
func ErrClusterNotFound() error {
	return apierr.Client("ClusterNotFoundException", "Cluster not found.")
}

// ErrClusterInactive is the answer of operations that need an ACTIVE cluster.
func ErrClusterInactive() error {
	return apierr.Client("ClusterNotFoundException", "The referenced cluster was inactive.")
}

// ErrInvalidParameter is the code for a member that is well-formed and wrong.
func ErrInvalidParameter(format string, args ...any) error {
	return apierr.Client("InvalidParameterException", format, args...)
}

// ErrClient is the code for an action that the resource does not allow.
func ErrClient(format string, args ...any) error {
	return apierr.Client("ClientException", format, args...)
}
