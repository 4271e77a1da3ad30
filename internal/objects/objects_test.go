package objects_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/slipway/slipway/internal/authz"
	"github.com/slipway/slipway/internal/objects"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/wire"
)

type endpoint struct {
	url, root string
	iam       *iam.Room
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()}, iam.Tables()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	e := &endpoint{root: t.TempDir(), iam: iam.New(st, iam.Config{})}
	guard := authz.New(e.iam)
	mux := wire.NewMux(wire.Config{Keys: guard, Authorizer: guard})
	srv := httptest.NewServer(objects.New(objects.Config{Root: e.root, Authority: mux, Log: slog.New(slog.DiscardHandler)}))
	t.Cleanup(srv.Close)
	e.url = srv.URL
	return e
}

func (e *endpoint) account(t *testing.T) (*sdk.Client, iam.AccessKey) {
	t.Helper()
	_, key, err := e.iam.CreateAccount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return e.client(key.ID, key.Secret), key
}

func (e *endpoint) client(id, secret string) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: "eu-west-1", BaseEndpoint: &e.url, UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
	})
}

// put leaves an object where an operator would.
func (e *endpoint) put(t *testing.T, account, bucket, key, text string) {
	t.Helper()
	path := filepath.Join(e.root, account, bucket, key)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

func TestObjectsAreFiles(t *testing.T) {
	e := newEndpoint(t)
	c, key := e.account(t)
	for _, name := range []string{"app.env", "a/b c/ü+&.env"} {
		e.put(t, key.Account, "config", name, "A=1\n")
		out, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: new("config"), Key: &name})
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(out.Body)
		if err != nil || string(body) != "A=1\n" {
			t.Errorf("%s: %q, %v", name, body, err)
		}
		head, err := c.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: new("config"), Key: &name})
		if err != nil || *head.ContentLength != 4 || *head.ETag != *out.ETag {
			t.Errorf("%s: %+v, %v", name, head, err)
		}
	}
	part, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: new("config"), Key: new("app.env"), Range: new("bytes=2-2")})
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(part.Body); err != nil || string(body) != "1" {
		t.Errorf("range: %q, %v", body, err)
	}
}

func TestNothingElseIsServed(t *testing.T) {
	e := newEndpoint(t)
	c, key := e.account(t)
	other, _ := e.account(t)
	e.put(t, key.Account, "config", "app.env", "secret")
	if err := os.Symlink("../../../"+filepath.Base(e.root)+"/"+key.Account, filepath.Join(e.root, key.Account, "config", "out")); err != nil {
		t.Fatal(err)
	}
	get := func(c *sdk.Client, bucket, name string) error {
		_, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: &bucket, Key: &name})
		return err
	}
	for _, name := range []string{"nobody", "out/config/app.env", "../config/app.env", "a/../app.env", "./app.env", "/app.env", "app.env/", "x\x00y"} {
		wantCode(t, get(c, "config", name), "NoSuchKey")
	}
	wantCode(t, get(c, "nobody", "app.env"), "NoSuchBucket")
	wantCode(t, get(other, "config", "app.env"), "NoSuchBucket")
	wantCode(t, get(e.client(key.ID, "wrong"), "config", "app.env"), "SignatureDoesNotMatch")
	wantCode(t, get(e.client("AKIAIOSFODNN7EXAMPLE", "wrong"), "config", "app.env"), "InvalidAccessKeyId")
	_, err := c.ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: new("config")})
	wantCode(t, err, "NotImplemented")
	_, err = c.GetObjectAcl(t.Context(), &sdk.GetObjectAclInput{Bucket: new("config"), Key: new("app.env")})
	wantCode(t, err, "NotImplemented")
	_, err = c.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: new("config"), Key: new("app.env")})
	wantCode(t, err, "NotImplemented")
}
