package ecs

import (
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
)

// TaskCount is how many tasks of something are running and pending, as AWS
// counts them: running are those RUNNING that are to run; pending are those
// PROVISIONING, PENDING or ACTIVATING.
type TaskCount struct{ Running, Pending int }

// The things whose tasks are counted.
const (
	countCluster    = "cluster"
	countExternal   = "external"
	countInstance   = "instance"
	countService    = "service"
	countDeployment = "deployment"
)

// taskCountKeys are the index values under which a task is counted.
func taskCountKeys(t *Task) []string {
	state := countState(t)
	if state == "" {
		return nil
	}
	keys := []string{t.Scope.Key(t.Cluster, countCluster, state)}
	if t.LaunchType == ecsshape.LaunchTypeExternal {
		keys = append(keys, t.Scope.Key(t.Cluster, countExternal, state))
	}
	if t.Instance != "" {
		keys = append(keys, t.Scope.Key(t.Cluster, countInstance, t.Instance, state))
	}
	if t.Service != "" {
		keys = append(keys,
			t.Scope.Key(t.Cluster, countService, t.Service, state),
			t.Scope.Key(t.Cluster, countDeployment, t.Deployment, state))
	}
	return keys
}

func countState(t *Task) string {
	switch t.LastStatus {
	case TaskRunning:
		if t.DesiredStatus == TaskRunning {
			return TaskRunning
		}
	case TaskProvisioning, TaskPending, TaskActivating:
		return TaskPending
	}
	return ""
}

// CountClusterTasks counts the tasks of a cluster. Like its siblings it takes
// O(log n), however many tasks there are.
func CountClusterTasks(r store.Reader, s Scope, cluster string) TaskCount {
	return countTasks(r, s, cluster, countCluster)
}

// CountExternalTasks counts those of a cluster's tasks that are on external
// instances.
func CountExternalTasks(r store.Reader, s Scope, cluster string) TaskCount {
	return countTasks(r, s, cluster, countExternal)
}

// CountInstanceTasks counts the tasks of a container instance.
func CountInstanceTasks(r store.Reader, s Scope, cluster, instance string) TaskCount {
	return countTasks(r, s, cluster, countInstance, instance)
}

// CountServiceTasks counts the tasks of a service.
func CountServiceTasks(r store.Reader, s Scope, cluster, service string) TaskCount {
	return countTasks(r, s, cluster, countService, service)
}

// CountDeploymentTasks counts the tasks of a deployment, ecs-svc/N.
func CountDeploymentTasks(r store.Reader, s Scope, cluster, deployment string) TaskCount {
	return countTasks(r, s, cluster, countDeployment, deployment)
}

func countTasks(r store.Reader, s Scope, cluster string, of ...string) TaskCount {
	count := func(state string) int {
		parts := append(append([]string{cluster}, of...), state)
		return Tasks.Count(r, IndexCount, s.Key(parts...))
	}
	return TaskCount{Running: count(TaskRunning), Pending: count(TaskPending)}
}
