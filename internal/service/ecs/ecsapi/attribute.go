package ecsapi

import (
	"context"

	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/wire"
)

// registerAttributes binds the operations on attributes.
func registerAttributes(m *wire.Mux, room *ecs.Room) {
	h := instanceHandlers{room}
	wire.Handle(m, ecsshape.PutAttributes, h.putAttributes)
	wire.Handle(m, ecsshape.DeleteAttributes, h.deleteAttributes)
	wire.Handle(m, ecsshape.ListAttributes, h.listAttributes)
}

func (h instanceHandlers) putAttributes(ctx context.Context, call *wire.Call, in *ecsshape.PutAttributesInput) (*ecsshape.PutAttributesOutput, error) {
	list, err := h.room.PutAttributes(ctx, scopeOf(call), value(in.Cluster), targetsOf(in.Attributes))
	if err != nil {
		return nil, err
	}
	return &ecsshape.PutAttributesOutput{Attributes: targetShapes(list)}, nil
}

func (h instanceHandlers) deleteAttributes(ctx context.Context, call *wire.Call, in *ecsshape.DeleteAttributesInput) (*ecsshape.DeleteAttributesOutput, error) {
	list, err := h.room.DeleteAttributes(ctx, scopeOf(call), value(in.Cluster), targetsOf(in.Attributes))
	if err != nil {
		return nil, err
	}
	return &ecsshape.DeleteAttributesOutput{Attributes: targetShapes(list)}, nil
}

func (h instanceHandlers) listAttributes(_ context.Context, call *wire.Call, in *ecsshape.ListAttributesInput) (*ecsshape.ListAttributesOutput, error) {
	list, next, err := h.room.ListAttributes(scopeOf(call), ecs.ListAttributesRequest{
		Cluster: value(in.Cluster), Name: value(in.AttributeName), Value: value(in.AttributeValue),
		MaxResults: in.MaxResults, NextToken: value(in.NextToken),
	})
	if err != nil {
		return nil, err
	}
	return &ecsshape.ListAttributesOutput{Attributes: targetShapes(list), NextToken: textOrAbsent(next)}, nil
}

func targetsOf(shapes []ecsshape.Attribute) []ecs.TargetAttribute {
	out := make([]ecs.TargetAttribute, len(shapes))
	for i := range shapes {
		out[i] = ecs.TargetAttribute{Target: value(shapes[i].TargetId), Name: value(shapes[i].Name), Value: value(shapes[i].Value)}
	}
	return out
}

func targetShapes(list []ecs.TargetAttribute) []ecsshape.Attribute {
	out := make([]ecsshape.Attribute, len(list))
	for i := range list {
		a := &list[i]
		out[i] = ecsshape.Attribute{Name: &a.Name, Value: textOrAbsent(a.Value), TargetId: &a.Target}
	}
	return out
}
