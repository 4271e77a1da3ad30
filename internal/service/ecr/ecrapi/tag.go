package ecrapi

import (
	"context"

	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/service/ecr"
	"github.com/slipway/slipway/internal/service/ecr/ecrshape"
	"github.com/slipway/slipway/internal/tag"
	"github.com/slipway/slipway/internal/wire"
)

func (a *api) tagResource(ctx context.Context, call *wire.Call, in *ecrshape.TagResourceInput) (*ecrshape.TagResourceOutput, error) {
	s, name, err := resource(call, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	_, err = a.room.ChangeRepository(ctx, s, name, func(r *ecr.Repository) (err error) {
		r.Tags, err = checkedTags(r.Tags, in.Tags)
		return err
	})
	return nil, visible(err)
}

func (a *api) untagResource(ctx context.Context, call *wire.Call, in *ecrshape.UntagResourceInput) (*ecrshape.UntagResourceOutput, error) {
	s, name, err := resource(call, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	_, err = a.room.ChangeRepository(ctx, s, name, func(r *ecr.Repository) error {
		r.Tags = tag.Remove(r.Tags, in.TagKeys)
		return nil
	})
	return nil, visible(err)
}

func (a *api) listTagsForResource(_ context.Context, call *wire.Call, in *ecrshape.ListTagsForResourceInput) (*ecrshape.ListTagsForResourceOutput, error) {
	s, name, err := resource(call, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	repo, err := a.room.Repository(s, name)
	if err != nil {
		return nil, visible(err)
	}
	out := &ecrshape.ListTagsForResourceOutput{Tags: []ecrshape.Tag{}}
	for _, t := range repo.Tags {
		out.Tags = append(out.Tags, ecrshape.Tag{Key: &t.Key, Value: &t.Value})
	}
	return out, nil
}

// resource takes a repository's ARN apart.
func resource(call *wire.Call, name string) (ecr.Scope, string, error) {
	parsed, err := arn.Parse(name)
	kind, repository := parsed.Type()
	if err != nil || parsed.Service != "ecr" || kind != "repository" || parsed.Region != call.Region {
		return ecr.Scope{}, "", invalid("resourceArn", "Invalid ARN")
	}
	s, err := registry(call, &parsed.Account, repository)
	return s, repository, err
}
