package ecs

import (
	"context"
	"slices"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
)

// UpdateClusterRequest changes what is given and leaves the rest.
type UpdateClusterRequest struct {
	Cluster                string
	Settings               []ecsshape.ClusterSetting
	Configuration          *ecsshape.ClusterConfiguration
	ServiceConnectDefaults *ecsshape.ClusterServiceConnectDefaultsRequest
}

// UpdateCluster changes an ACTIVE cluster.
func (r *Room) UpdateCluster(ctx context.Context, s Scope, req UpdateClusterRequest) (*Cluster, error) {
	if err := checkClusterSettings(req.Settings); err != nil {
		return nil, err
	}
	return r.changeCluster(ctx, s, req.Cluster, func(c *Cluster) {
		c.Settings = mergeSettings(c.Settings, req.Settings)
		if req.Configuration != nil {
			c.Configuration = req.Configuration
		}
		if req.ServiceConnectDefaults != nil {
			c.ServiceConnectDefaults = connectDefaults(req.ServiceConnectDefaults)
		}
	})
}

// PutClusterProviders replaces a cluster's capacity providers and its default
// strategy.
func (r *Room) PutClusterProviders(ctx context.Context, s Scope, cluster string, providers []string, strategy []ecsshape.CapacityProviderStrategyItem) (*Cluster, error) {
	if err := checkClusterProviders(providers, strategy); err != nil {
		return nil, err
	}
	return r.changeCluster(ctx, s, cluster, func(c *Cluster) {
		c.CapacityProviders, c.DefaultStrategy = providers, strategy
	})
}

func (r *Room) changeCluster(ctx context.Context, s Scope, ref string, change func(*Cluster)) (*Cluster, error) {
	var next Cluster
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		c, err := activeCluster(tx, s, ref)
		if err != nil {
			return err
		}
		next = *c
		change(&next)
		Clusters.Put(tx, &next)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &next, nil
}

func mergeSettings(base, changed []ecsshape.ClusterSetting) []ecsshape.ClusterSetting {
	out := slices.Clone(base)
	for _, c := range changed {
		i := slices.IndexFunc(out, func(o ecsshape.ClusterSetting) bool { return given(o.Name) == given(c.Name) })
		if i < 0 {
			out = append(out, c)
			continue
		}
		out[i] = c
	}
	return out
}

func checkClusterSettings(settings []ecsshape.ClusterSetting) error {
	for _, c := range settings {
		if given(c.Name) != ecsshape.ClusterSettingNameContainerInsights {
			return ErrInvalidParameter("Invalid cluster setting name: %s", given(c.Name))
		}
		if !slices.Contains(containerInsightsValues, given(c.Value)) {
			return ErrInvalidParameter("Invalid cluster setting value: %s", given(c.Value))
		}
	}
	return nil
}

// fargateProviders are the capacity providers that every account has.
var fargateProviders = []string{"FARGATE", "FARGATE_SPOT"}

// checkClusterProviders holds the rules of PutClusterCapacityProviders. Providers
// of an account's own do not exist here, and AWS says so of unknown ones.
func checkClusterProviders(providers []string, strategy []ecsshape.CapacityProviderStrategyItem) error {
	for _, p := range providers {
		if !slices.Contains(fargateProviders, p) {
			return ErrInvalidParameter("The specified capacity provider %s was not found.", p)
		}
	}
	bases := 0
	for _, item := range strategy {
		if !slices.Contains(providers, given(item.CapacityProvider)) {
			return ErrInvalidParameter("The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster, and try again.")
		}
		if given(item.Base) > 0 {
			bases++
		}
	}
	if bases > 1 {
		return ErrInvalidParameter("The specified capacity provider strategy contains multiple capacity providers with a base value defined.")
	}
	return nil
}
