package secretsmanagerapi

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/page"
	"github.com/slipway/slipway/internal/service/secretsmanager"
	shapes "github.com/slipway/slipway/internal/service/secretsmanager/secretsmanagershape"
	"github.com/slipway/slipway/internal/wire"
)

func (a *api) putSecretValue(ctx context.Context, call *wire.Call, in *shapes.PutSecretValueInput) (*shapes.PutSecretValueOutput, error) {
	v, err := value(in.SecretString, in.SecretBinary)
	if err != nil {
		return nil, err
	}
	secret, version, err := a.room.Put(ctx, scope(call), *in.SecretId, v, deref(in.ClientRequestToken), in.VersionStages)
	if err != nil {
		return nil, visible(err)
	}
	return &shapes.PutSecretValueOutput{ARN: new(secret.ARN()), Name: &secret.Name, VersionId: &version.ID, VersionStages: version.Stages}, nil
}

func (a *api) getSecretValue(ctx context.Context, call *wire.Call, in *shapes.GetSecretValueInput) (*shapes.GetSecretValueOutput, error) {
	got, err := a.room.Get(ctx, scope(call), *in.SecretId, deref(in.VersionId), deref(in.VersionStage))
	if err != nil {
		return nil, visible(err)
	}
	return &shapes.GetSecretValueOutput{
		ARN: new(got.Secret.ARN()), Name: &got.Secret.Name, CreatedDate: when(got.Version.CreatedAt),
		VersionId: &got.Version.ID, VersionStages: got.Version.Stages, SecretString: got.Value.Text, SecretBinary: got.Value.Binary,
	}, nil
}

// batchSize is how many secrets one BatchGetSecretValue answers with at most.
const batchSize = 20

func (a *api) batchGetSecretValue(ctx context.Context, call *wire.Call, in *shapes.BatchGetSecretValueInput) (*shapes.BatchGetSecretValueOutput, error) {
	if (len(in.SecretIdList) > 0) == (len(in.Filters) > 0) {
		return nil, invalidParameter("You must include either Filters or SecretIdList, but not both.")
	}
	out := &shapes.BatchGetSecretValueOutput{Errors: []shapes.APIErrorType{}, SecretValues: []shapes.SecretValueEntry{}}
	ids := in.SecretIdList
	if len(in.Filters) > 0 {
		match, err := filter(in.Filters)
		if err != nil {
			return nil, err
		}
		all := slices.DeleteFunc(a.room.All(scope(call)), func(s *secretsmanager.Secret) bool { return s.Deleted() || !match(s) })
		list, next, err := cut(call, all, in.NextToken, in.MaxResults, batchSize)
		if err != nil {
			return nil, err
		}
		out.NextToken = next
		for _, s := range list {
			ids = append(ids, s.Name)
		}
	}
	for _, id := range ids {
		got, err := a.room.Get(ctx, scope(call), id, "", "")
		if e, refused := errors.AsType[*apierr.Error](visible(err)); refused {
			out.Errors = append(out.Errors, shapes.APIErrorType{ErrorCode: &e.Code, Message: &e.Message, SecretId: &id})
			continue
		}
		if err != nil {
			return nil, err
		}
		out.SecretValues = append(out.SecretValues, shapes.SecretValueEntry{
			ARN: new(got.Secret.ARN()), Name: &got.Secret.Name, CreatedDate: when(got.Version.CreatedAt),
			VersionId: &got.Version.ID, VersionStages: got.Version.Stages, SecretString: got.Value.Text, SecretBinary: got.Value.Binary,
		})
	}
	return out, nil
}

func (a *api) listSecretVersionIDs(_ context.Context, call *wire.Call, in *shapes.ListSecretVersionIdsInput) (*shapes.ListSecretVersionIdsOutput, error) {
	secret, err := a.room.Find(scope(call), *in.SecretId)
	if err != nil {
		return nil, visible(err)
	}
	all := slices.DeleteFunc(slices.Clone(secret.Versions), func(v secretsmanager.Version) bool {
		return len(v.Stages) == 0 && !deref(in.IncludeDeprecated)
	})
	slices.SortFunc(all, func(x, y secretsmanager.Version) int { return compare(x.ID, y.ID) })
	scope := page.Scope(call.Operation, call.Account, call.Region, secret.ARN())
	list, next, err := page.Cut(all, func(v secretsmanager.Version) string { return v.ID }, scope, deref(in.NextToken), size(in.MaxResults, listSize))
	if err != nil {
		return nil, errToken()
	}
	out := &shapes.ListSecretVersionIdsOutput{ARN: new(secret.ARN()), Name: &secret.Name, NextToken: given(next), Versions: []shapes.SecretVersionsListEntry{}}
	for _, v := range list {
		out.Versions = append(out.Versions, shapes.SecretVersionsListEntry{VersionId: &v.ID, VersionStages: v.Stages, CreatedDate: when(v.CreatedAt)})
	}
	return out, nil
}

func (a *api) updateSecretVersionStage(ctx context.Context, call *wire.Call, in *shapes.UpdateSecretVersionStageInput) (*shapes.UpdateSecretVersionStageOutput, error) {
	secret, err := a.room.MoveStage(ctx, scope(call), *in.SecretId, *in.VersionStage, deref(in.RemoveFromVersionId), deref(in.MoveToVersionId))
	if err != nil {
		return nil, visible(err)
	}
	return &shapes.UpdateSecretVersionStageOutput{ARN: new(secret.ARN()), Name: &secret.Name}, nil
}

// defaultLength is how long a generated password is unless the request says otherwise.
const defaultLength = 32

func (a *api) getRandomPassword(_ context.Context, _ *wire.Call, in *shapes.GetRandomPasswordInput) (*shapes.GetRandomPasswordOutput, error) {
	rules := secretsmanager.PasswordRules{
		Length:           defaultLength,
		ExcludeLowercase: deref(in.ExcludeLowercase), ExcludeUppercase: deref(in.ExcludeUppercase),
		ExcludeNumbers: deref(in.ExcludeNumbers), ExcludePunctuation: deref(in.ExcludePunctuation),
		IncludeSpace: deref(in.IncludeSpace), Exclude: deref(in.ExcludeCharacters),
		Each: in.RequireEachIncludedType == nil || *in.RequireEachIncludedType,
	}
	if in.PasswordLength != nil {
		rules.Length = int(*in.PasswordLength)
	}
	password, err := secretsmanager.RandomPassword(rules)
	if err != nil {
		return nil, visible(err)
	}
	return &shapes.GetRandomPasswordOutput{RandomPassword: &password}, nil
}

func isObject(text string) bool {
	var object map[string]json.RawMessage
	return json.Unmarshal([]byte(text), &object) == nil
}
