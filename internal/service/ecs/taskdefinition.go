package ecs

import (
	"fmt"
	"time"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/tag"
)

// StatusDeleteInProgress is the status of a task definition that waits for its
// last task or service to end.
const StatusDeleteInProgress = "DELETE_IN_PROGRESS"

// TaskDefinition is one revision of a family. Definition is what the user
// registered, normalised as AWS does; it never changes but for its status and
// the times that go with it.
type TaskDefinition struct {
	Scope
	Family     string                  `json:"family"`
	Revision   int                     `json:"revision"`
	Status     string                  `json:"status"` // ACTIVE, INACTIVE or DELETE_IN_PROGRESS
	Definition ecsshape.TaskDefinition `json:"definition"`
	Tags       []tag.Tag               `json:"tags,omitzero"`

	RegisteredAt      time.Time `json:"registeredAt"`
	RegisteredBy      string    `json:"registeredBy,omitzero"` // the caller's ARN
	DeregisteredAt    time.Time `json:"deregisteredAt,omitzero"`
	DeleteRequestedAt time.Time `json:"deleteRequestedAt,omitzero"`
}

// Key is the store key; revisions sort as numbers within their family.
func (d *TaskDefinition) Key() string { return d.Scope.Key(d.Family, revisionKey(d.Revision)) }

// ARN is the task definition's ARN, revision included.
func (d *TaskDefinition) ARN() string {
	return d.Scope.ARN(fmt.Sprintf("task-definition/%s:%d", d.Family, d.Revision))
}

func revisionKey(revision int) string { return fmt.Sprintf("%010d", revision) }

// Family remembers the highest revision ever given, so that numbers are never
// used twice, even after revisions are deleted.
type Family struct {
	Scope
	Name         string `json:"name"`
	LastRevision int    `json:"lastRevision"`
}

// Key is the family's store key.
func (f *Family) Key() string { return f.Scope.Key(f.Name) }
