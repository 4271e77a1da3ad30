package ecs

import (
	"context"
	"strings"

	"github.com/slipway/slipway/internal/store"
)

// DeregisterInstance takes an instance out of its cluster. Without force it
// refuses while tasks are on it; with force they are stopped in our books while
// their containers go on, as on AWS, since nobody tells the agent.
func (r *Room) DeregisterInstance(ctx context.Context, s Scope, cluster, ref string, force bool) (*ContainerInstance, error) {
	var next *ContainerInstance
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		c, err := activeCluster(tx, s, cluster)
		if err != nil {
			return err
		}
		inst, ok, err := instanceByRef(tx, c, ref)
		switch {
		case err != nil:
			return err
		case !ok || inst.Status == StatusInactive:
			return ErrInvalidParameter("Container instance not found.")
		}
		a, _ := Allocations.Get(tx, inst.Key())
		if a != nil && a.Tasks > 0 && !force {
			return ErrInvalidParameter("Found running tasks on the instance.")
		}
		next = inst.inactive()
		Instances.Put(tx, next)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return next, r.StopTasksOfInstance(ctx, s, next.Cluster, next.ID, StopByDeregistration())
}

// TerminateInstance says that an EC2 instance is gone for good: wherever it is
// registered, it becomes INACTIVE and its tasks end with AWS's reason.
func (r *Room) TerminateInstance(ctx context.Context, s Scope, ec2InstanceID string) error {
	for inst := range Instances.By(r.st.Snapshot(), IndexMachine, s.Key(ec2InstanceID)) {
		err := r.st.Update(ctx, func(tx *store.Tx) error {
			if now, ok := Instances.Get(tx, inst.Key()); ok {
				Instances.Put(tx, now.inactive())
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := r.StopTasksOfInstance(ctx, s, inst.Cluster, inst.ID, StopHostTerminated(ec2InstanceID)); err != nil {
			return err
		}
	}
	return nil
}

// instanceByRef finds an instance of the cluster by id or ARN, in any status.
func instanceByRef(r store.Reader, c *Cluster, ref string) (*ContainerInstance, bool, error) {
	id, err := instanceID(c, ref)
	if id == "" || err != nil {
		return nil, false, err
	}
	inst, ok := Instances.Get(r, c.Scope.Key(c.Name, id))
	return inst, ok, nil
}

// instanceID is the id that a request's reference means, "" if it can mean none.
// An ARN that names another cluster than the request does is an error.
func instanceID(c *Cluster, ref string) (string, error) {
	id, ok := c.Scope.lastOf(ref, "container-instance")
	if !ok {
		return "", nil
	}
	if path := strings.Split(ref, "/"); len(path) == 3 && path[1] != c.Name {
		return "", ErrInvalidParameter("Invalid identifier: Identifier is for cluster %s. Your cluster is %s", path[1], c.Name)
	}
	return id, nil
}
