package ecs

import (
	"context"
	"time"

	"github.com/slipway/slipway/internal/store"
)

// DeleteService begins to delete a service: it is DRAINING until its last task
// has ended, then INACTIVE. Without force a REPLICA service has to be scaled to
// zero first.
func (r *Room) DeleteService(ctx context.Context, scope Scope, cluster, service string, force bool) (*ServiceView, error) {
	return r.changeService(ctx, func(tx *store.Tx) (string, error) {
		return deleteService(tx, scope, cluster, service, force)
	})
}

func deleteService(tx *store.Tx, scope Scope, cluster, service string, force bool) (string, error) {
	_, old, err := findService(tx, scope, cluster, service)
	switch {
	case err != nil:
		return "", err
	case old.Status == StatusInactive:
		return "", errServiceNotFound()
	case old.Status == StatusDraining:
		return old.Key(), nil
	}
	if !force && old.SchedulingStrategy != SchedulingDaemon {
		if err := deletable(tx, old); err != nil {
			return "", err
		}
	}
	s := *old
	s.Status, s.DesiredCount, s.Throttle = StatusDraining, 0, nil
	Services.Put(tx, &s)
	return s.Key(), nil
}

func deletable(r store.Reader, s *Service) error {
	if s.DesiredCount > 0 {
		return ErrInvalidParameter("The service cannot be stopped while it is scaled above 0.")
	}
	if len(LiveDeployments(r, s)) > 1 {
		return ErrInvalidParameter("The service cannot be stopped while deployments are active.")
	}
	for t := range Tasks.By(r, IndexService, s.ServiceRef()) {
		if t.DesiredStatus == TaskRunning {
			return ErrInvalidParameter("The service cannot be stopped while deployments are active.")
		}
	}
	return nil
}

// EndService makes a DRAINING service INACTIVE, with all of its deployments. It
// stays describable until it expires.
func EndService(tx *store.Tx, s *Service, now time.Time) {
	for _, d := range LiveDeployments(tx, s) {
		c := *d
		c.Status, c.UpdatedAt, c.DesiredCount = DeploymentInactive, now, 0
		c.EndStory(now, "Service deployment stopped because the service was deleted.")
		Deployments.Put(tx, &c)
	}
	c := *s
	c.Status, c.DeletedAt = StatusInactive, now
	Services.Put(tx, &c)
}
