// Package image makes the container images of the demo, the tests and the
// benchmarks in Go, from one static binary each, and pushes them to a registry:
// no outside registry is needed.
package image

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// FromBinary returns an image whose only program is the static binary at path,
// as /web with the given environment.
func FromBinary(path string, env ...string) (v1.Image, error) {
	layer, err := layer(path)
	if err != nil {
		return nil, fmt.Errorf("make image of %s: %w", path, err)
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, fmt.Errorf("make image of %s: %w", path, err)
	}
	cfg, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("make image of %s: %w", path, err)
	}
	cfg.OS, cfg.Architecture = "linux", "amd64"
	cfg.Config.Entrypoint = []string{"/web"}
	cfg.Config.Env = append([]string{"PATH=/"}, env...)
	return mutate.ConfigFile(img, cfg)
}

// Push pushes an image to a registry, over plain HTTP where the host is loopback.
func Push(img v1.Image, ref, user, password string) error {
	target, err := name.ParseReference(ref, name.Insecure)
	if err != nil {
		return fmt.Errorf("push %s: %w", ref, err)
	}
	auth := remote.WithAuth(&authn.Basic{Username: user, Password: password})
	if err := remote.Write(target, img, auth); err != nil {
		return fmt.Errorf("push %s: %w", ref, err)
	}
	return nil
}

func layer(path string) (v1.Layer, error) {
	binary, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	head := tar.Header{Name: "web", Mode: 0o755, Size: int64(len(binary))}
	if err := w.WriteHeader(&head); err != nil {
		return nil, err
	}
	if _, err := w.Write(binary); err != nil {
		return nil, err
	}
	// A directory for temporary files, as most images have.
	if err := w.WriteHeader(&tar.Header{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777}); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b.Bytes())), nil
	})
}
