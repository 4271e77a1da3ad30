package ecs

import (
	"github.com/slipway/slipway/internal/page"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
)

// Limits of DescribeClusters and ListClusters (API reference).
const (
	maxDescribeClusters = 100
	clustersPage        = 100
)

// ClusterView is a cluster with its counts.
type ClusterView struct {
	*Cluster
	Tasks            TaskCount
	Instances        int // ACTIVE and DRAINING
	ActiveServices   int
	DrainingServices int

	// Those of the launch type EXTERNAL, which are counted above too.
	ExternalTasks                    TaskCount
	ActiveExternal, DrainingExternal int
}

// DescribeClusters describes clusters by name or ARN, "default" when none is
// named; missing are the ARNs of those that do not exist.
func (r *Room) DescribeClusters(s Scope, refs []string) (views []ClusterView, missing []string, err error) {
	if len(refs) > maxDescribeClusters {
		return nil, nil, ErrInvalidParameter("Clusters cannot have more than %d elements.", maxDescribeClusters)
	}
	if len(refs) == 0 {
		refs = []string{DefaultCluster}
	}
	snap := r.st.Snapshot()
	for _, ref := range refs {
		name, ok := s.ClusterName(ref)
		if !ok {
			missing = append(missing, ref)
			continue
		}
		c, ok := Clusters.Get(snap, s.Key(name))
		if !ok {
			missing = append(missing, s.ARN("cluster/"+name))
			continue
		}
		views = append(views, viewCluster(snap, c))
	}
	return views, missing, nil
}

// ViewCluster is a cluster with its counts as they are now.
func (r *Room) ViewCluster(c *Cluster) ClusterView { return viewCluster(r.st.Snapshot(), c) }

func viewCluster(snap *store.Snapshot, c *Cluster) ClusterView {
	v := ClusterView{Cluster: c, Tasks: CountClusterTasks(snap, c.Scope, c.Name), ExternalTasks: CountExternalTasks(snap, c.Scope, c.Name)}
	within := c.Scope.Prefix(c.Name)
	for i := range Instances.List(snap, within) {
		if i.Status == StatusActive || i.Status == StatusDraining {
			v.Instances++
		}
	}
	for s := range Services.List(snap, within) {
		external := 0
		if s.LaunchType == ecsshape.LaunchTypeExternal {
			external = 1
		}
		switch s.Status {
		case StatusActive:
			v.ActiveServices, v.ActiveExternal = v.ActiveServices+1, v.ActiveExternal+external
		case StatusDraining:
			v.DrainingServices, v.DrainingExternal = v.DrainingServices+1, v.DrainingExternal+external
		}
	}
	return v
}

// ListClusters lists ARNs of ACTIVE clusters by name.
func (r *Room) ListClusters(s Scope, maxResults *int32, token string) (arns []string, next string, err error) {
	size, err := pageSize(maxResults, clustersPage, clustersPage)
	if err != nil {
		return nil, "", err
	}
	within := page.Scope("ListClusters", s.Account, s.Region)
	after, err := pageStart(within, token)
	if err != nil {
		return nil, "", err
	}
	var last string
	for c := range Clusters.ListAfter(r.st.Snapshot(), s.Prefix(), after) {
		if c.Status != StatusActive {
			continue
		}
		if len(arns) == size {
			return arns, page.Encode(within, last), nil
		}
		arns, last = append(arns, c.ARN()), c.Key()
	}
	return arns, "", nil
}
