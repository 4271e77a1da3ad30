package ecs

import (
	"context"
	"errors"
	"slices"

	"github.com/slipway/slipway/internal/schedule"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
)

// StartTaskRequest starts one task on each of the given container instances,
// without the placement engine.
type StartTaskRequest struct {
	TaskOptions
	ContainerInstances []string // ids or ARNs, 1 to 10
}

// Limits of StartTask (API reference).
const (
	maxStartInstances = 10
	maxStartStartedBy = 36
)

// StartTask starts the tasks that the named instances can take, in one
// transaction, and says of each of the others why it can't.
func (r *Room) StartTask(ctx context.Context, s Scope, caller Caller, req StartTaskRequest) ([]*Task, []Failure, error) {
	if n := len(req.ContainerInstances); n == 0 || n > maxStartInstances {
		return nil, nil, ErrInvalidParameter("Container instances should have between 1 and %d items.", maxStartInstances)
	}
	found, err := req.resolve(r.st.Snapshot(), s, maxStartStartedBy)
	if err != nil {
		return nil, nil, err
	}
	for launchType := range r.startLaunchTypes(s, found.cluster.Name, req.ContainerInstances) {
		if err := (LaunchChoice{LaunchType: launchType}).Check(found.cluster, &found.def.Definition); err != nil {
			return nil, nil, err
		}
	}
	if err := r.runWith(ctx, s, caller, found, req.Overrides); err != nil {
		return nil, nil, err
	}
	r.placing.Lock()
	defer r.placing.Unlock()
	for range maxPlacementRaces {
		tasks, failures, err := r.startOnce(ctx, s, &req, found)
		if !errors.Is(err, errLostPlacement) {
			return tasks, failures, err
		}
	}
	return nil, nil, errLostPlacement
}

// startLaunchTypes are the launch types of the named instances; EC2 where there
// is none.
func (r *Room) startLaunchTypes(s Scope, cluster string, refs []string) map[string]bool {
	snap := r.st.Snapshot()
	types := map[string]bool{}
	for _, ref := range refs {
		id, _ := s.lastOf(ref, "container-instance")
		if inst, ok := Instances.Get(snap, s.Key(cluster, id)); ok {
			types[inst.launchType()] = true
		}
	}
	if len(types) == 0 {
		types[ecsshape.LaunchTypeEC2] = true
	}
	return types
}

func (r *Room) startOnce(ctx context.Context, s Scope, req *StartTaskRequest, found resolvedTask) ([]*Task, []Failure, error) {
	snap := r.st.Snapshot()
	cluster := found.cluster.Name
	template := taskTemplate(found.def, &req.TaskOptions, cluster)
	now := apiNow()
	var tasks []*Task
	failures := []Failure{}
	for _, ref := range req.ContainerInstances {
		id, _ := s.lastOf(ref, "container-instance")
		template.LaunchType = ecsshape.LaunchTypeEC2
		if inst, ok := Instances.Get(snap, s.Key(cluster, id)); ok {
			template.LaunchType = inst.launchType()
		}
		f := r.fleetOf(snap, s, cluster, template.LaunchType, false)
		reason := f.startOn(id, found.def, &template, r)
		if reason != "" {
			failures = append(failures, Failure{ARN: s.instanceRefARN(cluster, ref), Reason: string(reason)})
			continue
		}
		tasks = append(tasks, template.at(f.known[id].inst, now))
	}
	err := r.st.Update(ctx, func(tx *store.Tx) error { return takeAll(tx, tasks, false) })
	if err != nil {
		for _, t := range tasks {
			r.fleetOf(snap, s, cluster, t.LaunchType, false).distrust([]*Task{t})
		}
		return nil, nil, err
	}
	return tasks, failures, nil
}

// startOn reserves room for a task on one instance, or says why there is none.
// Constraints do not count: the caller has chosen.
func (f *clusterFleet) startOn(id string, def *TaskDefinition, template *Task, r *Room) schedule.Reason {
	m := f.known[id]
	switch {
	case m == nil:
		return schedule.ReasonMissing
	case m.inst.Status != StatusActive:
		return schedule.ReasonInactive
	}
	req := scheduleRequest(&def.Definition, template, 1)
	req.Constraints = nil
	req.Only = map[string]bool{id: true}
	result, err := f.fleet.Place(&req, r.rng)
	if err == nil && len(result.Placements) == 1 {
		return ""
	}
	i := slices.IndexFunc(result.Refusals, func(x schedule.Refusal) bool { return x.Instance == id })
	if i < 0 {
		return schedule.ReasonInactive
	}
	return result.Refusals[i].Reason
}

// instanceRefARN is the ARN that a reference to a container instance stands for.
func (s Scope) instanceRefARN(cluster, ref string) string {
	if id, ok := s.lastOf(ref, "container-instance"); ok {
		return s.ARN("container-instance/" + cluster + "/" + id)
	}
	return ref
}
