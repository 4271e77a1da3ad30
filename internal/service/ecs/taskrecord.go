package ecs

import (
	"fmt"
	"reflect"
	"slices"
)

// clone is a copy that may be changed; what nobody changes in place is shared.
func (t *Task) clone() *Task {
	c := *t
	c.Containers = slices.Clone(t.Containers)
	for i := range c.Containers {
		c.Containers[i].ManagedAgents = slices.Clone(c.Containers[i].ManagedAgents)
	}
	return &c
}

// same tells whether two versions of a task hold the same.
func (t *Task) same(o *Task) bool { return reflect.DeepEqual(t, o) }

// container is the index of the named container, or -1.
func (t *Task) container(name string) int {
	return slices.IndexFunc(t.Containers, func(c Container) bool { return c.Name == name })
}

// health is the task's health over its essential containers with a check: any
// UNHEALTHY makes it that, else any UNKNOWN, else HEALTHY; without a check it is
// UNKNOWN (HealthStatus of the API reference).
func (t *Task) health() string {
	verdict := ""
	for i := range t.Containers {
		c := &t.Containers[i]
		switch {
		case !c.Essential || !c.HasCheck:
		case c.Health == HealthUnhealthy:
			return HealthUnhealthy
		case c.Health != HealthHealthy:
			verdict = HealthUnknown
		case verdict == "":
			verdict = HealthHealthy
		}
	}
	if verdict == "" {
		return HealthUnknown
	}
	return verdict
}

// Health statuses of tasks and containers.
const (
	HealthHealthy   = "HEALTHY"
	HealthUnhealthy = "UNHEALTHY"
	HealthUnknown   = "UNKNOWN"
)

// TaskDefinitionARN is the ARN of the revision that the task runs.
func (t *Task) TaskDefinitionARN() string {
	return t.Scope.ARN(fmt.Sprintf("task-definition/%s:%d", t.Family, t.Revision))
}
