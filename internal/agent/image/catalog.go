package image

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"
	"github.com/containerd/platforms"
	"github.com/opencontainers/image-spec/identity"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Description is what a container needs to know of its image.
type Description struct {
	Name   string
	Digest string // as Image.Digest
	Config ocispec.ImageConfig
	// Parent is the snapshot that holds the image's files.
	Parent string
	// Users are the image's own accounts.
	Users Users
}

// Catalog describes unpacked images and remembers the answers. Its methods are
// safe for concurrent use.
type Catalog struct {
	client                 *containerd.Client
	namespace, snapshotter string

	mu    sync.Mutex
	known map[string]*Description // by digest name, which never changes its meaning
}

// NewCatalog makes an empty Catalog.
func NewCatalog(client *containerd.Client, namespace, snapshotter string) *Catalog {
	return &Catalog{client: client, namespace: namespace, snapshotter: snapshotter, known: map[string]*Description{}}
}

// Describe reads an image that is present and unpacked under exactly this name;
// the error satisfies errdefs.IsNotFound if it is not.
func (c *Catalog) Describe(ctx context.Context, name string) (*Description, error) {
	c.mu.Lock()
	d, ok := c.known[name]
	c.mu.Unlock()
	if ok {
		return d, nil
	}
	ctx = namespaces.WithNamespace(ctx, c.namespace)
	rec, err := c.client.ImageService().Get(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("look up image %s: %w", name, err)
	}
	d, err = c.read(ctx, rec)
	if err != nil {
		return nil, fmt.Errorf("read image %s: %w", name, err)
	}
	if isDigestName(rec) {
		c.mu.Lock()
		c.known[name] = d
		c.mu.Unlock()
	}
	return d, nil
}

// Forget drops what is remembered of an image that turned out to be gone.
func (c *Catalog) Forget(name string) {
	c.mu.Lock()
	delete(c.known, name)
	c.mu.Unlock()
}

func (c *Catalog) read(ctx context.Context, rec images.Image) (*Description, error) {
	cs := c.client.ContentStore()
	desc, err := images.Config(ctx, cs, rec.Target, anyPlatform{platforms.Default()})
	if err != nil {
		return nil, err
	}
	data, err := content.ReadBlob(ctx, cs, desc)
	if err != nil {
		return nil, err
	}
	var img ocispec.Image
	if err := json.Unmarshal(data, &img); err != nil {
		return nil, fmt.Errorf("decode image configuration: %w: %w", errdefs.ErrInvalidArgument, err)
	}
	parent := identity.ChainID(img.RootFS.DiffIDs).String()
	users, err := c.users(ctx, parent)
	if err != nil {
		return nil, err
	}
	return &Description{Name: rec.Name, Digest: rec.Target.Digest.String(), Config: img.Config, Parent: parent, Users: users}, nil
}

// anyPlatform prefers this machine's platform and takes what else was pulled.
type anyPlatform struct{ platforms.MatchComparer }

// Match takes every platform; Less still orders them.
func (anyPlatform) Match(ocispec.Platform) bool { return true }
