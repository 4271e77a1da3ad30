package ecsapi

import (
	"context"

	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/wire"
)

// tagHandlers serve the operations on tags.
type tagHandlers struct{ room *ecs.Room }

// registerTags binds them.
func registerTags(m *wire.Mux, room *ecs.Room) {
	h := tagHandlers{room}
	wire.Handle(m, ecsshape.TagResource, h.tag)
	wire.Handle(m, ecsshape.UntagResource, h.untag)
	wire.Handle(m, ecsshape.ListTagsForResource, h.list)
}

func (h tagHandlers) tag(ctx context.Context, call *wire.Call, in *ecsshape.TagResourceInput) (*ecsshape.TagResourceOutput, error) {
	return nil, h.room.TagResource(ctx, scopeOf(call), value(in.ResourceArn), tagsOf(in.Tags))
}

func (h tagHandlers) untag(ctx context.Context, call *wire.Call, in *ecsshape.UntagResourceInput) (*ecsshape.UntagResourceOutput, error) {
	return nil, h.room.UntagResource(ctx, scopeOf(call), value(in.ResourceArn), in.TagKeys)
}

func (h tagHandlers) list(_ context.Context, call *wire.Call, in *ecsshape.ListTagsForResourceInput) (*ecsshape.ListTagsForResourceOutput, error) {
	tags, err := h.room.ListTags(scopeOf(call), value(in.ResourceArn))
	if err != nil {
		return nil, err
	}
	return &ecsshape.ListTagsForResourceOutput{Tags: tagShapes(tags)}, nil
}
