package ecs

import (
	"context"
	"iter"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/page"
	"github.com/slipway/slipway/internal/store"
)

// ListTasksRequest filters the tasks of a cluster. DesiredStatus is RUNNING
// when it is empty.
type ListTasksRequest struct {
	Cluster           string
	ContainerInstance string
	Family            string
	ServiceName       string
	StartedBy         string
	LaunchType        string
	DesiredStatus     string
	MaxResults        *int32
	NextToken         string
}

const maxListTasks = 100

// ListTasks returns one page of ARNs and the token of the next page, if there
// is one. It starts where the page before ended and reads the narrowest index
// that the filters allow.
func (r *Room) ListTasks(_ context.Context, s Scope, req ListTasksRequest) (arns []string, next string, err error) {
	snap := r.st.Snapshot()
	c, err := activeCluster(snap, s, req.Cluster)
	if err != nil {
		return nil, "", err
	}
	size, err := req.check()
	if err != nil {
		return nil, "", err
	}
	q, err := req.query(snap, s, c.Name)
	if err != nil {
		return nil, "", err
	}
	scope := page.Scope("ListTasks", s.Account, s.Region, c.Name, req.ContainerInstance, req.Family, req.ServiceName,
		req.StartedBy, req.LaunchType, q.desired)
	after, err := pageStart(scope, req.NextToken)
	if err != nil {
		return nil, "", err
	}
	arns = []string{}
	last := ""
	for t := range q.tasks(snap, after) {
		if !q.matches(t) {
			continue
		}
		if len(arns) == size {
			return arns, page.Encode(scope, last), nil
		}
		arns, last = append(arns, t.ARN()), t.Key()
	}
	return arns, "", nil
}

func (req *ListTasksRequest) check() (size int, err error) {
	size = maxListTasks
	if req.MaxResults != nil {
		size = int(*req.MaxResults)
	}
	if size < 1 || size > maxListTasks {
		return 0, ErrInvalidParameter("MaxResults should be between 1 and %d.", maxListTasks)
	}
	// API reference: startedBy must be the only filter; the status has a default
	// and goes with all of them.
	if req.StartedBy != "" && (req.ContainerInstance != "" || req.Family != "" || req.ServiceName != "" || req.LaunchType != "") {
		return 0, ErrInvalidParameter("startedBy cannot be combined with other filters.")
	}
	return size, nil
}

// taskQuery is a request in terms of records: an index to walk, and what is
// left to compare.
type taskQuery struct {
	index, value string
	none         bool // nothing can match

	instance, family, service, startedBy, launchType, desired string
}

func (req *ListTasksRequest) query(r store.Reader, s Scope, cluster string) (taskQuery, error) {
	q := taskQuery{family: req.Family, startedBy: req.StartedBy, launchType: req.LaunchType, desired: req.DesiredStatus}
	if q.desired == "" {
		q.desired = TaskRunning
	}
	if req.ServiceName != "" {
		name, ok := s.lastOf(req.ServiceName, "service")
		if _, found := Services.Get(r, s.Key(cluster, name)); !ok || !found {
			return q, apierr.Client("ServiceNotFoundException", "Service not found.")
		}
		q.service = name
	}
	if req.ContainerInstance != "" {
		id, ok := s.lastOf(req.ContainerInstance, "container-instance")
		q.instance, q.none = id, !ok
	}
	q.choose(s, cluster)
	return q, nil
}

// choose picks the index. Those of services and instances hold no STOPPED
// tasks, so they can only answer for tasks that are to run.
func (q *taskQuery) choose(s Scope, cluster string) {
	running := q.desired == TaskRunning
	switch {
	case q.startedBy != "":
		q.index, q.value = IndexStartedBy, s.Key(cluster, q.startedBy)
	case running && q.instance != "":
		q.index, q.value = IndexInstance, s.Key(cluster, q.instance)
	case running && q.service != "":
		q.index, q.value = IndexService, s.Key(cluster, q.service)
	case q.family != "":
		q.index, q.value = IndexFamily, s.Key(cluster, q.family, q.desired)
	default:
		q.index, q.value = IndexDesired, s.Key(cluster, q.desired)
	}
}

func (q *taskQuery) tasks(r store.Reader, after string) iter.Seq[*Task] {
	if q.none {
		return func(func(*Task) bool) {}
	}
	return Tasks.ByAfter(r, q.index, q.value, after)
}

func (q *taskQuery) matches(t *Task) bool {
	is := func(want, got string) bool { return want == "" || want == got }
	return t.DesiredStatus == q.desired && is(q.instance, t.Instance) && is(q.family, t.Family) &&
		is(q.service, t.Service) && is(q.startedBy, t.StartedBy) && is(q.launchType, t.LaunchType)
}
