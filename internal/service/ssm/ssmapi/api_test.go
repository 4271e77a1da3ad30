package ssmapi_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"

	"github.com/slipway/slipway/internal/authz"
	"github.com/slipway/slipway/internal/seal"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/service/ssm"
	"github.com/slipway/slipway/internal/service/ssm/ssmapi"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/wire"
)

// endpoint is a server with the real wire and store, and its rooms.
type endpoint struct {
	url, dir string
	iam      *iam.Room
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	e := &endpoint{dir: t.TempDir()}
	st, err := store.Open(t.Context(), store.Config{Dir: e.dir}, slices.Concat(iam.Tables(), seal.Tables(), ssm.Tables())...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	box, err := seal.Load(t.Context(), st, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	e.iam = iam.New(st, iam.Config{})
	guard := authz.New(e.iam)
	mux := wire.NewMux(wire.Config{Keys: guard, Authorizer: guard})
	ssmapi.Register(mux, ssm.New(st, ssm.Config{Box: box}))
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	e.url = srv.URL
	return e
}

func (e *endpoint) client(t *testing.T) *sdk.Client {
	t.Helper()
	_, key, err := e.iam.CreateAccount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sdk.New(sdk.Options{
		Region: "eu-west-1", BaseEndpoint: &e.url, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(key.ID, key.Secret, ""),
	})
}

func wantCode(t *testing.T, err error, code, text string) {
	t.Helper()
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok || e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), text) {
		t.Errorf("got %v, want %s: %s", err, code, text)
	}
}

func put(t *testing.T, c *sdk.Client, name, value string, kind types.ParameterType) *sdk.PutParameterOutput {
	t.Helper()
	out, err := c.PutParameter(t.Context(), &sdk.PutParameterInput{Name: &name, Value: &value, Type: kind, Overwrite: new(true)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func get(t *testing.T, c *sdk.Client, name string) *types.Parameter {
	t.Helper()
	out, err := c.GetParameter(t.Context(), &sdk.GetParameterInput{Name: &name, WithDecryption: new(true)})
	if err != nil {
		t.Fatal(err)
	}
	return out.Parameter
}

func TestParametersAreFoundByNameARNVersionAndLabel(t *testing.T) {
	e := newEndpoint(t)
	c := e.client(t)
	put(t, c, "/prod/db", "one", types.ParameterTypeString)
	out := put(t, c, "/prod/db", "two", "")
	if out.Version != 2 || out.Tier != types.ParameterTierStandard {
		t.Errorf("put: %+v", out)
	}
	labelled, err := c.LabelParameterVersion(t.Context(), &sdk.LabelParameterVersionInput{
		Name: new("/prod/db"), ParameterVersion: new(int64(1)), Labels: []string{"good", "aws-x", "9"},
	})
	if err != nil || !slices.Equal(labelled.InvalidLabels, []string{"aws-x", "9"}) {
		t.Fatal(labelled, err)
	}
	latest := get(t, c, "/prod/db")
	if aws.ToString(latest.Value) != "two" || !strings.HasSuffix(aws.ToString(latest.ARN), ":parameter/prod/db") || latest.Version != 2 {
		t.Errorf("latest: %+v", latest)
	}
	for ref, want := range map[string]string{"/prod/db:1": "one", "/prod/db:2": "two", "/prod/db:good": "one", *latest.ARN: "two", *latest.ARN + ":1": "one"} {
		if got := get(t, c, ref); *got.Value != want {
			t.Errorf("%s is %q, want %q", ref, *got.Value, want)
		}
	}
	if got := get(t, c, "/prod/db:good"); aws.ToString(got.Selector) != ":good" || *got.Name != "/prod/db" {
		t.Errorf("selector: %+v", got)
	}
	for ref, code := range map[string]string{"/prod/db:3": "ParameterVersionNotFound", "/prod/db:bad": "ParameterVersionNotFound", "/prod": "ParameterNotFound", "prod/db": "ParameterNotFound"} {
		_, err := c.GetParameter(t.Context(), &sdk.GetParameterInput{Name: &ref})
		wantCode(t, err, code, "")
	}
	_, err = e.client(t).GetParameter(t.Context(), &sdk.GetParameterInput{Name: new("/prod/db")})
	wantCode(t, err, "ParameterNotFound", "")

	put(t, c, "plain", "p", types.ParameterTypeString)
	plain := get(t, c, "plain")
	if !strings.HasSuffix(*plain.ARN, ":parameter/plain") || *get(t, c, *plain.ARN).Value != "p" {
		t.Errorf("a name that is no path: %+v", plain)
	}
	many, err := c.GetParameters(t.Context(), &sdk.GetParametersInput{Names: []string{"plain", "nobody", "/prod/db:1"}})
	if err != nil || len(many.Parameters) != 2 || !slices.Equal(many.InvalidParameters, []string{"nobody"}) {
		t.Errorf("GetParameters: %+v, %v", many, err)
	}
}

func TestPutRefuses(t *testing.T) {
	c := newEndpoint(t).client(t)
	put(t, c, "taken", "v", types.ParameterTypeString)
	long := strings.Repeat("x", 4097)
	for name, tc := range map[string]struct {
		in         sdk.PutParameterInput
		code, text string
	}{
		"a name that is taken":    {sdk.PutParameterInput{Name: new("taken"), Value: new("w"), Type: "String"}, "ParameterAlreadyExists", "set the overwrite option"},
		"no type":                 {sdk.PutParameterInput{Name: new("x"), Value: new("w")}, "ValidationException", "type is required"},
		"another type":            {sdk.PutParameterInput{Name: new("taken"), Value: new("w"), Type: "SecureString", Overwrite: new(true)}, "HierarchyTypeMismatchException", "changing a parameter type"},
		"tags with overwrite":     {sdk.PutParameterInput{Name: new("taken"), Value: new("w"), Overwrite: new(true), Tags: []types.Tag{{Key: new("k"), Value: new("v")}}}, "ValidationException", "tags and overwrite can't be used together"},
		"odd letters":             {sdk.PutParameterInput{Name: new("a b"), Value: new("w"), Type: "String"}, "ValidationException", "Parameter name"},
		"a name of ssm's":         {sdk.PutParameterInput{Name: new("/SSM/x"), Value: new("w"), Type: "String"}, "ValidationException", "prefixed with"},
		"a name of AWS's":         {sdk.PutParameterInput{Name: new("/aws/x"), Value: new("w"), Type: "String"}, "AccessDeniedException", "reserved parameter name"},
		"a path without its root": {sdk.PutParameterInput{Name: new("a/b"), Value: new("w"), Type: "String"}, "ValidationException", "fully qualified"},
		"sixteen levels":          {sdk.PutParameterInput{Name: new(strings.Repeat("/a", 16)), Value: new("w"), Type: "String"}, "HierarchyLevelLimitExceededException", "15 levels"},
		"a long value":            {sdk.PutParameterInput{Name: new("x"), Value: &long, Type: "String"}, "ValidationException", "4096 characters"},
		"a value off its pattern": {sdk.PutParameterInput{Name: new("x"), Value: new("w1"), Type: "String", AllowedPattern: new("[a-z]+")}, "ParameterPatternMismatchException", ""},
		"a broken pattern":        {sdk.PutParameterInput{Name: new("x"), Value: new("w1"), Type: "String", AllowedPattern: new("[a-")}, "InvalidAllowedPatternException", ""},
		"policies":                {sdk.PutParameterInput{Name: new("x"), Value: new("w"), Type: "String", Policies: new("[]")}, "InvalidPolicyTypeException", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.PutParameter(t.Context(), &tc.in)
			wantCode(t, err, tc.code, tc.text)
		})
	}
	out, err := c.PutParameter(t.Context(), &sdk.PutParameterInput{Name: new("x"), Value: &long, Type: "String", Tier: types.ParameterTierIntelligentTiering})
	if err != nil || out.Tier != types.ParameterTierAdvanced {
		t.Errorf("intelligent tiering: %+v, %v", out, err)
	}
}

func TestSecureStringsAreReadableOnlyDecrypted(t *testing.T) {
	e := newEndpoint(t)
	c := e.client(t)
	const value = "hunter2-hunter2-hunter2"
	put(t, c, "/s", value, types.ParameterTypeSecureString)
	if got := get(t, c, "/s"); *got.Value != value {
		t.Errorf("decrypted: %q", *got.Value)
	}
	out, err := c.GetParameter(t.Context(), &sdk.GetParameterInput{Name: new("/s")})
	if err != nil || *out.Parameter.Value == value || *out.Parameter.Value == "" {
		t.Errorf("not decrypted: %v, %v", out, err)
	}
	described, err := c.DescribeParameters(t.Context(), &sdk.DescribeParametersInput{})
	if err != nil || len(described.Parameters) != 1 || aws.ToString(described.Parameters[0].KeyId) != "alias/aws/ssm" {
		t.Errorf("described: %+v, %v", described, err)
	}
	err = filepath.WalkDir(e.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(value)) {
			t.Errorf("%s holds the value", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestHistoryKeepsAHundredVersions(t *testing.T) {
	c := newEndpoint(t).client(t)
	for i := range 101 {
		put(t, c, "/h", fmt.Sprint(i+1), types.ParameterTypeString)
	}
	var all []string
	in := &sdk.GetParameterHistoryInput{Name: new("/h"), MaxResults: new(int32(30))}
	for {
		out, err := c.GetParameterHistory(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range out.Parameters {
			all = append(all, *p.Value)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if len(all) != 100 || all[0] != "2" || all[99] != "101" {
		t.Errorf("%d versions from %s", len(all), all[0])
	}
	// A label holds the oldest version, and so keeps new ones from being made.
	if _, err := c.LabelParameterVersion(t.Context(), &sdk.LabelParameterVersionInput{Name: new("/h"), ParameterVersion: new(int64(2)), Labels: []string{"keep"}}); err != nil {
		t.Fatal(err)
	}
	_, err := c.PutParameter(t.Context(), &sdk.PutParameterInput{Name: new("/h"), Value: new("102"), Overwrite: new(true)})
	wantCode(t, err, "ParameterMaxVersionLimitExceeded", "has a label")
	out, err := c.UnlabelParameterVersion(t.Context(), &sdk.UnlabelParameterVersionInput{Name: new("/h"), ParameterVersion: new(int64(2)), Labels: []string{"keep", "other"}})
	if err != nil || !slices.Equal(out.RemovedLabels, []string{"keep"}) || !slices.Equal(out.InvalidLabels, []string{"other"}) {
		t.Error(out, err)
	}
	put(t, c, "/h", "102", "")
}

func TestPaths(t *testing.T) {
	c := newEndpoint(t).client(t)
	for _, name := range []string{"/a/1", "/a/2", "/a/b/3", "/ab/4", "root", "/top"} {
		kind := types.ParameterTypeString
		if name == "/a/2" {
			kind = types.ParameterTypeStringList
		}
		put(t, c, name, "v", kind)
	}
	names := func(in sdk.GetParametersByPathInput) string {
		t.Helper()
		var all []string
		for {
			out, err := c.GetParametersByPath(t.Context(), &in)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range out.Parameters {
				all = append(all, *p.Name)
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				return strings.Join(all, " ")
			}
		}
	}
	for name, tc := range map[string]struct {
		in   sdk.GetParametersByPathInput
		want string
	}{
		"one level":            {sdk.GetParametersByPathInput{Path: new("/a")}, "/a/1 /a/2"},
		"with a slash":         {sdk.GetParametersByPathInput{Path: new("/a/")}, "/a/1 /a/2"},
		"all levels, by pages": {sdk.GetParametersByPathInput{Path: new("/a"), Recursive: new(true), MaxResults: new(int32(1))}, "/a/1 /a/2 /a/b/3"},
		"the root":             {sdk.GetParametersByPathInput{Path: new("/")}, "/top root"},
		"of a type":            {sdk.GetParametersByPathInput{Path: new("/a"), ParameterFilters: []types.ParameterStringFilter{{Key: new("Type"), Values: []string{"StringList"}}}}, "/a/2"},
		"nothing there":        {sdk.GetParametersByPathInput{Path: new("/x")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := names(tc.in); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	_, err := c.GetParametersByPath(t.Context(), &sdk.GetParametersByPathInput{Path: new("a")})
	wantCode(t, err, "ValidationException", "must begin with")
	_, err = c.GetParametersByPath(t.Context(), &sdk.GetParametersByPathInput{Path: new("/a"), NextToken: new("x")})
	wantCode(t, err, "InvalidNextToken", "")
	_, err = c.GetParametersByPath(t.Context(), &sdk.GetParametersByPathInput{Path: new("/a"), ParameterFilters: []types.ParameterStringFilter{{Key: new("Name"), Values: []string{"x"}}}})
	wantCode(t, err, "InvalidFilterKey", "") // its shape has no text
}

func TestDescribeDeleteAndTags(t *testing.T) {
	c := newEndpoint(t).client(t)
	put(t, c, "/d/one", "v", types.ParameterTypeString)
	put(t, c, "/d/two", "v", types.ParameterTypeString)
	_, err := c.AddTagsToResource(t.Context(), &sdk.AddTagsToResourceInput{ResourceType: types.ResourceTypeForTaggingParameter, ResourceId: new("/d/one"), Tags: []types.Tag{{Key: new("env"), Value: new("x")}}})
	if err != nil {
		t.Fatal(err)
	}
	described := func(filters ...types.ParameterStringFilter) (names []string) {
		t.Helper()
		out, err := c.DescribeParameters(t.Context(), &sdk.DescribeParametersInput{ParameterFilters: filters})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range out.Parameters {
			names = append(names, *p.Name)
		}
		return names
	}
	for name, tc := range map[string]struct {
		filter types.ParameterStringFilter
		want   []string
	}{
		"by tag":      {types.ParameterStringFilter{Key: new("tag:env"), Values: []string{"x"}}, []string{"/d/one"}},
		"by any tag":  {types.ParameterStringFilter{Key: new("tag:env")}, []string{"/d/one"}},
		"by name":     {types.ParameterStringFilter{Key: new("Name"), Option: new("Contains"), Values: []string{"tw"}}, []string{"/d/two"}},
		"by path":     {types.ParameterStringFilter{Key: new("Path"), Values: []string{"/d"}}, []string{"/d/one", "/d/two"}},
		"by no match": {types.ParameterStringFilter{Key: new("Tier"), Values: []string{"Advanced"}}, nil},
	} {
		if got := described(tc.filter); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
	tags, err := c.ListTagsForResource(t.Context(), &sdk.ListTagsForResourceInput{ResourceType: types.ResourceTypeForTaggingParameter, ResourceId: new("/d/one")})
	if err != nil || len(tags.TagList) != 1 {
		t.Error(tags, err)
	}
	if _, err := c.RemoveTagsFromResource(t.Context(), &sdk.RemoveTagsFromResourceInput{ResourceType: types.ResourceTypeForTaggingParameter, ResourceId: new("/d/one"), TagKeys: []string{"env"}}); err != nil {
		t.Error(err)
	}
	_, err = c.ListTagsForResource(t.Context(), &sdk.ListTagsForResourceInput{ResourceType: types.ResourceTypeForTaggingParameter, ResourceId: new("nobody")})
	wantCode(t, err, "InvalidResourceId", "")
	_, err = c.ListTagsForResource(t.Context(), &sdk.ListTagsForResourceInput{ResourceType: types.ResourceTypeForTaggingDocument, ResourceId: new("x")})
	wantCode(t, err, "InvalidResourceType", "")

	out, err := c.DeleteParameters(t.Context(), &sdk.DeleteParametersInput{Names: []string{"/d/one", "nobody"}})
	if err != nil || !slices.Equal(out.DeletedParameters, []string{"/d/one"}) || !slices.Equal(out.InvalidParameters, []string{"nobody"}) {
		t.Error(out, err)
	}
	if _, err := c.DeleteParameter(t.Context(), &sdk.DeleteParameterInput{Name: new("/d/two")}); err != nil {
		t.Error(err)
	}
	_, err = c.DeleteParameter(t.Context(), &sdk.DeleteParameterInput{Name: new("/d/two")})
	wantCode(t, err, "ParameterNotFound", "")
	if made := put(t, c, "/d/two", "again", types.ParameterTypeString); made.Version != 1 {
		t.Errorf("made again as version %d", made.Version)
	}
}
