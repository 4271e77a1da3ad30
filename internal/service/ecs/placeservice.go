package ecs

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/slipway/slipway/internal/schedule"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/tag"
)

// PlaceRequest asks for more tasks of a service's deployment.
type PlaceRequest struct {
	Service    *Service
	Deployment *Deployment
	Count      int
	// Only, if not nil, are the container instance ids that may be used, as for a
	// DAEMON service's missing ones.
	Only map[string]bool
}

// maxPlaceBatch bounds the tasks of one transaction: each takes up to three
// guarded keys.
const maxPlaceBatch = 1000

// errServiceGone ends a placement for a service that has been deleted since.
var errServiceGone = errors.New("service is not ACTIVE any more")

// LaunchError says why no task of a service can be started, whatever capacity
// there is; the reason is for the service's event.
type LaunchError struct{ Reason string }

// Error returns the reason.
func (e *LaunchError) Error() string { return e.Reason }

// PlaceServiceTasks places and starts tasks of a deployment, as many as fit, and
// tells why the next one does not; both results are empty when there is no
// ACTIVE instance, or when the service is not ACTIVE any more. Up to 1000 tasks
// are one transaction. The error is a *LaunchError where the tasks' roles are not
// to be had.
func (r *Room) PlaceServiceTasks(ctx context.Context, req PlaceRequest) ([]*Task, []schedule.Refusal, error) {
	p, err := r.servicePlacement(&req)
	if err != nil {
		return nil, nil, err
	}
	if err := r.assumable(ctx, req.Service.Scope, req.Service.Cluster, p.template.roles()); err != nil {
		if refused, ok := errors.AsType[*iam.TaskRoleError](err); ok {
			return nil, nil, &LaunchError{Reason: refused.Error()}
		}
		return nil, nil, err
	}
	var placed []*Task
	for left := req.Count; left > 0; {
		p.schedule.Count = min(left, maxPlaceBatch)
		tasks, refusals, err := r.place(ctx, p)
		if errors.Is(err, errServiceGone) {
			return placed, nil, nil
		}
		if err != nil {
			return placed, nil, err
		}
		placed = append(placed, tasks...)
		if len(tasks) < p.schedule.Count {
			return placed, refusals, nil
		}
		left -= len(tasks)
	}
	return placed, nil, nil
}

func (r *Room) servicePlacement(req *PlaceRequest) (placementRequest, error) {
	s, d := req.Service, req.Deployment
	def, ok := findTaskDefinition(r.st.Snapshot(), s.Scope, d.TaskDefinition)
	if !ok {
		return placementRequest{}, ErrClient("TaskDefinition not found.")
	}
	options := TaskOptions{
		Group:                s.Group(),
		StartedBy:            d.ID,
		Tags:                 serviceTaskTags(s),
		PropagateTags:        s.PropagateTags,
		EnableExecuteCommand: s.EnableExecuteCommand,
	}
	p := placementRequest{template: taskTemplate(def, &options, s.Cluster)}
	p.template.Service, p.template.Deployment = s.Name, d.ID
	p.template.LaunchType = cmp.Or(s.LaunchType, ecsshape.LaunchTypeEC2)
	if s.EnableECSManagedTags {
		p.template.Tags = append(slices.Clip(p.template.Tags), managedTags(s.Cluster, s.Name)...)
	}
	p.schedule = scheduleRequest(&def.Definition, &p.template, req.Count)
	p.schedule.Service = true
	p.schedule.Only = req.Only
	p.schedule.Constraints = slices.Concat(p.schedule.Constraints, scheduleConstraints(s.PlacementConstraints))
	p.schedule.Strategy = s.ScheduleStrategy()
	if s.SchedulingStrategy == SchedulingDaemon {
		p.schedule.Constraints = append(p.schedule.Constraints,
			schedule.Constraint{Type: ecsshape.PlacementConstraintTypeDistinctInstance})
	}
	p.also = func(tx *store.Tx, _ []*Task) error {
		if now, ok := Services.Get(tx, s.Key()); !ok || now.Status != StatusActive {
			return errServiceGone
		}
		return nil
	}
	return p, nil
}

// serviceTaskTags are the service's own tags, where it hands them on.
func serviceTaskTags(s *Service) []tag.Tag {
	if s.PropagateTags == ecsshape.PropagateTagsService {
		return s.Tags
	}
	return nil
}

// managedTags are those that AWS adds when enableECSManagedTags is on
// (ecs-using-tags).
func managedTags(cluster, service string) []tag.Tag {
	tags := []tag.Tag{{Key: "aws:ecs:clusterName", Value: cluster}}
	if service != "" {
		tags = append(tags, tag.Tag{Key: "aws:ecs:serviceName", Value: service})
	}
	return tags
}
