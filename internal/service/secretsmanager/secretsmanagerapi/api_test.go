package secretsmanagerapi_test

import (
	"bytes"
	"errors"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"

	"github.com/slipway/slipway/internal/authz"
	"github.com/slipway/slipway/internal/seal"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/service/secretsmanager"
	"github.com/slipway/slipway/internal/service/secretsmanager/secretsmanagerapi"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/wire"
)

// endpoint is a server with the real wire and store, and its rooms.
type endpoint struct {
	url  string
	dir  string
	iam  *iam.Room
	room *secretsmanager.Room
	now  time.Time
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	e := &endpoint{dir: t.TempDir(), now: time.Now()}
	st, err := store.Open(t.Context(), store.Config{Dir: e.dir}, slices.Concat(iam.Tables(), seal.Tables(), secretsmanager.Tables())...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	box, err := seal.Load(t.Context(), st, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	e.iam = iam.New(st, iam.Config{})
	e.room = secretsmanager.New(st, secretsmanager.Config{Box: box, Now: func() time.Time { return e.now }})
	guard := authz.New(e.iam)
	mux := wire.NewMux(wire.Config{Keys: guard, Authorizer: guard})
	secretsmanagerapi.Register(mux, e.room)
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

func create(t *testing.T, c *sdk.Client, name, value string) *sdk.CreateSecretOutput {
	t.Helper()
	out, err := c.CreateSecret(t.Context(), &sdk.CreateSecretInput{Name: &name, SecretString: &value})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func get(t *testing.T, c *sdk.Client, in *sdk.GetSecretValueInput) string {
	t.Helper()
	out, err := c.GetSecretValue(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.SecretString)
}

func TestASecretIsFoundByEveryNameOfIt(t *testing.T) {
	e := newEndpoint(t)
	c := e.client(t)
	out := create(t, c, "prod/db", "s3cret")
	arn := *out.ARN
	if prefix := ":secret:prod/db-"; !strings.Contains(arn, prefix) || len(arn)-strings.Index(arn, prefix)-len(prefix) != 6 {
		t.Errorf("ARN %s", arn)
	}
	for _, id := range []string{"prod/db", arn, arn[:len(arn)-7]} {
		if got := get(t, c, &sdk.GetSecretValueInput{SecretId: &id}); got != "s3cret" {
			t.Errorf("by %s: %q", id, got)
		}
	}
	for _, id := range []string{"prod", "prod/db-", arn + "x", strings.Replace(arn, "eu-west-1", "us-east-1", 1), "arn:aws:ssm:eu-west-1:1:x"} {
		_, err := c.GetSecretValue(t.Context(), &sdk.GetSecretValueInput{SecretId: &id})
		wantCode(t, err, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	}
	_, err := e.client(t).GetSecretValue(t.Context(), &sdk.GetSecretValueInput{SecretId: &arn})
	wantCode(t, err, "ResourceNotFoundException", "")
}

func TestCreateRefuses(t *testing.T) {
	c := newEndpoint(t).client(t)
	create(t, c, "taken", "v")
	for name, tc := range map[string]struct {
		in         sdk.CreateSecretInput
		code, text string
	}{
		"a name that is taken":    {sdk.CreateSecretInput{Name: new("taken"), SecretString: new("w")}, "ResourceExistsException", "the secret taken already exists"},
		"a name with odd letters": {sdk.CreateSecretInput{Name: new("a b")}, "ValidationException", "Invalid name"},
		"text and bytes":          {sdk.CreateSecretInput{Name: new("x"), SecretString: new("w"), SecretBinary: []byte("w")}, "InvalidParameterException", "both"},
		"replicas":                {sdk.CreateSecretInput{Name: new("x"), AddReplicaRegions: []types.ReplicaRegionType{{Region: new("us-east-1")}}}, "InvalidParameterException", "regions"},
		"a tag of AWS's":          {sdk.CreateSecretInput{Name: new("x"), Tags: []types.Tag{{Key: new("aws:x"), Value: new("y")}}}, "InvalidParameterException", "aws:"},
		"a short token":           {sdk.CreateSecretInput{Name: new("x"), ClientRequestToken: new("short")}, "ValidationException", "clientRequestToken"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.CreateSecret(t.Context(), &tc.in)
			wantCode(t, err, tc.code, tc.text)
		})
	}
}

// The same token and value again change nothing; the same token with another value is refused.
func TestTokensMakeCallsRepeatable(t *testing.T) {
	c := newEndpoint(t).client(t)
	token := uuid.NewString()
	in := &sdk.CreateSecretInput{Name: new("s"), SecretString: new("one"), ClientRequestToken: &token}
	first, err := c.CreateSecret(t.Context(), in)
	if err != nil || *first.VersionId != token {
		t.Fatal(err, first)
	}
	again, err := c.CreateSecret(t.Context(), in)
	if err != nil || *again.ARN != *first.ARN {
		t.Errorf("again: %v, %v", again, err)
	}
	put := func(token, value string) error {
		_, err := c.PutSecretValue(t.Context(), &sdk.PutSecretValueInput{SecretId: new("s"), SecretString: &value, ClientRequestToken: &token})
		return err
	}
	if err := put(token, "one"); err != nil {
		t.Error(err)
	}
	wantCode(t, put(token, "two"), "ResourceExistsException", "already in use")
	if err := put(uuid.NewString(), "two"); err != nil {
		t.Fatal(err)
	}
	if got := get(t, c, &sdk.GetSecretValueInput{SecretId: new("s")}); got != "two" {
		t.Errorf("current is %q", got)
	}
}

func TestStages(t *testing.T) {
	c := newEndpoint(t).client(t)
	one := *create(t, c, "s", "one").VersionId
	put := func(value string, stages ...string) string {
		out, err := c.PutSecretValue(t.Context(), &sdk.PutSecretValueInput{SecretId: new("s"), SecretString: &value, VersionStages: stages})
		if err != nil {
			t.Fatal(err)
		}
		return *out.VersionId
	}
	want := func(stages map[string][]string) {
		t.Helper()
		out, err := c.DescribeSecret(t.Context(), &sdk.DescribeSecretInput{SecretId: new("s")})
		if err != nil {
			t.Fatal(err)
		}
		if !maps.EqualFunc(out.VersionIdsToStages, stages, slices.Equal) {
			t.Errorf("stages %v, want %v", out.VersionIdsToStages, stages)
		}
	}
	move := func(in sdk.UpdateSecretVersionStageInput) error {
		in.SecretId = new("s")
		_, err := c.UpdateSecretVersionStage(t.Context(), &in)
		return err
	}
	// A rotation: the new value is pending, is tried, and becomes current.
	two := put("two", "AWSPENDING")
	want(map[string][]string{one: {"AWSCURRENT"}, two: {"AWSPENDING"}})
	if got := get(t, c, &sdk.GetSecretValueInput{SecretId: new("s"), VersionStage: new("AWSPENDING")}); got != "two" {
		t.Errorf("pending is %q", got)
	}
	wantCode(t, move(sdk.UpdateSecretVersionStageInput{VersionStage: new("AWSCURRENT"), MoveToVersionId: &two}), "InvalidParameterException", "RemoveFromVersionId can't be empty")
	wantCode(t, move(sdk.UpdateSecretVersionStageInput{VersionStage: new("AWSCURRENT"), RemoveFromVersionId: &one}), "InvalidParameterException", "only move staging label AWSCURRENT")
	if err := move(sdk.UpdateSecretVersionStageInput{VersionStage: new("AWSCURRENT"), MoveToVersionId: &two, RemoveFromVersionId: &one}); err != nil {
		t.Fatal(err)
	}
	if err := move(sdk.UpdateSecretVersionStageInput{VersionStage: new("AWSPENDING"), RemoveFromVersionId: &two}); err != nil {
		t.Fatal(err)
	}
	want(map[string][]string{one: {"AWSPREVIOUS"}, two: {"AWSCURRENT"}})
	three := put("three")
	want(map[string][]string{two: {"AWSPREVIOUS"}, three: {"AWSCURRENT"}})

	// The first version has no stage any more, and is still there by its id.
	if got := get(t, c, &sdk.GetSecretValueInput{SecretId: new("s"), VersionId: &one}); got != "one" {
		t.Errorf("deprecated is %q", got)
	}
	list, err := c.ListSecretVersionIds(t.Context(), &sdk.ListSecretVersionIdsInput{SecretId: new("s")})
	if err != nil || len(list.Versions) != 2 {
		t.Errorf("%d versions, %v", len(list.Versions), err)
	}
	list, err = c.ListSecretVersionIds(t.Context(), &sdk.ListSecretVersionIdsInput{SecretId: new("s"), IncludeDeprecated: new(true), MaxResults: new(int32(2))})
	if err != nil || len(list.Versions) != 2 || list.NextToken == nil {
		t.Errorf("%d versions, token %v, %v", len(list.Versions), list.NextToken, err)
	}

	_, err = c.GetSecretValue(t.Context(), &sdk.GetSecretValueInput{SecretId: new("s"), VersionId: &one, VersionStage: new("AWSCURRENT")})
	wantCode(t, err, "InvalidRequestException", "not associated")
	_, err = c.GetSecretValue(t.Context(), &sdk.GetSecretValueInput{SecretId: new("s"), VersionStage: new("nobody")})
	wantCode(t, err, "ResourceNotFoundException", "for staging label: nobody")
	_, err = c.GetSecretValue(t.Context(), &sdk.GetSecretValueInput{SecretId: new("s"), VersionId: new(uuid.NewString())})
	wantCode(t, err, "ResourceNotFoundException", "for VersionId")
}

func TestDeletionCanBeTakenBackUntilItsWindowEnds(t *testing.T) {
	e := newEndpoint(t)
	c := e.client(t)
	create(t, c, "s", "v")
	for _, days := range []int64{6, 31} {
		_, err := c.DeleteSecret(t.Context(), &sdk.DeleteSecretInput{SecretId: new("s"), RecoveryWindowInDays: &days})
		wantCode(t, err, "InvalidParameterException", "between 7 and 30")
	}
	out, err := c.DeleteSecret(t.Context(), &sdk.DeleteSecretInput{SecretId: new("s"), RecoveryWindowInDays: new(int64(7))})
	if err != nil || out.DeletionDate.Sub(e.now).Round(time.Hour) != 7*24*time.Hour {
		t.Fatal(out, err)
	}
	_, err = c.GetSecretValue(t.Context(), &sdk.GetSecretValueInput{SecretId: new("s")})
	wantCode(t, err, "InvalidRequestException", "marked for deletion")
	_, err = c.CreateSecret(t.Context(), &sdk.CreateSecretInput{Name: new("s"), SecretString: new("w")})
	wantCode(t, err, "InvalidRequestException", "already scheduled for deletion")
	if list, err := c.ListSecrets(t.Context(), &sdk.ListSecretsInput{}); err != nil || len(list.SecretList) != 0 {
		t.Errorf("listed: %v, %v", list.SecretList, err)
	}
	if _, err := c.RestoreSecret(t.Context(), &sdk.RestoreSecretInput{SecretId: new("s")}); err != nil {
		t.Fatal(err)
	}
	if got := get(t, c, &sdk.GetSecretValueInput{SecretId: new("s")}); got != "v" {
		t.Errorf("restored: %q", got)
	}

	if _, err := c.DeleteSecret(t.Context(), &sdk.DeleteSecretInput{SecretId: new("s")}); err != nil {
		t.Fatal(err)
	}
	e.now = e.now.Add(30 * 24 * time.Hour)
	_, err = c.RestoreSecret(t.Context(), &sdk.RestoreSecretInput{SecretId: new("s")})
	wantCode(t, err, "ResourceNotFoundException", "")
	if err := e.room.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	create(t, c, "s", "new")
	if got := get(t, c, &sdk.GetSecretValueInput{SecretId: new("s")}); got != "new" {
		t.Errorf("made again: %q", got)
	}
	if _, err := c.DeleteSecret(t.Context(), &sdk.DeleteSecretInput{SecretId: new("s"), ForceDeleteWithoutRecovery: new(true)}); err != nil {
		t.Fatal(err)
	}
	create(t, c, "s", "at once")
}

func TestUpdate(t *testing.T) {
	c := newEndpoint(t).client(t)
	create(t, c, "s", "one")
	out, err := c.UpdateSecret(t.Context(), &sdk.UpdateSecretInput{SecretId: new("s"), Description: new("of the database")})
	if err != nil || out.VersionId != nil {
		t.Fatal(out, err)
	}
	out, err = c.UpdateSecret(t.Context(), &sdk.UpdateSecretInput{SecretId: new("s"), SecretBinary: []byte{0, 1, 255}})
	if err != nil || out.VersionId == nil {
		t.Fatal(out, err)
	}
	got, err := c.GetSecretValue(t.Context(), &sdk.GetSecretValueInput{SecretId: new("s")})
	if err != nil || !bytes.Equal(got.SecretBinary, []byte{0, 1, 255}) || got.SecretString != nil {
		t.Error(got, err)
	}
	d, err := c.DescribeSecret(t.Context(), &sdk.DescribeSecretInput{SecretId: new("s")})
	if err != nil || aws.ToString(d.Description) != "of the database" || d.LastAccessedDate == nil {
		t.Error(d, err)
	}
}

func TestListsFilterSortAndPage(t *testing.T) {
	e := newEndpoint(t)
	c := e.client(t)
	for _, name := range []string{"b", "a", "prod/a", "prod/b"} {
		e.now = e.now.Add(time.Second)
		_, err := c.CreateSecret(t.Context(), &sdk.CreateSecretInput{
			Name: &name, SecretString: new("of " + name), Description: new("Key of " + name),
			Tags: []types.Tag{{Key: new("env"), Value: new(name[:1])}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	names := func(in sdk.ListSecretsInput) (all []string) {
		t.Helper()
		for {
			out, err := c.ListSecrets(t.Context(), &in)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range out.SecretList {
				all = append(all, *s.Name)
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				return all
			}
		}
	}
	filter := func(key types.FilterNameStringType, values ...string) []types.Filter {
		return []types.Filter{{Key: key, Values: values}}
	}
	for name, tc := range map[string]struct {
		in   sdk.ListSecretsInput
		want string
	}{
		"all":                      {sdk.ListSecretsInput{}, "a b prod/a prod/b"},
		"pages of one":             {sdk.ListSecretsInput{MaxResults: new(int32(1))}, "a b prod/a prod/b"},
		"newest first, by pages":   {sdk.ListSecretsInput{MaxResults: new(int32(3)), SortBy: types.SortByTypeName}, "prod/b prod/a b a"},
		"in the order of making":   {sdk.ListSecretsInput{SortBy: types.SortByTypeCreatedDate, SortOrder: types.SortOrderTypeAsc, MaxResults: new(int32(1))}, "b a prod/a prod/b"},
		"by name":                  {sdk.ListSecretsInput{Filters: filter("name", "prod")}, "prod/a prod/b"},
		"without a name":           {sdk.ListSecretsInput{Filters: filter("name", "!prod")}, "a b"},
		"by a word":                {sdk.ListSecretsInput{Filters: filter("description", "KEY")}, "a b prod/a prod/b"},
		"by tag":                   {sdk.ListSecretsInput{Filters: filter("tag-value", "a", "b")}, "a b"},
		"by anything":              {sdk.ListSecretsInput{Filters: filter("all", "prod")}, "prod/a prod/b"},
		"by nothing that there is": {sdk.ListSecretsInput{Filters: filter("tag-key", "x")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(names(tc.in), " "); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	_, err := c.ListSecrets(t.Context(), &sdk.ListSecretsInput{NextToken: new("nonsense")})
	wantCode(t, err, "InvalidNextTokenException", "")

	batch, err := c.BatchGetSecretValue(t.Context(), &sdk.BatchGetSecretValueInput{SecretIdList: []string{"a", "nobody"}})
	if err != nil || len(batch.SecretValues) != 1 || *batch.SecretValues[0].SecretString != "of a" || len(batch.Errors) != 1 || *batch.Errors[0].ErrorCode != "ResourceNotFoundException" {
		t.Errorf("batch: %+v, %v", batch, err)
	}
	batch, err = c.BatchGetSecretValue(t.Context(), &sdk.BatchGetSecretValueInput{Filters: filter("name", "prod"), MaxResults: new(int32(1))})
	if err != nil || len(batch.SecretValues) != 1 || batch.NextToken == nil {
		t.Errorf("batch: %+v, %v", batch, err)
	}
}

func TestPoliciesAndTags(t *testing.T) {
	c := newEndpoint(t).client(t)
	create(t, c, "s", "v")
	_, err := c.PutResourcePolicy(t.Context(), &sdk.PutResourcePolicyInput{SecretId: new("s"), ResourcePolicy: new("no json")})
	wantCode(t, err, "MalformedPolicyDocumentException", "")
	policy := `{"Version":"2012-10-17","Statement":[]}`
	if _, err := c.PutResourcePolicy(t.Context(), &sdk.PutResourcePolicyInput{SecretId: new("s"), ResourcePolicy: &policy}); err != nil {
		t.Fatal(err)
	}
	if out, err := c.GetResourcePolicy(t.Context(), &sdk.GetResourcePolicyInput{SecretId: new("s")}); err != nil || aws.ToString(out.ResourcePolicy) != policy {
		t.Error(out, err)
	}
	if _, err := c.DeleteResourcePolicy(t.Context(), &sdk.DeleteResourcePolicyInput{SecretId: new("s")}); err != nil {
		t.Error(err)
	}
	if _, err := c.TagResource(t.Context(), &sdk.TagResourceInput{SecretId: new("s"), Tags: []types.Tag{{Key: new("k"), Value: new("v")}, {Key: new("l"), Value: new("w")}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.UntagResource(t.Context(), &sdk.UntagResourceInput{SecretId: new("s"), TagKeys: []string{"k"}}); err != nil {
		t.Fatal(err)
	}
	if out, err := c.DescribeSecret(t.Context(), &sdk.DescribeSecretInput{SecretId: new("s")}); err != nil || len(out.Tags) != 1 || *out.Tags[0].Key != "l" {
		t.Error(out, err)
	}
}

func TestRandomPassword(t *testing.T) {
	c := newEndpoint(t).client(t)
	out, err := c.GetRandomPassword(t.Context(), &sdk.GetRandomPasswordInput{PasswordLength: new(int64(4))})
	if err != nil {
		t.Fatal(err)
	}
	for _, letters := range []string{"abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"} {
		if !strings.ContainsAny(*out.RandomPassword, letters) {
			t.Errorf("%q has none of %s", *out.RandomPassword, letters)
		}
	}
	out, err = c.GetRandomPassword(t.Context(), &sdk.GetRandomPasswordInput{
		PasswordLength: new(int64(500)), ExcludePunctuation: new(true), ExcludeUppercase: new(true), ExcludeLowercase: new(true), ExcludeCharacters: new("01234"),
	})
	if err != nil || len(*out.RandomPassword) != 500 || strings.Trim(*out.RandomPassword, "56789") != "" {
		t.Error(out, err)
	}
	_, err = c.GetRandomPassword(t.Context(), &sdk.GetRandomPasswordInput{PasswordLength: new(int64(3))})
	wantCode(t, err, "InvalidParameterException", "too short")
}

// Nothing of a value is readable in the store's files.
func TestValuesAreEncryptedAtRest(t *testing.T) {
	e := newEndpoint(t)
	c := e.client(t)
	const value = "hunter2-hunter2-hunter2"
	create(t, c, "s", value)
	files := 0
	err := filepath.WalkDir(e.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(value)) || bytes.Contains(b, []byte("aHVudGVyMi1odW50ZXIyLWh1bnRlcjI")) {
			t.Errorf("%s holds the value", path)
		}
		files++
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files, %v", files, err)
	}
}
