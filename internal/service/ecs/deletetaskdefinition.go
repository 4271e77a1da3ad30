package ecs

import (
	"context"
	"slices"

	"github.com/slipway/slipway/internal/store"
)

const maxDeleteTaskDefinitions = 10

// DeregisterTaskDefinition makes a revision INACTIVE: what uses it goes on,
// nothing new may use it.
func (r *Room) DeregisterTaskDefinition(ctx context.Context, s Scope, ref string) (*TaskDefinition, error) {
	p, ok := s.ParseTaskDefinitionRef(ref)
	if ok && p.Revision == 0 {
		return nil, ErrClient("Revision is missing.")
	}
	if !ok {
		return nil, ErrClient("The specified task definition does not exist.")
	}
	var next TaskDefinition
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		d, ok := TaskDefinitions.Get(tx, s.Key(p.Family, revisionKey(p.Revision)))
		if !ok {
			return ErrClient("The specified task definition does not exist.")
		}
		next = *d
		if next.Status != StatusActive {
			return nil
		}
		next.Status, next.DeregisteredAt = StatusInactive, apiNow()
		TaskDefinitions.Put(tx, &next)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &next, nil
}

// DeleteTaskDefinitions makes INACTIVE revisions DELETE_IN_PROGRESS; they are
// gone once nothing uses them.
func (r *Room) DeleteTaskDefinitions(ctx context.Context, s Scope, refs []string) (deleted []*TaskDefinition, failures []Failure, err error) {
	if n := len(refs); n == 0 || n > maxDeleteTaskDefinitions {
		return nil, nil, ErrInvalidParameter("The number of task definitions must be between 1 and %d.", maxDeleteTaskDefinitions)
	}
	err = r.st.Update(ctx, func(tx *store.Tx) error {
		deleted, failures = nil, nil
		for _, ref := range refs {
			d, reason := deleteTaskDefinition(tx, s, ref)
			if reason != "" {
				failures = append(failures, Failure{ARN: s.taskDefinitionARN(ref), Reason: reason})
				continue
			}
			deleted = append(deleted, d)
		}
		return nil
	})
	return deleted, failures, err
}

func deleteTaskDefinition(tx *store.Tx, s Scope, ref string) (*TaskDefinition, string) {
	p, ok := s.ParseTaskDefinitionRef(ref)
	if !ok || p.Revision == 0 {
		return nil, "The specified task definition identifier is invalid. Specify a valid name or ARN and try again."
	}
	d, ok := TaskDefinitions.Get(tx, s.Key(p.Family, revisionKey(p.Revision)))
	switch {
	case !ok:
		return nil, "The specified task definition does not exist. Specify a valid account, family, revision and try again."
	case d.Status == StatusActive:
		return nil, "The specified task definition is still in ACTIVE status. Please deregister the target and try again."
	case d.Status == StatusDeleteInProgress:
		return d, ""
	}
	next := *d
	next.Status, next.DeleteRequestedAt = StatusDeleteInProgress, apiNow()
	TaskDefinitions.Put(tx, &next)
	return &next, ""
}

// taskDefinitionARN is the ARN that failures[] names for a reference.
func (s Scope) taskDefinitionARN(ref string) string {
	if name, ok := s.lastOf(ref, "task-definition"); ok {
		return s.ARN("task-definition/" + name)
	}
	return ref
}

// ExpireTaskDefinitions forgets the revisions that are to be deleted and that no
// task, service or deployment uses any more. It returns how many it forgot.
// Nothing new can begin to use one meanwhile, since none is ACTIVE.
func (r *Room) ExpireTaskDefinitions(ctx context.Context) (int, error) {
	snap := r.st.Snapshot()
	gone := 0
	for d := range TaskDefinitions.By(snap, IndexDefinitionsToDelete, StatusDeleteInProgress) {
		if definitionInUse(snap, d) {
			continue
		}
		err := r.st.Update(ctx, func(tx *store.Tx) error {
			TaskDefinitions.Delete(tx, d.Key())
			return nil
		})
		if err != nil {
			return gone, err
		}
		gone++
	}
	return gone, nil
}

func definitionInUse(r store.Reader, d *TaskDefinition) bool {
	if Tasks.Count(r, IndexTaskDefinition, d.Scope.Key(d.Family, revisionKey(d.Revision))) > 0 {
		return true
	}
	arn := d.ARN()
	for s := range Services.List(r, d.Scope.Prefix()) {
		if s.Status == StatusInactive {
			continue
		}
		if s.TaskDefinition == arn {
			return true
		}
		if slices.ContainsFunc(LiveDeployments(r, s), func(p *Deployment) bool { return p.TaskDefinition == arn }) {
			return true
		}
	}
	return false
}
