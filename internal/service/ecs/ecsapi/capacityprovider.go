package ecsapi

import (
	"context"

	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/wire"
)

// providerHandlers serve what there is of the Capacity providers group.
type providerHandlers struct{ room *ecs.Room }

// registerProviders binds it.
func registerProviders(m *wire.Mux, room *ecs.Room) {
	h := providerHandlers{room}
	wire.Handle(m, ecsshape.DescribeCapacityProviders, h.describe)
}

func (h providerHandlers) describe(_ context.Context, call *wire.Call, in *ecsshape.DescribeCapacityProvidersInput) (*ecsshape.DescribeCapacityProvidersOutput, error) {
	s := scopeOf(call)
	names, missing, next, err := h.room.DescribeProviders(s, ecs.DescribeProvidersRequest{
		Names: in.CapacityProviders, Cluster: value(in.Cluster), MaxResults: in.MaxResults, NextToken: value(in.NextToken),
	})
	if err != nil {
		return nil, err
	}
	out := &ecsshape.DescribeCapacityProvidersOutput{
		CapacityProviders: []ecsshape.CapacityProvider{}, Failures: missingShapes(missing), NextToken: textOrAbsent(next),
	}
	for _, name := range names {
		out.CapacityProviders = append(out.CapacityProviders, ecsshape.CapacityProvider{
			CapacityProviderArn: new(s.ARN("capacity-provider/" + name)),
			Name:                &name,
			Status:              new(ecsshape.CapacityProviderStatusActive),
			Type:                &name, // the two are types of their own
			Tags:                []ecsshape.Tag{},
		})
	}
	return out, nil
}
