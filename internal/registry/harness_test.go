package registry_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/smithy-go"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/slipway/slipway/internal/authz"
	"github.com/slipway/slipway/internal/registry"
	"github.com/slipway/slipway/internal/service/ecr"
	"github.com/slipway/slipway/internal/service/ecr/ecrapi"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/service/iam/iamtest"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/wire"
)

// endpoint is a server with the registry and the API beside each other, as a
// client meets them.
type endpoint struct {
	dir  string
	srv  *httptest.Server
	iam  *iam.Room
	room *ecr.Room
	log  *logged
	stop func()
}

// logged keeps what the server logs.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// newEndpoint serves what is in dir.
func newEndpoint(t *testing.T, dir string) *endpoint {
	t.Helper()
	e, err := serve(t.Context(), dir, registry.StorageConfig{Root: filepath.Join(dir, "registry")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.stop)
	return e
}

func serve(ctx context.Context, dir string, cfg registry.StorageConfig) (*endpoint, error) {
	st, err := store.Open(ctx, store.Config{Dir: filepath.Join(dir, "store")}, slices.Concat(iam.Tables(), ecr.Tables())...)
	if err != nil {
		return nil, err
	}
	contents, err := registry.OpenStorage(ctx, cfg)
	if err != nil {
		return nil, err
	}
	e := &endpoint{dir: dir, iam: iam.New(st, iam.Config{}), log: &logged{}}
	log := slog.New(slog.NewTextHandler(e.log, nil))
	front := http.NewServeMux()
	e.srv = httptest.NewServer(front)
	host := strings.TrimPrefix(e.srv.URL, "http://")
	e.room = ecr.New(st, ecr.Config{RegistryHost: host, Contents: contents, Log: log})
	guard := authz.New(e.iam)
	reg, err := registry.New(ctx, registry.Config{Storage: contents, Room: e.room, Allowed: guard.AuthorizeKey, Log: log})
	if err != nil {
		return nil, err
	}
	mux := wire.NewMux(wire.Config{Keys: guard, Authorizer: guard, Log: log})
	ecrapi.Register(mux, e.room)
	front.Handle("/", mux)
	front.Handle("/v2/", reg)
	e.stop = sync.OnceFunc(func() {
		e.srv.Close()
		reg.Close()
		st.Close()
	})
	return e, nil
}

// client is one account's view of the endpoint.
type client struct {
	*sdk.Client
	t    *testing.T
	e    *endpoint
	key  iam.AccessKey
	auth authn.Authenticator
}

func (e *endpoint) account(t *testing.T) *client {
	t.Helper()
	_, key, err := e.iam.CreateAccount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return e.client(t, key)
}

func (e *endpoint) client(t *testing.T, key iam.AccessKey) *client {
	t.Helper()
	c := &client{t: t, e: e, key: key, Client: sdk.NewFromConfig(sdkConfig(e.srv.URL, "us-east-1", key))}
	out, err := c.GetAuthorizationToken(t.Context(), &sdk.GetAuthorizationTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	data := out.AuthorizationData[0]
	if *data.ProxyEndpoint != e.srv.URL {
		t.Errorf("proxy endpoint is %s, want %s", *data.ProxyEndpoint, e.srv.URL)
	}
	plain, err := base64.StdEncoding.DecodeString(*data.AuthorizationToken)
	if err != nil {
		t.Fatal(err)
	}
	user, password, _ := strings.Cut(string(plain), ":")
	c.auth = &authn.Basic{Username: user, Password: password}
	return c
}

// create makes a repository and returns its URI.
func (c *client) create(in *sdk.CreateRepositoryInput) string {
	c.t.Helper()
	out, err := c.CreateRepository(c.t.Context(), in)
	if err != nil {
		c.t.Fatal(err)
	}
	return *out.Repository.RepositoryUri
}

func (c *client) options() []remote.Option {
	return []remote.Option{remote.WithAuth(c.auth), remote.WithContext(c.t.Context()), remote.WithRetryBackoff(remote.Backoff{Steps: 1})}
}

func (c *client) push(ref string, img v1.Image) error {
	c.t.Helper()
	return remote.Write(parsed(c.t, ref), img, c.options()...)
}

func (c *client) pull(ref string) (v1.Image, error) {
	c.t.Helper()
	return remote.Image(parsed(c.t, ref), c.options()...)
}

// wantPull checks that ref is the image, down to the bytes of its layers.
func (c *client) wantPull(ref string, want v1.Image) {
	c.t.Helper()
	got, err := c.pull(ref)
	if err != nil {
		c.t.Errorf("pull %s: %v", ref, err)
		return
	}
	if digest(c.t, got) != digest(c.t, want) {
		c.t.Errorf("%s is %s, want %s", ref, digest(c.t, got), digest(c.t, want))
	}
	layers, err := got.Layers()
	if err != nil {
		c.t.Error(err)
	}
	for _, l := range layers {
		if _, err := l.Digest(); err != nil {
			c.t.Error(err)
		}
		r, err := l.Uncompressed() // checks the digest as it is read
		if err != nil {
			c.t.Error(err)
			continue
		}
		if _, err := new(bytes.Buffer).ReadFrom(r); err != nil {
			c.t.Errorf("layer of %s: %v", ref, err)
		}
		r.Close()
	}
}

func parsed(t *testing.T, ref string) name.Reference {
	t.Helper()
	r, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func randomImage(t *testing.T) v1.Image {
	t.Helper()
	img, err := random.Image(4096, 2)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func digest(t *testing.T, img interface{ Digest() (v1.Hash, error) }) string {
	t.Helper()
	h, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h.String()
}

func wantCode(t *testing.T, err error, code, text string) {
	t.Helper()
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok || e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), text) {
		t.Errorf("got %v, want %s: %s", err, code, text)
	}
}

// do sends a raw request to the registry.
func (c *client) do(method, path string, header ...string) *http.Response {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.e.srv.URL+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if c.auth != nil {
		cfg, _ := c.auth.Authorization()
		req.SetBasicAuth(cfg.Username, cfg.Password)
	}
	for n := 0; n+1 < len(header); n += 2 {
		if header[n] == "Host" {
			req.Host = header[n+1]
			continue
		}
		req.Header.Set(header[n], header[n+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { res.Body.Close() })
	return res
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
