package ecs

import (
	"context"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/store"
)

// DeleteCluster makes an empty cluster INACTIVE; it stays describable. Deleting
// it again answers the same.
func (r *Room) DeleteCluster(ctx context.Context, s Scope, ref string) (*Cluster, error) {
	name, ok := s.ClusterName(ref)
	if !ok {
		return nil, ErrClusterNotFound()
	}
	var next Cluster
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		c, ok := Clusters.Get(tx, s.Key(name))
		if !ok {
			return ErrClusterNotFound()
		}
		next = *c
		if c.Status == StatusInactive {
			return nil
		}
		if err := clusterIsEmpty(tx, c); err != nil {
			return err
		}
		next.Status, next.DeletedAt = StatusInactive, apiNow()
		Clusters.Put(tx, &next)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &next, nil
}

// clusterIsEmpty refuses in AWS's order and words. The guards see to it that
// nothing moves in while the cluster goes.
func clusterIsEmpty(tx *store.Tx, c *Cluster) error {
	within := c.Scope.Prefix(c.Name)
	Instances.GuardPrefix(tx, within)
	Services.GuardPrefix(tx, within)
	Tasks.GuardPrefix(tx, within)
	for i := range Instances.List(tx, within) {
		if i.Status != StatusInactive {
			return apierr.Client("ClusterContainsContainerInstancesException", "The Cluster cannot be deleted while Container Instances are active or draining.")
		}
	}
	for v := range Services.List(tx, within) {
		if v.Status != StatusInactive {
			return apierr.Client("ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active.")
		}
	}
	for t := range Tasks.List(tx, within) {
		if !t.Ended() {
			return apierr.Client("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active.")
		}
	}
	return nil
}
