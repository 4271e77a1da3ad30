package ecs

import (
	"context"

	"github.com/slipway/slipway/internal/store"
)

// UpdateInstancesState makes instances ACTIVE or DRAINING.
func (r *Room) UpdateInstancesState(ctx context.Context, s Scope, cluster string, refs []string, status string) (changed []*ContainerInstance, failures []Failure, err error) {
	switch {
	case len(refs) == 0:
		return nil, nil, ErrInvalidParameter("Container instances cannot be empty.")
	case len(refs) > maxUpdateInstances:
		return nil, nil, ErrInvalidParameter("Container instances cannot have more than %d elements.", maxUpdateInstances)
	case status != StatusActive && status != StatusDraining:
		return nil, nil, ErrInvalidParameter("The status %s is not valid: it must be ACTIVE or DRAINING.", status)
	}
	err = r.st.Update(ctx, func(tx *store.Tx) error {
		changed, failures = nil, nil
		c, err := activeCluster(tx, s, cluster)
		if err != nil {
			return err
		}
		for _, ref := range refs {
			inst, ok, err := instanceByRef(tx, c, ref)
			switch {
			case err != nil:
				return err
			case !ok:
				failures = append(failures, Failure{ARN: instanceARNOf(c, ref), Reason: "MISSING"})
				continue
			case inst.Status == StatusInactive:
				failures = append(failures, Failure{ARN: inst.ARN(), Reason: "INACTIVE"})
				continue
			}
			if inst.Status != status {
				next := *inst
				next.Status = status
				next.Version++
				Instances.Put(tx, &next)
				inst = &next
			}
			changed = append(changed, inst)
		}
		return nil
	})
	return changed, failures, err
}
