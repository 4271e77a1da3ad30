package logsapi

import (
	"context"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/logs"
	"github.com/slipway/slipway/internal/service/logs/logsshape"
	"github.com/slipway/slipway/internal/tag"
	"github.com/slipway/slipway/internal/wire"
)

func (a *api) tagResource(ctx context.Context, call *wire.Call, in *logsshape.TagResourceInput) (*logsshape.TagResourceOutput, error) {
	name, err := groupInARN(call, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return nil, a.addTags(ctx, call, name, in.Tags, func() error {
		return apierr.Client(logsshape.CodeTooManyTagsException, "A resource can have no more than %d tags.", tag.MaxPerResource).
			With("resourceName", *in.ResourceArn)
	})
}

func (a *api) tagLogGroup(ctx context.Context, call *wire.Call, in *logsshape.TagLogGroupInput) (*logsshape.TagLogGroupOutput, error) {
	return nil, a.addTags(ctx, call, *in.LogGroupName, in.Tags, func() error {
		return invalid("A resource can have no more than %d tags.", tag.MaxPerResource)
	})
}

// addTags adds tags to a group; tooMany words the refusal of too many.
func (a *api) addTags(ctx context.Context, call *wire.Call, name string, tags map[string]string, tooMany func() error) error {
	added := logs.TagList(tags)
	return visible(a.room.ChangeGroup(ctx, scope(call), name, func(g *logs.Group) error {
		merged := tag.Merge(g.Tags, added)
		if len(merged) > tag.MaxPerResource {
			return tooMany()
		}
		if err := tag.Check(g.Tags, added); err != nil {
			return err
		}
		g.Tags = merged
		return nil
	}))
}

func (a *api) untagResource(ctx context.Context, call *wire.Call, in *logsshape.UntagResourceInput) (*logsshape.UntagResourceOutput, error) {
	name, err := groupInARN(call, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return nil, a.removeTags(ctx, call, name, in.TagKeys)
}

func (a *api) untagLogGroup(ctx context.Context, call *wire.Call, in *logsshape.UntagLogGroupInput) (*logsshape.UntagLogGroupOutput, error) {
	return nil, a.removeTags(ctx, call, *in.LogGroupName, in.Tags)
}

func (a *api) removeTags(ctx context.Context, call *wire.Call, name string, keys []string) error {
	return visible(a.room.ChangeGroup(ctx, scope(call), name, func(g *logs.Group) error {
		g.Tags = tag.Remove(g.Tags, keys)
		return nil
	}))
}

func (a *api) listTagsForResource(_ context.Context, call *wire.Call, in *logsshape.ListTagsForResourceInput) (*logsshape.ListTagsForResourceOutput, error) {
	name, err := groupInARN(call, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	g, err := a.room.Group(scope(call), name)
	if err != nil {
		return nil, visible(err)
	}
	return &logsshape.ListTagsForResourceOutput{Tags: logs.TagMap(g.Tags)}, nil
}

func (a *api) listTagsLogGroup(_ context.Context, call *wire.Call, in *logsshape.ListTagsLogGroupInput) (*logsshape.ListTagsLogGroupOutput, error) {
	g, err := a.room.Group(scope(call), *in.LogGroupName)
	if err != nil {
		return nil, visible(err)
	}
	return &logsshape.ListTagsLogGroupOutput{Tags: logs.TagMap(g.Tags)}, nil
}
