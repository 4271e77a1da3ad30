package ecs

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/tag"
)

// RegisterTaskDefinitionRequest is a task definition as its user wrote it: the
// members of RegisterTaskDefinition in the shape that describes the result.
type RegisterTaskDefinitionRequest struct {
	Definition ecsshape.TaskDefinition
	Tags       []tag.Tag
}

// maxDefinitionSize is the size of a task definition in bytes
// (service-quotas: 64 KiB).
const maxDefinitionSize = 64 << 10

// RegisterTaskDefinition makes the next revision of a family. The number is one
// more than any that the family ever had.
func (r *Room) RegisterTaskDefinition(ctx context.Context, s Scope, caller Caller, req RegisterTaskDefinitionRequest) (*TaskDefinition, error) {
	definition, err := req.normalised()
	if err != nil {
		return nil, err
	}
	roles := rolesOf(s, &definition, nil)
	if err := roles.check(s); err != nil {
		return nil, err
	}
	if err := r.mayPass(ctx, caller, roles); err != nil {
		return nil, err
	}
	family := given(definition.Family)
	var made *TaskDefinition
	err = r.st.Update(ctx, func(tx *store.Tx) error {
		last := 0
		if f, ok := Families.Get(tx, s.Key(family)); ok {
			last = f.LastRevision
		}
		made = &TaskDefinition{
			Scope: s, Family: family, Revision: last + 1, Status: StatusActive,
			Definition: definition, Tags: req.Tags,
			RegisteredAt: apiNow(), RegisteredBy: caller.ARN,
		}
		Families.Put(tx, &Family{Scope: s, Name: family, LastRevision: made.Revision})
		TaskDefinitions.Put(tx, made)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// normalised is the definition as it will be kept, or what is wrong with it.
func (req *RegisterTaskDefinitionRequest) normalised() (ecsshape.TaskDefinition, error) {
	text, err := json.Marshal(&req.Definition)
	if err != nil {
		return ecsshape.TaskDefinition{}, fmt.Errorf("encode task definition: %w", err)
	}
	if len(text) > maxDefinitionSize {
		return ecsshape.TaskDefinition{}, ErrClient("Actual length: '%d'. Max allowed length is '%d' bytes.", len(text), maxDefinitionSize)
	}
	if err := tag.Check(nil, req.Tags); err != nil {
		return ecsshape.TaskDefinition{}, ErrInvalidParameter("%s", err)
	}
	d := normaliseDefinition(req.Definition)
	if err := checkDefinition(&d); err != nil {
		return ecsshape.TaskDefinition{}, err
	}
	d.Compatibilities = compatibilities(&d)
	d.RequiresAttributes = requiresAttributes(&d)
	return d, nil
}
