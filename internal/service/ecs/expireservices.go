package ecs

import (
	"context"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/store"
)

// Keep is how long what is over stays describable.
type Keep struct {
	Services    time.Duration // INACTIVE services; at least an hour
	Deployments time.Duration // deployments of services that live on, and their revisions
	Clusters    time.Duration // INACTIVE clusters; at least an hour
}

// ExpireServices forgets INACTIVE services, with their events, deployments and
// revisions, the history of others, and INACTIVE clusters, as far as their time is
// up. It returns how many records it deleted.
func (r *Room) ExpireServices(ctx context.Context, now time.Time, keep Keep) (int, error) {
	snap := r.st.Snapshot()
	n := 0
	for s := range Services.By(snap, IndexServiceStatus, StatusInactive) {
		if now.Sub(s.DeletedAt) <= max(keep.Services, leastKept) {
			continue
		}
		m, err := r.forgetService(ctx, s)
		if n += m; err != nil {
			return n, err
		}
	}
	m, err := deleteInBatches(ctx, r.st, Deployments, deploymentsBefore(snap, now.Add(-keep.Deployments)))
	if n += m; err != nil {
		return n, err
	}
	snap = r.st.Snapshot()
	m, err = deleteInBatches(ctx, r.st, Revisions, revisionsBefore(snap, now.Add(-keep.Deployments)))
	if n += m; err != nil {
		return n, err
	}
	for c := range Clusters.List(snap, "") {
		if c.Status == StatusInactive && now.Sub(c.DeletedAt) > max(keep.Clusters, leastKept) {
			m, err := r.forgetCluster(ctx, c.Key())
			if n += m; err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// forgetService deletes a service unless it was created again meanwhile. The
// history goes first, so that what is left after a crash is found again.
func (r *Room) forgetService(ctx context.Context, s *Service) (n int, err error) {
	snap, within := r.st.Snapshot(), s.Scope.Prefix(s.Cluster, s.Name)
	var deployments, revisions []string
	for d := range Deployments.List(snap, within) {
		deployments = append(deployments, d.Key())
	}
	for v := range Revisions.List(snap, within) {
		revisions = append(revisions, v.Key())
	}
	err = r.st.Update(ctx, func(tx *store.Tx) error {
		n = 0
		now, ok := Services.Get(tx, s.Key())
		if !ok || now.Status != StatusInactive {
			return nil
		}
		dropServiceEvents(tx, RecentServiceEvents(tx, s))
		for _, key := range deployments[:min(len(deployments), maxExpireBatch)] {
			Deployments.Delete(tx, key)
		}
		for _, key := range revisions[:min(len(revisions), maxExpireBatch)] {
			Revisions.Delete(tx, key)
		}
		if max(len(deployments), len(revisions)) <= maxExpireBatch {
			Services.Delete(tx, s.Key())
			n = 1
		}
		return nil
	})
	return n, err
}

// deploymentsBefore are the deployments that ended before the time, but the newest
// of each service that completed: a rollback may need it.
func deploymentsBefore(r store.Reader, before time.Time) []string {
	var keys []string
	last := map[string]string{} // service → key of its newest completed deployment
	for d := range Deployments.List(r, "") {
		if d.RolloutState == RolloutCompleted {
			last[d.ServiceARN()] = d.Key()
		}
	}
	for d := range Deployments.List(r, "") {
		if d.Status == DeploymentInactive && d.UpdatedAt.Before(before) && last[d.ServiceARN()] != d.Key() {
			keys = append(keys, d.Key())
		}
	}
	return keys
}

// revisionsBefore are the revisions made before the time that no deployment names.
func revisionsBefore(r store.Reader, before time.Time) []string {
	named := map[string]bool{}
	for d := range Deployments.List(r, "") {
		for _, id := range slices.Concat([]string{d.Revision}, d.SourceRevisions) {
			named[revisionKeyOf(d, id)] = true
		}
	}
	var keys []string
	for v := range Revisions.List(r, "") {
		if v.CreatedAt.Before(before) && !named[v.Key()] {
			keys = append(keys, v.Key())
		}
	}
	return keys
}

// forgetCluster deletes an INACTIVE cluster in which nothing is left.
func (r *Room) forgetCluster(ctx context.Context, key string) (n int, err error) {
	err = r.st.Update(ctx, func(tx *store.Tx) error {
		n = 0
		c, ok := Clusters.Get(tx, key)
		if !ok || c.Status != StatusInactive || clusterHoldsRecords(tx, c) {
			return nil
		}
		Clusters.Delete(tx, key)
		n = 1
		return nil
	})
	return n, err
}

func clusterHoldsRecords(r store.Reader, c *Cluster) bool {
	within := c.Scope.Prefix(c.Name)
	for range Services.List(r, within) {
		return true
	}
	for range Tasks.List(r, within) {
		return true
	}
	for range Instances.List(r, within) {
		return true
	}
	return false
}
