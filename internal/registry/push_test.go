package registry_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	media "github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/slipway/slipway/internal/service/iam"
)

// wantRegistryError checks the status and the words of a refusal.
func wantRegistryError(t *testing.T, err error, status int, code transport.ErrorCode, text string) {
	t.Helper()
	e, ok := errors.AsType[*transport.Error](err)
	if !ok || e.StatusCode != status || len(e.Errors) == 0 || e.Errors[0].Code != code || !strings.Contains(e.Errors[0].Message, text) {
		t.Errorf("got %v, want %d %s: %s", err, status, code, text)
	}
}

func TestPushAndPull(t *testing.T) {
	e := newEndpoint(t, t.TempDir())
	c := e.account(t)
	uri := c.create(&sdk.CreateRepositoryInput{RepositoryName: new("team/web")})
	if want := strings.TrimPrefix(e.srv.URL, "http://") + "/team/web"; uri != want {
		t.Fatalf("repository URI is %s, want %s", uri, want)
	}

	docker := randomImage(t)
	oci := mutate.ConfigMediaType(mutate.MediaType(randomImage(t), media.OCIManifestSchema1), media.OCIConfigJSON)
	for tag, img := range map[string]v1.Image{"docker": docker, "oci": oci} {
		if err := c.push(uri+":"+tag, img); err != nil {
			t.Fatal(err)
		}
		c.wantPull(uri+":"+tag, img)
		c.wantPull(uri+"@"+digest(t, img), img)
	}
	if err := c.push(uri+":docker", docker); err != nil {
		t.Errorf("the same push again: %v", err)
	}

	index, err := random.Index(2048, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(parsed(t, uri+":multi"), index, c.options()...); err != nil {
		t.Fatal(err)
	}
	if got, err := remote.Index(parsed(t, uri+":multi"), c.options()...); err != nil || digest(t, got) != digest(t, index) {
		t.Errorf("index %v, %v", got, err)
	}

	tags, err := remote.List(parsed(t, uri+":x").Context(), c.options()...)
	if err != nil || !slices.Equal(tags, []string{"docker", "multi", "oci"}) {
		t.Errorf("tags %v, %v", tags, err)
	}
	if log := e.log.String(); log != "" {
		t.Errorf("logged:\n%s", log)
	}
}

func TestTagListIsPaged(t *testing.T) {
	e := newEndpoint(t, t.TempDir())
	c := e.account(t)
	uri := c.create(&sdk.CreateRepositoryInput{RepositoryName: new("web")})
	img := randomImage(t)
	var want []string
	for _, tag := range []string{"a", "b", "c", "d", "e"} {
		if err := c.push(uri+":"+tag, img); err != nil {
			t.Fatal(err)
		}
		want = append(want, tag)
	}
	got, err := remote.List(parsed(t, uri+":x").Context(), append(c.options(), remote.WithPageSize(2))...)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("tags %v, %v; want %v", got, err, want)
	}
}

func TestRepositoryMustExist(t *testing.T) {
	e := newEndpoint(t, t.TempDir())
	c := e.account(t)
	uri := strings.TrimPrefix(e.srv.URL, "http://") + "/nobody/made-this"
	text := "The repository with name 'nobody/made-this' does not exist in the registry with id '" + c.key.Account + "'"
	wantRegistryError(t, c.push(uri+":v1", randomImage(t)), http.StatusNotFound, transport.NameUnknownErrorCode, text)
	_, err := c.pull(uri + ":v1")
	wantRegistryError(t, err, http.StatusNotFound, transport.NameUnknownErrorCode, text)

	made := c.create(&sdk.CreateRepositoryInput{RepositoryName: new("made")})
	_, err = c.pull(made + ":never-pushed")
	wantRegistryError(t, err, http.StatusNotFound, transport.ManifestUnknownErrorCode, "Requested image not found")
}

func TestNamesLikePartsOfPaths(t *testing.T) {
	e := newEndpoint(t, t.TempDir())
	c := e.account(t)
	for _, name := range []string{"team/blobs/app", "team/manifests/app", "team/blobs/uploads"} {
		uri := c.create(&sdk.CreateRepositoryInput{RepositoryName: &name})
		img := randomImage(t)
		if err := c.push(uri+":v1", img); err != nil {
			t.Errorf("push to %s: %v", name, err)
			continue
		}
		if _, err := c.pull(uri + ":v1"); err != nil {
			t.Errorf("pull from %s: %v", name, err)
		}
	}
}

func TestAccountsAndRegionsAreIsolated(t *testing.T) {
	e := newEndpoint(t, t.TempDir())
	alice, bob := e.account(t), e.account(t)
	uri := alice.create(&sdk.CreateRepositoryInput{RepositoryName: new("web")})
	img := randomImage(t)
	if err := alice.push(uri+":v1", img); err != nil {
		t.Fatal(err)
	}
	if _, err := bob.pull(uri + ":v1"); err == nil {
		t.Fatal("another account pulls the image")
	}
	bob.create(&sdk.CreateRepositoryInput{RepositoryName: new("web")})
	if _, err := bob.pull(uri + "@" + digest(t, img)); err == nil {
		t.Error("another account pulls the image by its digest")
	}
	layers, _ := img.Layers()
	layer, _ := layers[0].Digest()
	if res := bob.do(http.MethodHead, "/v2/web/blobs/"+layer.String()); res.StatusCode != http.StatusNotFound {
		t.Errorf("another account's layer: %s", res.Status)
	}
	// Mounting must not reach into the other account either.
	if res := bob.do(http.MethodPost, "/v2/web/blobs/uploads/?mount="+layer.String()+"&from=web"); res.StatusCode != http.StatusAccepted {
		t.Errorf("mount of another account's layer: %s, want an ordinary upload", res.Status)
	}
	other := randomImage(t)
	if err := bob.push(uri+":v1", other); err != nil {
		t.Fatal(err)
	}
	alice.wantPull(uri+":v1", img)
	bob.wantPull(uri+":v1", other)
}

func TestTokens(t *testing.T) {
	e := newEndpoint(t, t.TempDir())
	c := e.account(t)
	c.create(&sdk.CreateRepositoryInput{RepositoryName: new("web")})
	good, _ := c.auth.Authorization()
	for name, login := range map[string][2]string{
		"no user":      {"", ""},
		"wrong user":   {"root", good.Password},
		"wrong token":  {"AWS", "hunter2"},
		"cut token":    {"AWS", good.Password[:len(good.Password)-2]},
		"secret key":   {c.key.ID, c.key.Secret},
		"empty signed": {"AWS", "."},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/v2/", "/v2/web/tags/list", "/v2/web/manifests/v1", "/v2/_catalog"} {
				req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, e.srv.URL+path, nil)
				if login[0] != "" {
					req.SetBasicAuth(login[0], login[1])
				}
				res, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				res.Body.Close()
				if h := res.Header.Get("WWW-Authenticate"); res.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(h, "Basic realm=") {
					t.Errorf("%s: %s with %q", path, res.Status, h)
				}
			}
		})
	}
	if res := c.do(http.MethodGet, "/v2/"); res.StatusCode != http.StatusOK {
		t.Errorf("a good token: %s", res.Status)
	}
	if res := c.do(http.MethodGet, "/v2/_catalog"); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("the catalog: %s", res.Status)
	}
}

func TestInstancesPullOnly(t *testing.T) {
	e := newEndpoint(t, t.TempDir())
	owner := e.account(t)
	uri := owner.create(&sdk.CreateRepositoryInput{RepositoryName: new("web")})
	img := randomImage(t)
	if err := owner.push(uri+":v1", img); err != nil {
		t.Fatal(err)
	}
	var key iam.AccessKey
	key, err := e.iam.IssueInstanceKey(t.Context(), owner.key.Account, "i-0123456789abcdef0")
	if err != nil {
		t.Fatal(err)
	}
	instance := e.client(t, key)
	instance.wantPull(uri+":v1", img)
	wantRegistryError(t, instance.push(uri+":v2", randomImage(t)), http.StatusForbidden, transport.DeniedErrorCode,
		"User: "+key.Principal+" is not authorized to perform: ecr:")
	_, err = instance.CreateRepository(t.Context(), &sdk.CreateRepositoryInput{RepositoryName: new("other")})
	wantCode(t, err, "AccessDeniedException", "is not authorized to perform: ecr:CreateRepository")

	if err := e.iam.RevokeInstanceKey(t.Context(), owner.key.Account, "i-0123456789abcdef0"); err != nil {
		t.Fatal(err)
	}
	if _, err := instance.pull(uri + ":v1"); err == nil {
		t.Error("a token works on after its key was revoked")
	}
}

func TestImmutableTags(t *testing.T) {
	e := newEndpoint(t, t.TempDir())
	c := e.account(t)
	uri := c.create(&sdk.CreateRepositoryInput{RepositoryName: new("web"), ImageTagMutability: types.ImageTagMutabilityImmutable})
	img, other := randomImage(t), randomImage(t)
	if err := c.push(uri+":v1", img); err != nil {
		t.Fatal(err)
	}
	wantRegistryError(t, c.push(uri+":v1", other), http.StatusBadRequest, transport.TagInvalidErrorCode,
		"The image tag 'v1' already exists in the 'web' repository and cannot be overwritten because the tag is immutable.")
	c.wantPull(uri+":v1", img)
	if err := c.push(uri+":v1", img); err != nil {
		t.Errorf("the same image under the same tag: %v", err)
	}
	_, err := c.PutImageTagMutability(t.Context(), &sdk.PutImageTagMutabilityInput{
		RepositoryName: new("web"), ImageTagMutability: types.ImageTagMutabilityMutable,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.push(uri+":v1", other); err != nil {
		t.Fatal(err)
	}
	c.wantPull(uri+":v1", other)
}

// Of many pushes to one immutable tag one wins, and the tag is that one's.
func TestConcurrentPushes(t *testing.T) {
	e := newEndpoint(t, t.TempDir())
	c := e.account(t)
	uri := c.create(&sdk.CreateRepositoryInput{RepositoryName: new("web"), ImageTagMutability: types.ImageTagMutabilityImmutable})
	images := make([]v1.Image, 6)
	errs := make([]error, len(images))
	for n := range images {
		images[n] = randomImage(t)
	}
	var wg sync.WaitGroup
	for n, img := range images {
		wg.Go(func() { errs[n] = c.push(uri+":v1", img) })
		wg.Go(func() {
			if err := c.push(uri+":own-"+string(rune('a'+n)), img); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	winner := -1
	for n, err := range errs {
		if err == nil && winner >= 0 {
			t.Errorf("pushes %d and %d both won the tag", winner, n)
		}
		if err == nil {
			winner = n
			continue
		}
		wantRegistryError(t, err, http.StatusBadRequest, transport.TagInvalidErrorCode, "immutable")
	}
	if winner < 0 {
		t.Fatal("nobody won the tag")
	}
	c.wantPull(uri+":v1", images[winner])
	for n, img := range images {
		c.wantPull(uri+":own-"+string(rune('a'+n)), img)
	}
}

func TestMountAcrossRepositories(t *testing.T) {
	e := newEndpoint(t, t.TempDir())
	c := e.account(t)
	from := c.create(&sdk.CreateRepositoryInput{RepositoryName: new("from")})
	to := c.create(&sdk.CreateRepositoryInput{RepositoryName: new("to")})
	img := randomImage(t)
	if err := c.push(from+":v1", img); err != nil {
		t.Fatal(err)
	}
	layers, _ := img.Layers()
	for _, l := range layers {
		d, _ := l.Digest()
		res := c.do(http.MethodPost, "/v2/to/blobs/uploads/?mount="+d.String()+"&from=from")
		if want := e.srv.URL + "/v2/to/blobs/" + d.String(); res.StatusCode != http.StatusCreated || res.Header.Get("Location") != want {
			t.Errorf("mount: %s at %s, want %s", res.Status, res.Header.Get("Location"), want)
		}
	}
	pulled, err := c.pull(from + ":v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.push(to+":v1", pulled); err != nil {
		t.Fatal(err)
	}
	c.wantPull(to+":v1", img)
	if res := c.do(http.MethodPost, "/v2/to/blobs/uploads/?mount=sha256:"+strings.Repeat("0", 64)+"&from=nowhere"); res.StatusCode != http.StatusAccepted {
		t.Errorf("mount from nowhere: %s, want an ordinary upload", res.Status)
	}
}

// Clients follow Location headers, so these must have the names that the client
// used: of the repository, and of the host.
func TestLocationsAreTheClients(t *testing.T) {
	e := newEndpoint(t, t.TempDir())
	c := e.account(t)
	c.create(&sdk.CreateRepositoryInput{RepositoryName: new("team/web")})
	res := c.do(http.MethodPost, "/v2/team/web/blobs/uploads/", "Host", "registry.example.org:8443")
	location := res.Header.Get("Location")
	if !strings.HasPrefix(location, "http://registry.example.org:8443/v2/team/web/blobs/uploads/") || strings.Contains(location, c.key.Account) {
		t.Errorf("%s at %s", res.Status, location)
	}
}

func TestBlobRangesAndHead(t *testing.T) {
	e := newEndpoint(t, t.TempDir())
	c := e.account(t)
	uri := c.create(&sdk.CreateRepositoryInput{RepositoryName: new("web")})
	img := randomImage(t)
	if err := c.push(uri+":v1", img); err != nil {
		t.Fatal(err)
	}
	layers, _ := img.Layers()
	d, _ := layers[0].Digest()
	size, _ := layers[0].Size()
	path := "/v2/web/blobs/" + d.String()
	if res := c.do(http.MethodHead, path); res.StatusCode != http.StatusOK || res.ContentLength != size {
		t.Errorf("HEAD: %s with %d bytes, want %d", res.Status, res.ContentLength, size)
	}
	if res := c.do(http.MethodGet, path, "Range", "bytes=100-199"); res.StatusCode != http.StatusPartialContent || res.ContentLength != 100 {
		t.Errorf("range: %s with %d bytes", res.Status, res.ContentLength)
	}
	if res := c.do(http.MethodDelete, path); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("DELETE of a layer: %s", res.Status)
	}
	if res := c.do(http.MethodHead, "/v2/web/manifests/v1", "Accept", string(media.DockerManifestSchema2)); res.Header.Get("Docker-Content-Digest") != digest(t, img) {
		t.Errorf("HEAD of the manifest: %s, %v", res.Status, res.Header)
	}
}

func TestDeleteThroughTheRegistry(t *testing.T) {
	e := newEndpoint(t, t.TempDir())
	c := e.account(t)
	uri := c.create(&sdk.CreateRepositoryInput{RepositoryName: new("web")})
	img := randomImage(t)
	for _, tag := range []string{"v1", "v2"} {
		if err := c.push(uri+":"+tag, img); err != nil {
			t.Fatal(err)
		}
	}
	if err := remote.Delete(parsed(t, uri+":v1"), c.options()...); err != nil {
		t.Fatal(err)
	}
	c.wantPull(uri+":v2", img)
	if err := remote.Delete(parsed(t, uri+"@"+digest(t, img)), c.options()...); err != nil {
		t.Fatal(err)
	}
	if _, err := c.pull(uri + ":v2"); err == nil {
		t.Error("the image is still there")
	}
	if res := c.do(http.MethodDelete, "/v2/web/manifests/"+digest(t, img)); res.StatusCode != http.StatusNotFound {
		t.Errorf("a second deletion: %s", res.Status)
	}
}

func TestBadRequests(t *testing.T) {
	e := newEndpoint(t, t.TempDir())
	c := e.account(t)
	c.create(&sdk.CreateRepositoryInput{RepositoryName: new("web")})
	for _, q := range []struct {
		method, path string
	}{
		{http.MethodGet, "/v2/web/manifests/sha256:zz"},
		{http.MethodGet, "/v2/WEB/manifests/v1"},
		{http.MethodGet, "/v2/../../etc/passwd"},
		{http.MethodGet, "/v2/web/../../../../etc/passwd"},
		{http.MethodGet, "/v2/web%2f..%2f..%2fx/manifests/v1"},
		{http.MethodPut, "/v2/web/manifests/v1"},
		{http.MethodPatch, "/v2/web/blobs/uploads/not-an-upload"},
		{http.MethodPut, "/v2/web/blobs/uploads/not-an-upload?digest=sha256:x"},
		{http.MethodPost, "/v2/web/blobs/uploads/?mount=x&from=web/../web"},
		{http.MethodTrace, "/v2/web/manifests/v1"},
		{http.MethodGet, "/v2/web/tags/list?n=-1"},
		{http.MethodGet, "/v2/" + strings.Repeat("a/", 2000) + "manifests/v1"},
	} {
		res := c.do(q.method, q.path)
		if res.StatusCode >= 500 || res.StatusCode < 200 || res.StatusCode == http.StatusCreated {
			t.Errorf("%s %.60s: %s", q.method, q.path, res.Status)
		}
	}
	if log := e.log.String(); log != "" {
		t.Errorf("logged:\n%s", log)
	}
}

func TestRestart(t *testing.T) {
	dir := t.TempDir()
	e := newEndpoint(t, dir)
	c := e.account(t)
	c.create(&sdk.CreateRepositoryInput{RepositoryName: new("web")})
	img := randomImage(t)
	if err := c.push(strings.TrimPrefix(e.srv.URL, "http://")+"/web:v1", img); err != nil {
		t.Fatal(err)
	}
	upload := c.do(http.MethodPost, "/v2/web/blobs/uploads/").Header.Get("Location")
	e.stop()

	again := newEndpoint(t, dir)
	c = &client{t: t, e: again, key: c.key, auth: c.auth} // the same token
	c.wantPull(strings.TrimPrefix(again.srv.URL, "http://")+"/web:v1", img)
	path := strings.TrimPrefix(upload, e.srv.URL)
	if res := c.do(http.MethodPatch, path, "Content-Type", "application/octet-stream"); res.StatusCode != http.StatusAccepted {
		t.Errorf("an upload from before the restart goes on with %s", res.Status)
	}
}
