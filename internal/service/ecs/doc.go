// Package ecs is the room of Amazon ECS: clusters, task definitions, tasks,
// services, deployments, container instances, attributes and account settings.
//
// It owns these records and every rule about them. It promises that a record
// changes only through its methods, each of which is one store transaction, and
// that the room is the only writer of a task's status and of the reason why a
// task stopped (stop.go). Placement is decided by internal/schedule over a
// snapshot and committed together with the chosen instances' allocations, so
// that two servers that place at once cannot over-commit an instance.
//
// It refuses to know any wire: requests and answers are the plain types of this
// package, and the front door (ecsapi) translates. The one exception is what a
// user wrote and we only keep, such as container definitions: those are kept as
// the generated shapes of ecsshape, in AWS's own JSON.
//
// Errors that a client may see are *apierr.Error with AWS's codes and texts,
// made in errors.go. Effects on the world are records that somebody watches:
// the room calls no agent and starts no container.
package ecs
