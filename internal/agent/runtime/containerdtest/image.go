package containerdtest

import (
	"archive/tar"
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Registry runs an empty registry on a loopback port and gives its "host:port".
func Registry(t testing.TB) string {
	t.Helper()
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

// Image describes a test image. It always holds the program of
// testdata/program as /program.
type Image struct {
	Config v1.Config
	Files  map[string]string // path without leading slash -> contents
}

// Push makes the image and sends it to ref ("host:port/name:tag").
func Push(t testing.TB, ref string, img Image) {
	t.Helper()
	tag, err := name.ParseReference(ref, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, Build(t, img)); err != nil {
		t.Fatal(err)
	}
}

// Build makes the image: the program as one layer, the files as another.
func Build(t testing.TB, img Image) v1.Image {
	t.Helper()
	program := Program(t)
	data, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	out, err := mutate.AppendLayers(empty.Image, layer(t, map[string]string{"program": string(data)}), layer(t, img.Files))
	if err != nil {
		t.Fatal(err)
	}
	file, err := out.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Config = "linux", runtime.GOARCH, img.Config
	if out, err = mutate.ConfigFile(out, file); err != nil {
		t.Fatal(err)
	}
	return out
}

func layer(t testing.TB, files map[string]string) v1.Layer {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for path, text := range files {
		err := w.WriteHeader(&tar.Header{Name: path, Mode: 0o755, Size: int64(len(text)), Typeflag: tar.TypeReg})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buf.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	return l
}

var program = struct {
	once sync.Once
	path string
	err  error
	out  []byte
}{}

// Program builds testdata/program, once per test binary, and gives its path.
func Program(t testing.TB) string {
	t.Helper()
	program.once.Do(func() {
		dir, err := os.MkdirTemp("", "program") //nolint:usetesting // it outlives the test: others use it too, and Clean removes it
		if err != nil {
			program.err = err
			return
		}
		_, here, _, _ := runtime.Caller(0)
		program.path = filepath.Join(dir, "program")
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program.path, "./testdata/program")
		cmd.Dir = filepath.Dir(here)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		program.out, program.err = cmd.CombinedOutput()
	})
	if program.err != nil {
		t.Fatalf("build test program: %v\n%s", program.err, program.out)
	}
	return program.path
}

// Clean removes what Program made; a TestMain calls it last.
func Clean() {
	if program.path != "" {
		_ = os.RemoveAll(filepath.Dir(program.path)) // a leftover in the temporary directory harms nobody
	}
}
