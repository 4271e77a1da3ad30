package ssmapi

import (
	"context"
	"errors"
	"strings"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/ssm"
	"github.com/slipway/slipway/internal/service/ssm/ssmshape"
	"github.com/slipway/slipway/internal/tag"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/shape"
)

func withoutSelector(ref string) string {
	name, _, _ := strings.Cut(ref, ":")
	return name
}

func (a *api) putParameter(ctx context.Context, call *wire.Call, in *ssmshape.PutParameterInput) (*ssmshape.PutParameterOutput, error) {
	overwrite := deref(in.Overwrite)
	switch {
	case overwrite && len(in.Tags) > 0:
		return nil, apierr.Client("ValidationException", "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.")
	case deref(in.Policies) != "":
		return nil, apierr.Client("InvalidPolicyTypeException", "This Slipway does not serve parameter policies.")
	case in.KeyId != nil && deref(in.Type) != ssm.SecureString:
		return nil, apierr.Client("ValidationException", "KeyId is required for SecureString type parameter only.")
	}
	tags, err := checked(nil, in.Tags)
	if err != nil {
		return nil, visible(err)
	}
	v, err := a.room.Put(ctx, ssm.Version{
		Scope: scope(call), Name: *in.Name, Type: deref(in.Type), Value: *in.Value, KeyID: deref(in.KeyId),
		Description: deref(in.Description), AllowedPattern: deref(in.AllowedPattern), DataType: deref(in.DataType),
		Tier: deref(in.Tier), ModifiedBy: call.Principal.ARN,
	}, overwrite, tags)
	if err != nil {
		return nil, visible(err)
	}
	return &ssmshape.PutParameterOutput{Version: &v.Number, Tier: &v.Tier}, nil
}

func parameter(got ssm.Got) *ssmshape.Parameter {
	v := got.Version
	return &ssmshape.Parameter{
		ARN: new(got.Parameter.ARN()), Name: &v.Name, Type: &v.Type, Value: &got.Value, Version: &v.Number, DataType: &v.DataType,
		LastModifiedDate: new(shape.Time{Time: v.ModifiedAt}), Selector: given(got.Selector),
	}
}

func (a *api) getParameter(_ context.Context, call *wire.Call, in *ssmshape.GetParameterInput) (*ssmshape.GetParameterOutput, error) {
	got, err := a.room.Get(scope(call), *in.Name, deref(in.WithDecryption))
	if err != nil {
		return nil, visible(err)
	}
	return &ssmshape.GetParameterOutput{Parameter: parameter(got)}, nil
}

func (a *api) getParameters(_ context.Context, call *wire.Call, in *ssmshape.GetParametersInput) (*ssmshape.GetParametersOutput, error) {
	out := &ssmshape.GetParametersOutput{Parameters: []ssmshape.Parameter{}, InvalidParameters: []string{}}
	seen := map[string]bool{}
	for _, name := range in.Names {
		if seen[name] {
			return nil, apierr.Client("ValidationException", "Duplicate parameters names exist: %s", name)
		}
		seen[name] = true
		got, err := a.room.Get(scope(call), name, deref(in.WithDecryption))
		if _, unknown := errors.AsType[*ssm.Error](err); unknown {
			out.InvalidParameters = append(out.InvalidParameters, name)
			continue
		}
		if err != nil {
			return nil, err
		}
		out.Parameters = append(out.Parameters, *parameter(got))
	}
	return out, nil
}

func (a *api) deleteParameter(ctx context.Context, call *wire.Call, in *ssmshape.DeleteParameterInput) (*ssmshape.DeleteParameterOutput, error) {
	return nil, visible(a.room.Delete(ctx, scope(call), *in.Name))
}

func (a *api) deleteParameters(ctx context.Context, call *wire.Call, in *ssmshape.DeleteParametersInput) (*ssmshape.DeleteParametersOutput, error) {
	out := &ssmshape.DeleteParametersOutput{DeletedParameters: []string{}, InvalidParameters: []string{}}
	for _, name := range in.Names {
		err := a.room.Delete(ctx, scope(call), name)
		switch _, unknown := errors.AsType[*ssm.Error](err); {
		case err == nil:
			out.DeletedParameters = append(out.DeletedParameters, name)
		case unknown:
			out.InvalidParameters = append(out.InvalidParameters, name)
		default:
			return nil, err
		}
	}
	return out, nil
}

func (a *api) labelParameterVersion(ctx context.Context, call *wire.Call, in *ssmshape.LabelParameterVersionInput) (*ssmshape.LabelParameterVersionOutput, error) {
	version, invalid, err := a.room.Label(ctx, scope(call), *in.Name, deref(in.ParameterVersion), in.Labels)
	if err != nil {
		return nil, visible(err)
	}
	return &ssmshape.LabelParameterVersionOutput{ParameterVersion: &version, InvalidLabels: invalid}, nil
}

func (a *api) unlabelParameterVersion(ctx context.Context, call *wire.Call, in *ssmshape.UnlabelParameterVersionInput) (*ssmshape.UnlabelParameterVersionOutput, error) {
	removed, invalid, err := a.room.Unlabel(ctx, scope(call), *in.Name, *in.ParameterVersion, in.Labels)
	if err != nil {
		return nil, visible(err)
	}
	return &ssmshape.UnlabelParameterVersionOutput{RemovedLabels: removed, InvalidLabels: invalid}, nil
}

// taggable is the one type of resource here that has tags.
func taggable(kind, id *string) error {
	if *kind != "Parameter" {
		return apierr.Client("InvalidResourceType", "The resource type %s is not served: only parameters are.", *kind)
	}
	if *id == "" {
		return errNoResource
	}
	return nil
}

var errNoResource = apierr.Client("InvalidResourceId", "The resource ID is not valid. Verify that you entered the correct ID and try again.")

// tagged answers for a resource that is not there as all tag operations do.
func tagged(err error) error {
	if e, ok := errors.AsType[*ssm.Error](err); ok && e.Code == "ParameterNotFound" {
		return errNoResource
	}
	return visible(err)
}

func (a *api) addTags(ctx context.Context, call *wire.Call, in *ssmshape.AddTagsToResourceInput) (*ssmshape.AddTagsToResourceOutput, error) {
	if err := taggable(in.ResourceType, in.ResourceId); err != nil {
		return nil, err
	}
	return nil, tagged(a.room.ChangeTags(ctx, scope(call), *in.ResourceId, func(tags []tag.Tag) ([]tag.Tag, error) {
		return checked(tags, in.Tags)
	}))
}

func (a *api) removeTags(ctx context.Context, call *wire.Call, in *ssmshape.RemoveTagsFromResourceInput) (*ssmshape.RemoveTagsFromResourceOutput, error) {
	if err := taggable(in.ResourceType, in.ResourceId); err != nil {
		return nil, err
	}
	return nil, tagged(a.room.ChangeTags(ctx, scope(call), *in.ResourceId, func(tags []tag.Tag) ([]tag.Tag, error) {
		return tag.Remove(tags, in.TagKeys), nil
	}))
}

func (a *api) listTags(_ context.Context, call *wire.Call, in *ssmshape.ListTagsForResourceInput) (*ssmshape.ListTagsForResourceOutput, error) {
	if err := taggable(in.ResourceType, in.ResourceId); err != nil {
		return nil, err
	}
	p, err := a.room.Find(scope(call), *in.ResourceId)
	if err != nil {
		return nil, tagged(err)
	}
	out := &ssmshape.ListTagsForResourceOutput{TagList: []ssmshape.Tag{}}
	for _, t := range p.Tags {
		out.TagList = append(out.TagList, ssmshape.Tag{Key: &t.Key, Value: &t.Value})
	}
	return out, nil
}

// checked are the tags that a resource has with those added.
func checked(existing []tag.Tag, added []ssmshape.Tag) ([]tag.Tag, error) {
	tags := make([]tag.Tag, 0, len(added))
	for _, t := range added {
		tags = append(tags, tag.Tag{Key: deref(t.Key), Value: deref(t.Value)})
	}
	if err := tag.Check(existing, tags); err != nil {
		return nil, err
	}
	return tag.Merge(existing, tags), nil
}
