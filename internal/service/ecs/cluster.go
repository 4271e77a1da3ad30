package ecs

import (
	"time"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/tag"
)

// Statuses of clusters and services, and some of those of container instances.
const (
	StatusActive   = "ACTIVE"
	StatusDraining = "DRAINING"
	StatusInactive = "INACTIVE"
)

// Cluster is a cluster. Its counts are derived from instances, tasks and
// services when it is described.
type Cluster struct {
	Scope
	Name   string `json:"name"`
	Status string `json:"status"` // ACTIVE or INACTIVE

	Settings               []ecsshape.ClusterSetting               `json:"settings,omitzero"`
	Configuration          *ecsshape.ClusterConfiguration          `json:"configuration,omitzero"`
	ServiceConnectDefaults *ecsshape.ClusterServiceConnectDefaults `json:"serviceConnectDefaults,omitzero"`
	CapacityProviders      []string                                `json:"capacityProviders,omitzero"`
	DefaultStrategy        []ecsshape.CapacityProviderStrategyItem `json:"defaultStrategy,omitzero"`
	Tags                   []tag.Tag                               `json:"tags,omitzero"`

	CreatedAt time.Time `json:"createdAt"`
	DeletedAt time.Time `json:"deletedAt,omitzero"` // when it became INACTIVE
}

// Key is the cluster's store key.
func (c *Cluster) Key() string { return c.Scope.Key(c.Name) }

// ARN is the cluster's ARN.
func (c *Cluster) ARN() string { return c.Scope.ARN("cluster/" + c.Name) }
