package ecrapi_test

import (
	"slices"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/slipway/slipway/internal/service/ecr"
)

const (
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	ociIndex       = "application/vnd.oci.image.index.v1+json"
)

// filled makes a repository of three images, one with two tags, one untagged, and
// one named by an index.
func filled(t *testing.T, e *endpoint) (c *sdk.Client, s ecr.Scope) {
	t.Helper()
	c, s = e.account(t)
	if _, err := c.CreateRepository(t.Context(), &sdk.CreateRepositoryInput{RepositoryName: new("web")}); err != nil {
		t.Fatal(err)
	}
	e.push(t, s, "web", ecr.Image{Digest: sha(1), MediaType: dockerManifest, ArtifactType: "application/vnd.docker.container.image.v1+json", Size: 100}, "v1", "latest")
	e.push(t, s, "web", ecr.Image{Digest: sha(2), MediaType: dockerManifest, Size: 200})
	e.push(t, s, "web", ecr.Image{Digest: sha(3), MediaType: dockerManifest, Size: 300}, "child")
	e.push(t, s, "web", ecr.Image{Digest: sha(4), MediaType: ociIndex, Children: []string{sha(1), sha(3)}}, "multi")
	return c, s
}

func listed(ids []types.ImageIdentifier) []string {
	var out []string
	for _, id := range ids {
		tag := ""
		if id.ImageTag != nil {
			tag = *id.ImageTag
		}
		out = append(out, (*id.ImageDigest)[len(*id.ImageDigest)-1:]+":"+tag)
	}
	return out
}

func TestListImages(t *testing.T) {
	e := newEndpoint(t)
	c, _ := filled(t, e)
	for _, q := range []struct {
		name   string
		filter *types.ListImagesFilter
		want   []string
	}{
		{"all", nil, []string{"1:latest", "1:v1", "2:", "3:child", "4:multi"}},
		{"any", &types.ListImagesFilter{TagStatus: types.TagStatusAny}, []string{"1:latest", "1:v1", "2:", "3:child", "4:multi"}},
		{"tagged", &types.ListImagesFilter{TagStatus: types.TagStatusTagged}, []string{"1:latest", "1:v1", "3:child", "4:multi"}},
		{"untagged", &types.ListImagesFilter{TagStatus: types.TagStatusUntagged}, []string{"2:"}},
	} {
		t.Run(q.name, func(t *testing.T) {
			var got []string
			for p := sdk.NewListImagesPaginator(c, &sdk.ListImagesInput{RepositoryName: new("web"), Filter: q.filter, MaxResults: new(int32(2))}); p.HasMorePages(); {
				page, err := p.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if len(page.ImageIds) > 2 {
					t.Errorf("a page of %d", len(page.ImageIds))
				}
				got = append(got, listed(page.ImageIds)...)
			}
			if !slices.Equal(got, q.want) {
				t.Errorf("got %v, want %v", got, q.want)
			}
		})
	}
	_, err := c.ListImages(t.Context(), &sdk.ListImagesInput{RepositoryName: new("web"), NextToken: new("nonsense")})
	wantCode(t, err, "InvalidParameterException", "nextToken")
}

func TestDescribeImages(t *testing.T) {
	e := newEndpoint(t)
	c, s := filled(t, e)
	out, err := c.DescribeImages(t.Context(), &sdk.DescribeImagesInput{RepositoryName: new("web")})
	if err != nil || len(out.ImageDetails) != 4 {
		t.Fatalf("images %+v, %v", out, err)
	}
	first := out.ImageDetails[0]
	if *first.ImageDigest != sha(1) || !slices.Equal(first.ImageTags, []string{"latest", "v1"}) || *first.ImageSizeInBytes != 100 ||
		first.ImagePushedAt == nil || *first.ImageManifestMediaType != dockerManifest || *first.RegistryId != s.Account ||
		*first.ArtifactMediaType != "application/vnd.docker.container.image.v1+json" {
		t.Errorf("image is %+v", first)
	}
	if size := *out.ImageDetails[3].ImageSizeInBytes; size != 300 {
		t.Errorf("the index has %d bytes, want those of its largest image: 300", size)
	}
	some, err := c.DescribeImages(t.Context(), &sdk.DescribeImagesInput{
		RepositoryName: new("web"),
		ImageIds:       []types.ImageIdentifier{{ImageTag: new("v1")}, {ImageDigest: new(sha(1))}, {ImageTag: new("child"), ImageDigest: new(sha(3))}},
	})
	if err != nil || len(some.ImageDetails) != 2 || *some.ImageDetails[1].ImageDigest != sha(3) {
		t.Errorf("images by id: %+v, %v", some, err)
	}
	_, err = c.DescribeImages(t.Context(), &sdk.DescribeImagesInput{
		RepositoryName: new("web"), ImageIds: []types.ImageIdentifier{{ImageTag: new("v9")}},
	})
	wantCode(t, err, "ImageNotFoundException", "The image with imageId {imageDigest:'null', imageTag:'v9'} does not exist within the repository "+
		"with name 'web' in the registry with id '"+s.Account+"'")
	_, err = c.DescribeImages(t.Context(), &sdk.DescribeImagesInput{
		RepositoryName: new("web"), ImageIds: []types.ImageIdentifier{{ImageTag: new("v1"), ImageDigest: new(sha(3))}},
	})
	wantCode(t, err, "ImageNotFoundException", "imageTag:'v1'")
}

func TestBatchGetImage(t *testing.T) {
	e := newEndpoint(t)
	c, _ := filled(t, e)
	out, err := c.BatchGetImage(t.Context(), &sdk.BatchGetImageInput{
		RepositoryName: new("web"),
		ImageIds: []types.ImageIdentifier{
			{ImageTag: new("v1")}, {ImageDigest: new(sha(4))}, {ImageTag: new("v9")}, {}, {ImageDigest: new("md5")},
		},
		AcceptedMediaTypes: []string{dockerManifest},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Images) != 1 || *out.Images[0].ImageManifest != "manifest of "+sha(1) || *out.Images[0].ImageId.ImageTag != "v1" ||
		*out.Images[0].ImageId.ImageDigest != sha(1) || *out.Images[0].ImageManifestMediaType != dockerManifest {
		t.Errorf("images %+v", out.Images)
	}
	var codes []types.ImageFailureCode
	for _, f := range out.Failures {
		codes = append(codes, f.FailureCode)
	}
	want := []types.ImageFailureCode{
		types.ImageFailureCodeImageNotFound, types.ImageFailureCodeImageNotFound,
		types.ImageFailureCodeMissingDigestAndTag, types.ImageFailureCodeInvalidImageDigest,
	}
	if !slices.Equal(codes, want) || *out.Failures[0].FailureReason != "Requested image not found" {
		t.Errorf("failures %v (%v), want %v", codes, *out.Failures[0].FailureReason, want)
	}
}

func TestBatchDeleteImage(t *testing.T) {
	e := newEndpoint(t)
	c, s := filled(t, e)
	del := func(ids ...types.ImageIdentifier) *sdk.BatchDeleteImageOutput {
		t.Helper()
		out, err := c.BatchDeleteImage(t.Context(), &sdk.BatchDeleteImageInput{RepositoryName: new("web"), ImageIds: ids})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	left := func() []string {
		t.Helper()
		out, err := c.ListImages(t.Context(), &sdk.ListImagesInput{RepositoryName: new("web")})
		if err != nil {
			t.Fatal(err)
		}
		return listed(out.ImageIds)
	}

	// One of two tags: the image stays.
	if out := del(types.ImageIdentifier{ImageTag: new("latest")}); !slices.Equal(listed(out.ImageIds), []string{"1:latest"}) {
		t.Errorf("deleted %v", listed(out.ImageIds))
	}
	// The last tag of an image that an index names: nothing happens.
	for _, id := range []types.ImageIdentifier{{ImageTag: new("v1")}, {ImageDigest: new(sha(3))}} {
		out := del(id)
		if len(out.ImageIds) != 0 || len(out.Failures) != 1 || out.Failures[0].FailureCode != types.ImageFailureCodeImageReferencedByManifestList {
			t.Errorf("deleted %v, failures %+v", listed(out.ImageIds), out.Failures)
		}
	}
	if got, want := left(), []string{"1:v1", "2:", "3:child", "4:multi"}; !slices.Equal(got, want) {
		t.Errorf("left: %v, want %v", got, want)
	}
	_, err := c.DeleteRepository(t.Context(), &sdk.DeleteRepositoryInput{RepositoryName: new("web")})
	wantCode(t, err, "RepositoryNotEmptyException", "The repository with name 'web' in registry with id '"+s.Account+"' cannot be deleted because it still contains images")

	// Without the index, by digest and by last tag.
	out := del(types.ImageIdentifier{ImageDigest: new(sha(4))}, types.ImageIdentifier{ImageTag: new("v1")}, types.ImageIdentifier{ImageDigest: new(sha(2))},
		types.ImageIdentifier{ImageTag: new("v9")})
	if got, want := listed(out.ImageIds), []string{"4:multi", "1:v1", "2:"}; !slices.Equal(got, want) {
		t.Errorf("deleted %v, want %v", got, want)
	}
	if len(out.Failures) != 1 || out.Failures[0].FailureCode != types.ImageFailureCodeImageNotFound {
		t.Errorf("failures %+v", out.Failures)
	}
	if got := left(); !slices.Equal(got, []string{"3:child"}) {
		t.Errorf("left: %v", got)
	}
	if _, err := c.DeleteRepository(t.Context(), &sdk.DeleteRepositoryInput{RepositoryName: new("web"), Force: true}); err != nil {
		t.Error(err)
	}
}
