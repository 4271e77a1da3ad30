package ecs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/tag"
)

// CreateServiceRequest is what CreateService is asked for. Absent members are
// empty or nil.
type CreateServiceRequest struct {
	Cluster        string
	Name           string
	TaskDefinition string
	ClientToken    string
	Role           string
	CreatedBy      string // the caller's ARN

	DesiredCount       *int32
	LaunchType         string
	PlatformVersion    string
	SchedulingStrategy string
	Controller         string

	CapacityProviderStrategy  []ecsshape.CapacityProviderStrategyItem
	DeploymentConfiguration   *ecsshape.DeploymentConfiguration
	PlacementConstraints      []ecsshape.PlacementConstraint
	PlacementStrategy         []ecsshape.PlacementStrategy
	NetworkConfiguration      *ecsshape.NetworkConfiguration
	Features                  ServiceFeatures
	HealthCheckGracePeriod    *int32
	AvailabilityZoneRebalance string
	EnableECSManagedTags      bool
	EnableExecuteCommand      bool
	PropagateTags             string
	Tags                      []tag.Tag
}

// ServiceFeatures are what else a service can ask for: rooms of other services
// would have to provide it.
type ServiceFeatures struct {
	LoadBalancers     []ecsshape.LoadBalancer
	ServiceRegistries []ecsshape.ServiceRegistry
	ServiceConnect    *ecsshape.ServiceConnectConfiguration
	Volumes           []ecsshape.ServiceVolumeConfiguration
	Lattice           []ecsshape.VpcLatticeConfiguration
}

// CreateService makes a service with its first deployment, or answers with the
// existing one if it was made by an equal request.
func (r *Room) CreateService(ctx context.Context, scope Scope, req CreateServiceRequest) (*ServiceView, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	return r.changeService(ctx, func(tx *store.Tx) (string, error) {
		return createService(tx, scope, &req, apiNow())
	})
}

func createService(tx *store.Tx, scope Scope, req *CreateServiceRequest, now time.Time) (string, error) {
	cluster, err := activeCluster(tx, scope, req.Cluster)
	if err != nil {
		return "", err
	}
	s, err := req.service(tx, cluster, now)
	if err != nil {
		return "", err
	}
	if old, ok := Services.Get(tx, s.Key()); ok {
		if done, err := replaceService(tx, old, s); done || err != nil {
			return s.Key(), err
		}
	}
	startDeployment(tx, s, now)
	Services.Put(tx, s)
	return s.Key(), nil
}

// replaceService decides what an existing service of the same name means: done
// is a replay of the creation that made it.
func replaceService(tx *store.Tx, old, s *Service) (done bool, err error) {
	switch {
	case old.Status == StatusDraining:
		return false, ErrInvalidParameter("Unable to Start a service that is still Draining.")
	case old.Status == StatusActive && old.Digest == s.Digest:
		return true, nil
	case old.Status == StatusActive:
		return false, ErrInvalidParameter("Creation of service was not idempotent.")
	}
	s.LastDeployment = old.LastDeployment
	dropServiceEvents(tx, RecentServiceEvents(tx, old))
	return false, nil
}

// service is the record that the request describes.
func (req *CreateServiceRequest) service(r store.Reader, c *Cluster, now time.Time) (*Service, error) {
	definition, err := serviceTaskDefinition(r, c.Scope, req.TaskDefinition)
	if err != nil {
		return nil, err
	}
	digest, err := req.digest(definition)
	if err != nil {
		return nil, err
	}
	s := &Service{
		Scope: c.Scope, Cluster: c.Name, Name: req.Name, Status: StatusActive,
		TaskDefinition: definition.ARN(), LaunchType: req.LaunchType, PlatformVersion: req.PlatformVersion,
		SchedulingStrategy: req.SchedulingStrategy, Controller: req.Controller,
		CapacityProviderStrategy: req.CapacityProviderStrategy,
		PlacementConstraints:     req.PlacementConstraints, PlacementStrategy: req.PlacementStrategy,
		NetworkConfiguration: req.NetworkConfiguration, HealthCheckGracePeriod: req.HealthCheckGracePeriod,
		AvailabilityZoneRebalance: req.AvailabilityZoneRebalance, EnableECSManagedTags: req.EnableECSManagedTags,
		PropagateTags: req.PropagateTags, EnableExecuteCommand: req.EnableExecuteCommand,
		RoleARN: req.Role, Tags: req.Tags, ClientToken: req.ClientToken,
		Digest: digest, CreatedAt: now, CreatedBy: req.CreatedBy,
	}
	if req.DesiredCount != nil {
		s.DesiredCount = int(*req.DesiredCount)
	}
	s.setDefaults(c)
	s.DeploymentConfiguration, err = mergeDeploymentConfiguration(s.SchedulingStrategy,
		defaultDeploymentConfiguration(s.SchedulingStrategy), req.DeploymentConfiguration)
	if err != nil {
		return nil, err
	}
	if s.AvailabilityZoneRebalance == "" {
		s.AvailabilityZoneRebalance = defaultRebalancing(s)
	}
	return s, s.check(c, definition)
}

// setDefaults fills in what the request leaves open (service_definition_parameters).
func (s *Service) setDefaults(c *Cluster) {
	fillServiceMember(&s.SchedulingStrategy, SchedulingReplica)
	fillServiceMember(&s.Controller, ControllerECS)
	fillServiceMember(&s.PropagateTags, "NONE")
	if s.LaunchType == "" && len(s.CapacityProviderStrategy) == 0 {
		s.CapacityProviderStrategy = c.DefaultStrategy
	}
	if len(s.CapacityProviderStrategy) == 0 {
		fillServiceMember(&s.LaunchType, ecsshape.LaunchTypeEC2)
	}
	if s.HealthCheckGracePeriod == nil {
		s.HealthCheckGracePeriod = new(int32(0))
	}
}

func fillServiceMember(s *string, value string) {
	if *s == "" {
		*s = value
	}
}

// digest tells equal creations from different ones. Tags and the token are not
// part of what is created; a family means the revision that it stands for.
func (req *CreateServiceRequest) digest(d *TaskDefinition) (string, error) {
	c := *req
	c.Tags, c.ClientToken, c.CreatedBy, c.TaskDefinition = nil, "", "", d.ARN()
	b, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode creation of service %s: %w", req.Name, err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}
