package ecrapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/smithy-go"

	"github.com/slipway/slipway/internal/authz"
	"github.com/slipway/slipway/internal/service/ecr"
	"github.com/slipway/slipway/internal/service/ecr/ecrapi"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/service/iam/iamtest"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/wire"
)

// manifests stand for the registry's storage: bytes by digest.
type manifests map[string]string

func (m manifests) Manifest(_ context.Context, _ *ecr.Repository, digest string) ([]byte, error) {
	b, ok := m[digest]
	if !ok {
		return nil, errors.New("no bytes of " + digest)
	}
	return []byte(b), nil
}

func (manifests) RemoveRepository(context.Context, *ecr.Repository) error { return nil }

// endpoint is a server with the real wire and store, and its rooms.
type endpoint struct {
	url      string
	iam      *iam.Room
	room     *ecr.Room
	contents manifests
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()}, slices.Concat(iam.Tables(), ecr.Tables())...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	e := &endpoint{iam: iam.New(st, iam.Config{}), contents: manifests{}}
	e.room = ecr.New(st, ecr.Config{RegistryHost: "127.0.0.1:4566", Contents: e.contents})
	guard := authz.New(e.iam)
	mux := wire.NewMux(wire.Config{Keys: guard, Authorizer: guard})
	ecrapi.Register(mux, e.room)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	e.url = srv.URL
	return e
}

func (e *endpoint) account(t *testing.T) (*sdk.Client, ecr.Scope) {
	t.Helper()
	_, key, err := e.iam.CreateAccount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sdk.NewFromConfig(sdkConfig(e.url, "eu-west-1", key)), ecr.Scope{Account: key.Account, Region: "eu-west-1"}
}

// push puts an image with tags, as the registry does, and returns its digest.
func (e *endpoint) push(t *testing.T, s ecr.Scope, repo string, image ecr.Image, tags ...string) string {
	t.Helper()
	e.contents[image.Digest] = "manifest of " + image.Digest
	for _, tag := range append(tags, "")[:max(1, len(tags))] {
		if err := e.room.PutImage(t.Context(), s, repo, image, tag); err != nil {
			t.Fatal(err)
		}
	}
	return image.Digest
}

func sha(n int) string { return fmt.Sprintf("sha256:%064x", n) }

func wantCode(t *testing.T, err error, code, text string) {
	t.Helper()
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok || e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), text) {
		t.Errorf("got %v, want %s: %s", err, code, text)
	}
}

func TestRepositories(t *testing.T) {
	e := newEndpoint(t)
	c, s := e.account(t)
	out, err := c.CreateRepository(t.Context(), &sdk.CreateRepositoryInput{
		RepositoryName: new("team/web"), Tags: []types.Tag{{Key: new("owner"), Value: new("team")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	made := out.Repository
	if *made.RepositoryArn != "arn:aws:ecr:eu-west-1:"+s.Account+":repository/team/web" || *made.RepositoryUri != "127.0.0.1:4566/team/web" ||
		*made.RegistryId != s.Account || made.ImageTagMutability != types.ImageTagMutabilityMutable || made.CreatedAt == nil ||
		made.ImageScanningConfiguration.ScanOnPush || made.EncryptionConfiguration.EncryptionType != types.EncryptionTypeAes256 {
		t.Errorf("repository is %+v", made)
	}
	_, err = c.CreateRepository(t.Context(), &sdk.CreateRepositoryInput{RepositoryName: new("team/web")})
	wantCode(t, err, "RepositoryAlreadyExistsException", "The repository with name 'team/web' already exists in the registry with id '"+s.Account+"'")

	for n := range 4 {
		if _, err := c.CreateRepository(t.Context(), &sdk.CreateRepositoryInput{RepositoryName: new(fmt.Sprintf("other-%d", n))}); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	pages := 0
	for p := sdk.NewDescribeRepositoriesPaginator(c, &sdk.DescribeRepositoriesInput{MaxResults: new(int32(2))}); p.HasMorePages(); pages++ {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Repositories {
			names = append(names, *r.RepositoryName)
		}
	}
	if want := []string{"other-0", "other-1", "other-2", "other-3", "team/web"}; pages != 3 || !slices.Equal(names, want) {
		t.Errorf("%d pages with %v, want 3 with %v", pages, names, want)
	}
	one, err := c.DescribeRepositories(t.Context(), &sdk.DescribeRepositoriesInput{RepositoryNames: []string{"team/web"}})
	if err != nil || len(one.Repositories) != 1 || *one.Repositories[0].RepositoryArn != *made.RepositoryArn {
		t.Errorf("by name: %+v, %v", one, err)
	}
	stranger, theirs := e.account(t)
	if out, err := stranger.DescribeRepositories(t.Context(), &sdk.DescribeRepositoriesInput{}); err != nil || len(out.Repositories) != 0 {
		t.Errorf("another account sees %+v, %v", out.Repositories, err)
	}
	if _, err := c.DeleteRepository(t.Context(), &sdk.DeleteRepositoryInput{RepositoryName: new("other-0")}); err != nil {
		t.Error(err)
	}
	missing := "The repository with name 'other-0' does not exist in the registry with id '" + s.Account + "'"
	for name, do := range map[string]func() error{
		"describe": func() error {
			_, err := c.DescribeRepositories(t.Context(), &sdk.DescribeRepositoriesInput{RepositoryNames: []string{"team/web", "other-0"}})
			return err
		},
		"delete": func() error {
			_, err := c.DeleteRepository(t.Context(), &sdk.DeleteRepositoryInput{RepositoryName: new("other-0")})
			return err
		},
		"list images": func() error {
			_, err := c.ListImages(t.Context(), &sdk.ListImagesInput{RepositoryName: new("other-0")})
			return err
		},
		"describe images": func() error {
			_, err := c.DescribeImages(t.Context(), &sdk.DescribeImagesInput{RepositoryName: new("other-0")})
			return err
		},
		"get image": func() error {
			_, err := c.BatchGetImage(t.Context(), &sdk.BatchGetImageInput{RepositoryName: new("other-0"), ImageIds: []types.ImageIdentifier{{ImageTag: new("v1")}}})
			return err
		},
		"delete image": func() error {
			_, err := c.BatchDeleteImage(t.Context(), &sdk.BatchDeleteImageInput{RepositoryName: new("other-0"), ImageIds: []types.ImageIdentifier{{ImageTag: new("v1")}}})
			return err
		},
		"mutability": func() error {
			_, err := c.PutImageTagMutability(t.Context(), &sdk.PutImageTagMutabilityInput{RepositoryName: new("other-0"), ImageTagMutability: "MUTABLE"})
			return err
		},
		"tag": func() error {
			_, err := c.TagResource(t.Context(), &sdk.TagResourceInput{
				ResourceArn: new(s.RepositoryARN("other-0")), Tags: []types.Tag{{Key: new("k"), Value: new("v")}},
			})
			return err
		},
	} {
		t.Run(name+" what is not there", func(t *testing.T) { wantCode(t, do(), "RepositoryNotFoundException", missing) })
	}
	_, err = c.ListImages(t.Context(), &sdk.ListImagesInput{RepositoryName: new("team/web"), RegistryId: &theirs.Account})
	wantCode(t, err, "AccessDeniedException", "is not authorized to perform: ecr:ListImages on resource: "+theirs.RepositoryARN("team/web"))
}

func TestBadRepositories(t *testing.T) {
	e := newEndpoint(t)
	c, _ := e.account(t)
	for _, n := range []string{"a", "Web", "web/", "/web", "web//x", "web..x", "-web", "wéb", "web:v1", strings.Repeat("a", 257)} {
		_, err := c.CreateRepository(t.Context(), &sdk.CreateRepositoryInput{RepositoryName: &n})
		wantCode(t, err, "InvalidParameterException", "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must ")
	}
	_, err := c.CreateRepository(t.Context(), &sdk.CreateRepositoryInput{RepositoryName: new("a")})
	wantCode(t, err, "InvalidParameterException", "failed to satisfy constraint: 'must have length greater than or equal to 2'")
	_, err = c.CreateRepository(t.Context(), &sdk.CreateRepositoryInput{RepositoryName: new("Web")})
	wantCode(t, err, "InvalidParameterException", "'must satisfy regular expression '[a-z0-9]")
	tags := make([]types.Tag, 51)
	for n := range tags {
		tags[n] = types.Tag{Key: new(fmt.Sprint(n)), Value: new("")}
	}
	for _, b := range []struct {
		in   sdk.CreateRepositoryInput
		code string
	}{
		{sdk.CreateRepositoryInput{Tags: tags}, "TooManyTagsException"},
		{sdk.CreateRepositoryInput{Tags: []types.Tag{{Key: new("aws:mine"), Value: new("")}}}, "InvalidTagParameterException"},
		{sdk.CreateRepositoryInput{ImageTagMutability: "SOMETIMES"}, "InvalidParameterException"},
		{sdk.CreateRepositoryInput{ImageTagMutability: "IMMUTABLE_WITH_EXCLUSION"}, "InvalidParameterException"},
		{sdk.CreateRepositoryInput{EncryptionConfiguration: &types.EncryptionConfiguration{EncryptionType: "KMS"}}, "KmsException"},
	} {
		b.in.RepositoryName = new("web")
		_, err := c.CreateRepository(t.Context(), &b.in)
		wantCode(t, err, b.code, "")
	}
	if out, err := c.DescribeRepositories(t.Context(), &sdk.DescribeRepositoriesInput{}); err != nil || len(out.Repositories) != 0 {
		t.Errorf("there are repositories: %+v, %v", out.Repositories, err)
	}
}

func TestTags(t *testing.T) {
	e := newEndpoint(t)
	c, s := e.account(t)
	if _, err := c.CreateRepository(t.Context(), &sdk.CreateRepositoryInput{
		RepositoryName: new("web"), Tags: []types.Tag{{Key: new("a"), Value: new("1")}, {Key: new("b"), Value: new("2")}},
	}); err != nil {
		t.Fatal(err)
	}
	arn := s.RepositoryARN("web")
	if _, err := c.TagResource(t.Context(), &sdk.TagResourceInput{
		ResourceArn: &arn, Tags: []types.Tag{{Key: new("b"), Value: new("3")}, {Key: new("c"), Value: new("")}},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.UntagResource(t.Context(), &sdk.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"a", "unknown"}}); err != nil {
		t.Fatal(err)
	}
	out, err := c.ListTagsForResource(t.Context(), &sdk.ListTagsForResourceInput{ResourceArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, tag := range out.Tags {
		got = append(got, *tag.Key+"="+*tag.Value)
	}
	if !slices.Equal(got, []string{"b=3", "c="}) {
		t.Errorf("tags %v", got)
	}
	for _, bad := range []string{"web", "arn:aws:ecr:us-east-1:" + s.Account + ":repository/web", "arn:aws:ecs:eu-west-1:" + s.Account + ":cluster/web"} {
		_, err := c.ListTagsForResource(t.Context(), &sdk.ListTagsForResourceInput{ResourceArn: &bad})
		wantCode(t, err, "InvalidParameterException", "Invalid parameter at 'resourceArn'")
	}
}

// sdkConfig configures SDK clients that call url with the key and try once.
func sdkConfig(url, region string, key iam.AccessKey) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: &url, RetryMaxAttempts: 1, HTTPClient: iamtest.Client{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret}, nil
		}),
	}
}
