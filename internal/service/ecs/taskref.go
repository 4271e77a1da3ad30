package ecs

import (
	"strings"

	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/store"
)

// taskID is the id that a request means by ref, an id or an ARN, in the named
// cluster. Texts are those that production answers.
func (s Scope) taskID(cluster, ref string) (string, error) {
	id := ref
	if arn.Is(ref) {
		a, err := arn.Parse(ref)
		path := strings.Split(a.Resource, "/")
		if err != nil || a.Service != "ecs" || path[0] != "task" || len(path) < 2 || len(path) > 3 {
			return "", ErrInvalidParameter("Invalid identifier: %s", ref)
		}
		if a.Region != s.Region || a.Account != s.Account {
			return "", ErrInvalidParameter("Invalid identifier: %s is not in this account and Region", ref)
		}
		if len(path) == 3 && path[1] != cluster {
			return "", ErrInvalidParameter("Identifier is for %s. Your cluster is %s", path[1], cluster)
		}
		id = path[len(path)-1]
	}
	if len(id) != 32 && len(id) != 36 {
		return "", ErrInvalidParameter("taskId length should be one of [32,36]")
	}
	return id, nil
}

// taskARN is the ARN of a task that may not exist.
func (s Scope) taskARN(cluster, id string) string { return s.ARN("task/" + cluster + "/" + id) }

// foundTask is one of the tasks that a request names: nil if it is unknown.
type foundTask struct {
	arn  string
	task *Task
}

// findTasks looks up the tasks that a request names.
func findTasks(r store.Reader, s Scope, cluster string, refs []string) ([]foundTask, error) {
	out := make([]foundTask, len(refs))
	for i, ref := range refs {
		id, err := s.taskID(cluster, ref)
		if err != nil {
			return nil, err
		}
		out[i].arn = s.taskARN(cluster, id)
		out[i].task, _ = Tasks.Get(r, s.Key(cluster, id))
	}
	return out, nil
}

// anyCluster finds the cluster that a request about existing tasks means.
func anyCluster(r store.Reader, s Scope, ref string) (*Cluster, error) {
	name, ok := s.ClusterName(ref)
	if !ok {
		return nil, ErrClusterNotFound()
	}
	c, ok := Clusters.Get(r, s.Key(name))
	if !ok {
		return nil, ErrClusterNotFound()
	}
	return c, nil
}

// clusterOfTask is the cluster that a task's ARN names, or otherwise where it
// has the older form without one.
func clusterOfTask(resource, otherwise string) string {
	if path := strings.Split(resource, "/"); len(path) == 3 {
		return path[1]
	}
	return otherwise
}
