package registry_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/ecr"
	storagedriver "github.com/distribution/distribution/v3/registry/storage/driver"
	"github.com/distribution/distribution/v3/registry/storage/driver/factory"
	"github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/slipway/slipway/internal/registry"
	"github.com/slipway/slipway/internal/service/iam"
)

// crowded is a filesystem whose disk can be full.
type crowded struct {
	storagedriver.StorageDriver
	root string
	full *atomic.Bool
}

func (d *crowded) check(path string) error {
	if d.full.Load() {
		return &fs.PathError{Op: "write", Path: filepath.Join(d.root, path), Err: syscall.ENOSPC}
	}
	return nil
}

func (d *crowded) PutContent(ctx context.Context, path string, content []byte) error {
	if err := d.check(path); err != nil {
		return err
	}
	return d.StorageDriver.PutContent(ctx, path, content)
}

func (d *crowded) Writer(ctx context.Context, path string, add bool) (storagedriver.FileWriter, error) {
	w, err := d.StorageDriver.Writer(ctx, path, add)
	if err != nil {
		return nil, err
	}
	return &crowdedWriter{FileWriter: w, driver: d, path: path}, nil
}

type crowdedWriter struct {
	storagedriver.FileWriter
	driver *crowded
	path   string
}

func (w *crowdedWriter) Write(p []byte) (int, error) {
	if err := w.driver.check(w.path); err != nil {
		return 0, err
	}
	return w.FileWriter.Write(p)
}

func (*crowded) Create(_ context.Context, p map[string]any) (storagedriver.StorageDriver, error) {
	root := p["root"].(string)
	fs := filesystem.New(filesystem.DriverParameters{RootDirectory: root, MaxThreads: 100})
	return &crowded{StorageDriver: fs, root: root, full: p["full"].(*atomic.Bool)}, nil
}

var registerCrowded = sync.OnceFunc(func() { factory.Register("crowded", &crowded{}) })

func TestFullDisk(t *testing.T) {
	registerCrowded()
	dir := t.TempDir()
	root := filepath.Join(dir, "registry")
	full := new(atomic.Bool)
	e, err := serve(t.Context(), dir, registry.StorageConfig{Driver: "crowded", Parameters: map[string]any{"root": root, "full": full}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.stop)
	c := e.account(t)
	uri := c.create(&sdk.CreateRepositoryInput{RepositoryName: new("web")})
	before, after := randomImage(t), randomImage(t)
	if err := c.push(uri+":before", before); err != nil {
		t.Fatal(err)
	}

	upload := strings.TrimPrefix(c.do(http.MethodPost, "/v2/web/blobs/uploads/").Header.Get("Location"), e.srv.URL)
	full.Store(true)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPatch, e.srv.URL+upload, strings.NewReader(strings.Repeat("x", 1<<16)))
	login, _ := c.auth.Authorization()
	req.SetBasicAuth(login.Username, login.Password)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if res.StatusCode < 500 || !strings.Contains(string(body), "no space left") || strings.Contains(string(body), root) {
		t.Errorf("a layer on a full disk: %s, %s", res.Status, body)
	}
	if left, _ := filepath.Glob(root + "/docker/registry/v2/repositories/*/*/*/_uploads/*/data"); len(left) != 0 {
		t.Errorf("the failed upload still takes space: %v", left)
	}
	if err := c.push(uri+":after", after); err == nil {
		t.Error("a push to a full disk succeeds")
	} else if e, ok := errors.AsType[*transport.Error](err); !ok || e.StatusCode < 500 || strings.Contains(err.Error(), root) {
		t.Errorf("a push to a full disk: %v", err)
	}
	c.wantPull(uri+":before", before)
	if log := e.log.String(); !strings.Contains(log, "registry storage is full") {
		t.Errorf("the operator is told: %q", log)
	}

	full.Store(false)
	if err := c.push(uri+":after", after); err != nil {
		t.Fatalf("with space again: %v", err)
	}
	c.wantPull(uri+":after", after)
}

// childDir, in the environment, makes the test binary serve that directory.
const childDir = "SLIPWAY_TEST_REGISTRY_DIR"

// hello is what a child prints when it serves.
type hello struct {
	URL string
	Key iam.AccessKey
}

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// child serves until it is killed or its parent has gone.
func child(dir string) error {
	e, err := serve(context.Background(), dir, registry.StorageConfig{Root: filepath.Join(dir, "registry")})
	if err != nil {
		return err
	}
	defer e.stop()
	key, err := e.iam.EnsureRoot(context.Background(), dir)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(hello{URL: e.srv.URL, Key: key}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// startChild serves dir in a process of its own.
func startChild(t *testing.T, dir string) (*exec.Cmd, hello) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	var h hello
	if err != nil || json.Unmarshal(line, &h) != nil {
		t.Fatalf("the child says %q (%v)", line, err)
	}
	return cmd, h
}

// What was acknowledged before a kill -9 is there after it, and what was not is
// there whole or not at all.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	cmd, h := startChild(t, dir)
	c := remoteClient(t, h)
	c.create(&sdk.CreateRepositoryInput{RepositoryName: new("web")})

	var mu sync.Mutex
	acknowledged, tried := map[string]v1.Image{}, map[string]v1.Image{}
	var wg sync.WaitGroup
	enough := make(chan struct{})
	for n := range 3 {
		wg.Go(func() {
			for k := 0; ; k++ {
				tag, img := fmt.Sprintf("v%d-%d", n, k), randomImage(t)
				mu.Lock()
				tried[tag] = img
				mu.Unlock()
				if c.push(strings.TrimPrefix(h.URL, "http://")+"/web:"+tag, img) != nil {
					return // killed
				}
				mu.Lock()
				acknowledged[tag] = img
				if len(acknowledged) == 6 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()

	_, h = startChild(t, dir)
	c = remoteClient(t, h)
	host := strings.TrimPrefix(h.URL, "http://")
	for tag, img := range acknowledged {
		c.wantPull(host+"/web:"+tag, img)
	}
	for tag, img := range tried {
		if _, err := c.pull(host + "/web:" + tag); err == nil {
			c.wantPull(host+"/web:"+tag, img)
		}
		if err := c.push(host+"/web:"+tag, img); err != nil {
			t.Errorf("push %s again: %v", tag, err)
		}
		c.wantPull(host+"/web:"+tag, img)
	}
}

// remoteClient is a client of another process's endpoint.
func remoteClient(t *testing.T, h hello) *client {
	t.Helper()
	return (&endpoint{srv: &httptest.Server{URL: h.URL}}).client(t, h.Key)
}
