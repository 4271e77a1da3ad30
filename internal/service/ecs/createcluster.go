package ecs

import (
	"context"
	"regexp"
	"slices"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/tag"
)

// CreateClusterRequest says what cluster is wanted. An empty name is "default".
type CreateClusterRequest struct {
	Name                   string
	Settings               []ecsshape.ClusterSetting
	Configuration          *ecsshape.ClusterConfiguration
	ServiceConnectDefaults *ecsshape.ClusterServiceConnectDefaultsRequest
	CapacityProviders      []string
	DefaultStrategy        []ecsshape.CapacityProviderStrategyItem
	Tags                   []tag.Tag
}

// clusterNamePattern: "Up to 255 letters (uppercase and lowercase), numbers,
// underscores, and hyphens are allowed" (API reference, CreateCluster).
var clusterNamePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

// CreateCluster makes a cluster. Asking for one that is ACTIVE already answers
// with it unchanged; one that was deleted comes back as a new one.
func (r *Room) CreateCluster(ctx context.Context, s Scope, req CreateClusterRequest) (*Cluster, error) {
	if req.Name == "" {
		req.Name = DefaultCluster
	}
	if err := req.check(); err != nil {
		return nil, err
	}
	var made *Cluster
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		if known, ok := Clusters.Get(tx, s.Key(req.Name)); ok && known.Status == StatusActive {
			made = known
			return nil
		}
		made = &Cluster{
			Scope: s, Name: req.Name, Status: StatusActive,
			Settings: withInsights(tx, s, req.Settings), Configuration: req.Configuration,
			ServiceConnectDefaults: connectDefaults(req.ServiceConnectDefaults),
			CapacityProviders:      req.CapacityProviders, DefaultStrategy: req.DefaultStrategy,
			Tags: req.Tags, CreatedAt: apiNow(),
		}
		Clusters.Put(tx, made)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// withInsights adds what the account has set for new clusters, where a request
// says nothing of it (ecs-account-settings).
func withInsights(r store.Reader, s Scope, settings []ecsshape.ClusterSetting) []ecsshape.ClusterSetting {
	const name = ecsshape.ClusterSettingNameContainerInsights
	if slices.ContainsFunc(settings, func(c ecsshape.ClusterSetting) bool { return given(c.Name) == name }) {
		return settings
	}
	value := effectiveSetting(r, s, ecsshape.SettingNameContainerInsights, "")
	return append(slices.Clone(settings), ecsshape.ClusterSetting{Name: new(name), Value: &value})
}

func (req *CreateClusterRequest) check() error {
	if !clusterNamePattern.MatchString(req.Name) {
		return ErrInvalidParameter(`Cluster must match ^[a-zA-Z0-9\-_]{1,255}$, but was %s`, req.Name)
	}
	if err := tag.Check(nil, req.Tags); err != nil {
		return ErrInvalidParameter("%s", err)
	}
	if err := checkClusterSettings(req.Settings); err != nil {
		return err
	}
	return checkClusterProviders(req.CapacityProviders, req.DefaultStrategy)
}

// containerInsightsValues are those of the only setting that clusters have.
var containerInsightsValues = []string{"enabled", "disabled", "enhanced"}

func connectDefaults(req *ecsshape.ClusterServiceConnectDefaultsRequest) *ecsshape.ClusterServiceConnectDefaults {
	if req == nil {
		return nil
	}
	return &ecsshape.ClusterServiceConnectDefaults{Namespace: req.Namespace}
}
