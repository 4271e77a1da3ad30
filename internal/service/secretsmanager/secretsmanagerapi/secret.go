package secretsmanagerapi

import (
	"context"
	"regexp"
	"time"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/secretsmanager"
	shapes "github.com/slipway/slipway/internal/service/secretsmanager/secretsmanagershape"
	"github.com/slipway/slipway/internal/tag"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/shape"
)

// validName is what the name of a secret is made of (CreateSecret in the API reference).
var validName = regexp.MustCompile(`^[A-Za-z0-9/_+=.@!-]+$`)

func (a *api) createSecret(ctx context.Context, call *wire.Call, in *shapes.CreateSecretInput) (*shapes.CreateSecretOutput, error) {
	if !validName.MatchString(*in.Name) {
		return nil, apierr.Client("ValidationException", "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	}
	if len(in.AddReplicaRegions) > 0 {
		return nil, invalidParameter("This Slipway does not replicate secrets to other regions.")
	}
	v, err := value(in.SecretString, in.SecretBinary)
	if err != nil {
		return nil, err
	}
	tags, err := checked(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	secret, version, err := a.room.Create(ctx, secretsmanager.Secret{
		Scope: scope(call), Name: *in.Name, Description: deref(in.Description),
		KMSKey: deref(in.KmsKeyId), Type: deref(in.Type), Tags: tags,
	}, v, deref(in.ClientRequestToken))
	if err != nil {
		return nil, visible(err)
	}
	return &shapes.CreateSecretOutput{ARN: new(secret.ARN()), Name: &secret.Name, VersionId: given(version)}, nil
}

// value is what a request brings: text or bytes, not both.
func value(text *string, binary []byte) (secretsmanager.Value, error) {
	if text != nil && binary != nil {
		return secretsmanager.Value{}, invalidParameter("You can't specify both a binary secret value and a string secret value in the same secret.")
	}
	return secretsmanager.Value{Text: text, Binary: binary}, nil
}

func (a *api) updateSecret(ctx context.Context, call *wire.Call, in *shapes.UpdateSecretInput) (*shapes.UpdateSecretOutput, error) {
	v, err := value(in.SecretString, in.SecretBinary)
	if err != nil {
		return nil, err
	}
	edit := func(s *secretsmanager.Secret) {
		set(&s.Description, in.Description)
		set(&s.KMSKey, in.KmsKeyId)
		set(&s.Type, in.Type)
	}
	secret, version, err := a.room.Update(ctx, scope(call), *in.SecretId, edit, v, deref(in.ClientRequestToken))
	if err != nil {
		return nil, visible(err)
	}
	return &shapes.UpdateSecretOutput{ARN: new(secret.ARN()), Name: &secret.Name, VersionId: given(version)}, nil
}

func set(to, from *string) {
	if from != nil {
		*to = *from
	}
}

func (a *api) describeSecret(_ context.Context, call *wire.Call, in *shapes.DescribeSecretInput) (*shapes.DescribeSecretOutput, error) {
	secret, err := a.room.Find(scope(call), *in.SecretId)
	if err != nil {
		return nil, visible(err)
	}
	return &shapes.DescribeSecretOutput{
		ARN: new(secret.ARN()), Name: &secret.Name, Description: given(secret.Description), KmsKeyId: given(secret.KMSKey), Type: given(secret.Type),
		CreatedDate: when(secret.CreatedAt), LastChangedDate: when(secret.ChangedAt), LastAccessedDate: when(secret.AccessedAt),
		DeletedDate: when(secret.PurgeAt), Tags: shown(secret.Tags), VersionIdsToStages: stages(secret),
	}, nil
}

func when(t time.Time) *shape.Time {
	if t.IsZero() {
		return nil
	}
	return new(shape.Time{Time: t})
}

// stages are the versions that have any.
func stages(secret *secretsmanager.Secret) map[string][]string {
	var all map[string][]string
	for _, v := range secret.Versions {
		if len(v.Stages) == 0 {
			continue
		}
		if all == nil {
			all = map[string][]string{}
		}
		all[v.ID] = v.Stages
	}
	return all
}

func (a *api) deleteSecret(ctx context.Context, call *wire.Call, in *shapes.DeleteSecretInput) (*shapes.DeleteSecretOutput, error) {
	days := secretsmanager.DefaultWindow
	switch {
	case deref(in.ForceDeleteWithoutRecovery) && in.RecoveryWindowInDays != nil:
		return nil, invalidParameter("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
	case deref(in.ForceDeleteWithoutRecovery):
		days = 0
	case in.RecoveryWindowInDays != nil && (*in.RecoveryWindowInDays < 7 || *in.RecoveryWindowInDays > 30):
		return nil, invalidParameter("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
	case in.RecoveryWindowInDays != nil:
		days = int(*in.RecoveryWindowInDays)
	}
	secret, err := a.room.Delete(ctx, scope(call), *in.SecretId, days)
	if err != nil {
		return nil, visible(err)
	}
	return &shapes.DeleteSecretOutput{ARN: new(secret.ARN()), Name: &secret.Name, DeletionDate: when(secret.PurgeAt)}, nil
}

func (a *api) restoreSecret(ctx context.Context, call *wire.Call, in *shapes.RestoreSecretInput) (*shapes.RestoreSecretOutput, error) {
	secret, err := a.room.Restore(ctx, scope(call), *in.SecretId)
	if err != nil {
		return nil, visible(err)
	}
	return &shapes.RestoreSecretOutput{ARN: new(secret.ARN()), Name: &secret.Name}, nil
}

func (a *api) putResourcePolicy(ctx context.Context, call *wire.Call, in *shapes.PutResourcePolicyInput) (*shapes.PutResourcePolicyOutput, error) {
	secret, err := a.setPolicy(ctx, call, *in.SecretId, *in.ResourcePolicy)
	if err != nil {
		return nil, err
	}
	return &shapes.PutResourcePolicyOutput{ARN: new(secret.ARN()), Name: &secret.Name}, nil
}

func (a *api) deleteResourcePolicy(ctx context.Context, call *wire.Call, in *shapes.DeleteResourcePolicyInput) (*shapes.DeleteResourcePolicyOutput, error) {
	secret, err := a.setPolicy(ctx, call, *in.SecretId, "")
	if err != nil {
		return nil, err
	}
	return &shapes.DeleteResourcePolicyOutput{ARN: new(secret.ARN()), Name: &secret.Name}, nil
}

func (a *api) setPolicy(ctx context.Context, call *wire.Call, id, policy string) (*secretsmanager.Secret, error) {
	if policy != "" && !isObject(policy) {
		return nil, apierr.Client("MalformedPolicyDocumentException", "This resource policy contains invalid Json.")
	}
	secret, err := a.room.Edit(ctx, scope(call), id, func(s *secretsmanager.Secret) error {
		s.Policy = policy
		return nil
	})
	return secret, visible(err)
}

func (a *api) getResourcePolicy(_ context.Context, call *wire.Call, in *shapes.GetResourcePolicyInput) (*shapes.GetResourcePolicyOutput, error) {
	secret, err := a.room.Find(scope(call), *in.SecretId)
	if err != nil {
		return nil, visible(err)
	}
	return &shapes.GetResourcePolicyOutput{ARN: new(secret.ARN()), Name: &secret.Name, ResourcePolicy: given(secret.Policy)}, nil
}

func (a *api) tagResource(ctx context.Context, call *wire.Call, in *shapes.TagResourceInput) (*shapes.TagResourceOutput, error) {
	_, err := a.room.Edit(ctx, scope(call), *in.SecretId, func(s *secretsmanager.Secret) (err error) {
		s.Tags, err = checked(s.Tags, in.Tags)
		return err
	})
	return nil, visible(err)
}

func (a *api) untagResource(ctx context.Context, call *wire.Call, in *shapes.UntagResourceInput) (*shapes.UntagResourceOutput, error) {
	_, err := a.room.Edit(ctx, scope(call), *in.SecretId, func(s *secretsmanager.Secret) error {
		s.Tags = tag.Remove(s.Tags, in.TagKeys)
		return nil
	})
	return nil, visible(err)
}

// checked are the tags that a resource has with those added.
func checked(existing []tag.Tag, added []shapes.Tag) ([]tag.Tag, error) {
	tags := make([]tag.Tag, 0, len(added))
	for _, t := range added {
		tags = append(tags, tag.Tag{Key: deref(t.Key), Value: deref(t.Value)})
	}
	if err := tag.Check(existing, tags); err != nil {
		return nil, visible(err)
	}
	return tag.Merge(existing, tags), nil
}

func shown(tags []tag.Tag) []shapes.Tag {
	var all []shapes.Tag
	for _, t := range tags {
		all = append(all, shapes.Tag{Key: &t.Key, Value: &t.Value})
	}
	return all
}
