package ecs

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
)

// UpdateServiceRequest is what UpdateService is asked to change. A nil member,
// or a nil list, leaves things as they are; an empty list clears.
type UpdateServiceRequest struct {
	Cluster, Service string

	DesiredCount              *int32
	TaskDefinition            *string
	PlatformVersion           *string
	Controller                *string
	ForceNewDeployment        bool
	CapacityProviderStrategy  []ecsshape.CapacityProviderStrategyItem
	DeploymentConfiguration   *ecsshape.DeploymentConfiguration
	PlacementConstraints      []ecsshape.PlacementConstraint
	PlacementStrategy         []ecsshape.PlacementStrategy
	NetworkConfiguration      *ecsshape.NetworkConfiguration
	Features                  ServiceFeatures
	HealthCheckGracePeriod    *int32
	AvailabilityZoneRebalance *string
	EnableECSManagedTags      *bool
	EnableExecuteCommand      *bool
	PropagateTags             *string
}

// UpdateService changes a service. A change of what its tasks are starts a
// deployment; a change of how many there are, or of how it is deployed, does not
// (update-service-parameters).
func (r *Room) UpdateService(ctx context.Context, scope Scope, req UpdateServiceRequest) (*ServiceView, error) {
	if err := req.Features.check(); err != nil {
		return nil, err
	}
	return r.changeService(ctx, func(tx *store.Tx) (string, error) {
		return updateService(tx, scope, &req, apiNow())
	})
}

func updateService(tx *store.Tx, scope Scope, req *UpdateServiceRequest, now time.Time) (string, error) {
	cluster, old, err := findService(tx, scope, req.Cluster, req.Service)
	if err != nil {
		return "", err
	}
	if old.Status != StatusActive {
		return "", errServiceNotActive()
	}
	s := *old
	if err := req.apply(tx, &s); err != nil {
		return "", err
	}
	definition, ok := findTaskDefinition(tx, scope, s.TaskDefinition)
	if !ok {
		return "", ErrClient("TaskDefinition not found.")
	}
	if err := s.check(cluster, definition); err != nil {
		return "", err
	}
	s.Throttle = nil // service-throttle-logic: an update starts afresh
	if req.ForceNewDeployment || !sameTasks(old, &s) {
		startDeployment(tx, &s, now)
	} else if s.DesiredCount != old.DesiredCount {
		rescale(tx, &s, now)
	}
	Services.Put(tx, &s)
	return s.Key(), nil
}

// rescale tells the deployment under way what is now desired.
func rescale(tx *store.Tx, s *Service, now time.Time) {
	for _, d := range LiveDeployments(tx, s) {
		if d.Status == DeploymentPrimary {
			c := *d
			c.DesiredCount, c.UpdatedAt = s.DesiredCount, now
			Deployments.Put(tx, &c)
		}
	}
}

// sameTasks tells whether the tasks of two versions of a service are made alike.
// Placement matters only to a DAEMON service, which has to move its tasks.
func sameTasks(a, b *Service) bool {
	return a.TaskDefinition == b.TaskDefinition && a.PlatformVersion == b.PlatformVersion &&
		a.LaunchType == b.LaunchType &&
		sameServiceJSON(a.CapacityProviderStrategy, b.CapacityProviderStrategy) &&
		sameServiceJSON(a.NetworkConfiguration, b.NetworkConfiguration) &&
		(a.SchedulingStrategy != SchedulingDaemon || sameServiceJSON(a.PlacementConstraints, b.PlacementConstraints))
}

// sameServiceJSON compares shapes as they would be stored.
func sameServiceJSON(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// apply makes the changes that the request asks for.
func (req *UpdateServiceRequest) apply(r store.Reader, s *Service) (err error) {
	if req.Controller != nil {
		s.Controller = *req.Controller
	}
	if req.DesiredCount != nil {
		if s.SchedulingStrategy == SchedulingDaemon {
			return errDaemonCount()
		}
		if err := checkDesiredCount(*req.DesiredCount); err != nil {
			return err
		}
		s.DesiredCount = int(*req.DesiredCount)
	}
	if req.TaskDefinition != nil {
		definition, err := serviceTaskDefinition(r, s.Scope, *req.TaskDefinition)
		if err != nil {
			return err
		}
		s.TaskDefinition = definition.ARN()
	}
	if req.PlacementConstraints != nil {
		s.PlacementConstraints = req.PlacementConstraints
	}
	if req.PlacementStrategy != nil {
		s.PlacementStrategy = req.PlacementStrategy
	}
	if req.NetworkConfiguration != nil {
		s.NetworkConfiguration = req.NetworkConfiguration
	}
	if req.CapacityProviderStrategy != nil {
		s.CapacityProviderStrategy, s.LaunchType = req.CapacityProviderStrategy, ""
		if len(req.CapacityProviderStrategy) == 0 {
			s.LaunchType = ecsshape.LaunchTypeEC2
		}
	}
	if req.HealthCheckGracePeriod != nil {
		s.HealthCheckGracePeriod = req.HealthCheckGracePeriod
	}
	changeServiceMember(&s.PlatformVersion, req.PlatformVersion)
	changeServiceMember(&s.AvailabilityZoneRebalance, req.AvailabilityZoneRebalance)
	changeServiceMember(&s.PropagateTags, req.PropagateTags)
	changeServiceMember(&s.EnableECSManagedTags, req.EnableECSManagedTags)
	changeServiceMember(&s.EnableExecuteCommand, req.EnableExecuteCommand)
	s.DeploymentConfiguration, err = mergeDeploymentConfiguration(s.SchedulingStrategy, s.DeploymentConfiguration, req.DeploymentConfiguration)
	return err
}

func changeServiceMember[T any](dst *T, given *T) {
	if given != nil {
		*dst = *given
	}
}

// findService finds the service that a request means, in whatever status, and
// its ACTIVE cluster.
func findService(r store.Reader, scope Scope, cluster, ref string) (*Cluster, *Service, error) {
	c, err := activeCluster(r, scope, cluster)
	if err != nil {
		return nil, nil, err
	}
	name, ok := scope.lastOf(ref, "service")
	if !ok {
		return nil, nil, errServiceNotFound()
	}
	s, ok := Services.Get(r, scope.Key(c.Name, name))
	if !ok {
		return nil, nil, errServiceNotFound()
	}
	return c, s, nil
}

// changeService runs change, which returns the key of the service that it wrote,
// and describes that service as it is afterwards.
func (r *Room) changeService(ctx context.Context, change func(tx *store.Tx) (string, error)) (*ServiceView, error) {
	var key string
	err := r.st.Update(ctx, func(tx *store.Tx) (err error) {
		key, err = change(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	snap := r.st.Snapshot()
	s, ok := Services.Get(snap, key)
	if !ok {
		return nil, fmt.Errorf("read service %s: it is gone", key)
	}
	return viewService(snap, s), nil
}
