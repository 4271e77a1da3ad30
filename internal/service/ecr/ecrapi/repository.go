package ecrapi

import (
	"context"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/page"
	"github.com/slipway/slipway/internal/service/ecr"
	"github.com/slipway/slipway/internal/service/ecr/ecrshape"
	"github.com/slipway/slipway/internal/tag"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/shape"
)

func (a *api) createRepository(ctx context.Context, call *wire.Call, in *ecrshape.CreateRepositoryInput) (*ecrshape.CreateRepositoryOutput, error) {
	s, err := registry(call, in.RegistryId, *in.RepositoryName)
	if err != nil {
		return nil, err
	}
	if e := in.EncryptionConfiguration; e != nil && *e.EncryptionType != ecrshape.EncryptionTypeAes256 {
		return nil, apierr.Client("KmsException", "Encryption type %s needs AWS KMS, which this registry does not have", *e.EncryptionType)
	}
	mutability, err := mutabilityOf(in.ImageTagMutability, in.ImageTagMutabilityExclusionFilters)
	if err != nil {
		return nil, err
	}
	tags, err := checkedTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	want := ecr.Repository{Name: *in.RepositoryName, Mutability: mutability, Tags: tags}
	if in.ImageScanningConfiguration != nil {
		want.ScanOnPush = deref(in.ImageScanningConfiguration.ScanOnPush)
	}
	made, err := a.room.CreateRepository(ctx, s, want)
	if err != nil {
		return nil, visible(err)
	}
	return &ecrshape.CreateRepositoryOutput{Repository: new(a.repositoryShape(made))}, nil
}

func (a *api) describeRepositories(_ context.Context, call *wire.Call, in *ecrshape.DescribeRepositoriesInput) (*ecrshape.DescribeRepositoriesOutput, error) {
	s, err := registry(call, in.RegistryId, "*")
	if err != nil {
		return nil, err
	}
	out := &ecrshape.DescribeRepositoriesOutput{Repositories: []ecrshape.Repository{}}
	if len(in.RepositoryNames) > 0 {
		return out, a.describeNamed(s, in, out)
	}
	token := page.Scope("DescribeRepositories", s.Account, s.Region)
	after, err := page.Decode(token, deref(in.NextToken))
	if err != nil {
		return nil, errToken()
	}
	list, more := a.room.Repositories(s, after, limit(in.MaxResults))
	for _, repo := range list {
		out.Repositories = append(out.Repositories, a.repositoryShape(repo))
	}
	if more {
		out.NextToken = new(page.Encode(token, list[len(list)-1].Name))
	}
	return out, nil
}

func (a *api) describeNamed(s ecr.Scope, in *ecrshape.DescribeRepositoriesInput, out *ecrshape.DescribeRepositoriesOutput) error {
	if in.NextToken != nil || in.MaxResults != nil {
		return apierr.Client("InvalidParameterException", "maxResults and nextToken cannot be used with repositoryNames")
	}
	for _, name := range in.RepositoryNames {
		repo, err := a.room.Repository(s, name)
		if err != nil {
			return visible(err)
		}
		out.Repositories = append(out.Repositories, a.repositoryShape(repo))
	}
	return nil
}

func (a *api) deleteRepository(ctx context.Context, call *wire.Call, in *ecrshape.DeleteRepositoryInput) (*ecrshape.DeleteRepositoryOutput, error) {
	s, err := registry(call, in.RegistryId, *in.RepositoryName)
	if err != nil {
		return nil, err
	}
	gone, err := a.room.DeleteRepository(ctx, s, *in.RepositoryName, deref(in.Force))
	if err != nil {
		return nil, visible(err)
	}
	return &ecrshape.DeleteRepositoryOutput{Repository: new(a.repositoryShape(gone))}, nil
}

func (a *api) putImageTagMutability(ctx context.Context, call *wire.Call, in *ecrshape.PutImageTagMutabilityInput) (*ecrshape.PutImageTagMutabilityOutput, error) {
	s, err := registry(call, in.RegistryId, *in.RepositoryName)
	if err != nil {
		return nil, err
	}
	mutability, err := mutabilityOf(in.ImageTagMutability, in.ImageTagMutabilityExclusionFilters)
	if err != nil {
		return nil, err
	}
	repo, err := a.room.ChangeRepository(ctx, s, *in.RepositoryName, func(r *ecr.Repository) error {
		r.Mutability = mutability
		return nil
	})
	if err != nil {
		return nil, visible(err)
	}
	return &ecrshape.PutImageTagMutabilityOutput{
		RegistryId: &repo.Account, RepositoryName: &repo.Name, ImageTagMutability: &repo.Mutability.Mode,
		ImageTagMutabilityExclusionFilters: filterShapes(repo.Mutability),
	}, nil
}

// mutabilityOf reads the mode and its filters. Filters go with the modes that
// have an exclusion, and with no other.
func mutabilityOf(mode *string, filters []ecrshape.ImageTagMutabilityExclusionFilter) (ecr.Mutability, error) {
	m := ecr.Mutability{Mode: ecr.Mutable}
	if mode != nil {
		m.Mode = *mode
	}
	for _, f := range filters {
		m.Exclude = append(m.Exclude, *f.Filter)
	}
	excludes := m.Mode == ecr.MutableWithExclusion || m.Mode == ecr.ImmutableWithExclusion
	switch {
	case excludes && m.Exclude == nil:
		return m, invalid("imageTagMutabilityExclusionFilters", "must be given with "+m.Mode)
	case !excludes && m.Exclude != nil:
		return m, invalid("imageTagMutabilityExclusionFilters", "must not be given with "+m.Mode)
	}
	return m, nil
}

func (a *api) repositoryShape(r *ecr.Repository) ecrshape.Repository {
	return ecrshape.Repository{
		RepositoryName: &r.Name, RegistryId: &r.Account, RepositoryArn: new(r.ARN()), RepositoryUri: new(a.room.URI(r)),
		CreatedAt: shape.At(r.CreatedAt), ImageTagMutability: &r.Mutability.Mode,
		ImageTagMutabilityExclusionFilters: filterShapes(r.Mutability),
		ImageScanningConfiguration:         &ecrshape.ImageScanningConfiguration{ScanOnPush: &r.ScanOnPush},
		EncryptionConfiguration:            &ecrshape.EncryptionConfiguration{EncryptionType: new(ecrshape.EncryptionTypeAes256)},
	}
}

func filterShapes(m ecr.Mutability) []ecrshape.ImageTagMutabilityExclusionFilter {
	var out []ecrshape.ImageTagMutabilityExclusionFilter
	for _, f := range m.Exclude {
		out = append(out, ecrshape.ImageTagMutabilityExclusionFilter{
			Filter: &f, FilterType: new(ecrshape.ImageTagMutabilityExclusionFilterTypeWildcard),
		})
	}
	return out
}

// checkedTags reads tags that are added to those that are there.
func checkedTags(existing []tag.Tag, added []ecrshape.Tag) ([]tag.Tag, error) {
	tags := make([]tag.Tag, 0, len(added))
	for _, t := range added {
		tags = append(tags, tag.Tag{Key: *t.Key, Value: *t.Value})
	}
	merged := tag.Merge(existing, tags)
	if len(merged) > tag.MaxPerResource {
		return nil, apierr.Client("TooManyTagsException", "A repository can have up to %d tags", tag.MaxPerResource)
	}
	if err := tag.Check(existing, tags); err != nil {
		return nil, visible(err)
	}
	return merged, nil
}
