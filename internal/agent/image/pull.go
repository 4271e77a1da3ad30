package image

import (
	"context"
	"fmt"
	"io"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/remotes"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"
	"github.com/containerd/log"
	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/sirupsen/logrus"
)

// Behavior is when to ask the registry (ECS_IMAGE_PULL_BEHAVIOR).
type Behavior string

// The behaviours of the ECS agent. "" is Default.
const (
	Default      Behavior = "default"       // ask; if that fails take the cached image
	Always       Behavior = "always"        // ask; if that fails, fail
	Once         Behavior = "once"          // ask if this agent never pulled the image
	PreferCached Behavior = "prefer-cached" // ask if the image is not here
)

// PullOptions of one pull.
type PullOptions struct {
	Behavior Behavior
	// Auth gives user and password for a registry host as the reference names
	// it ("docker.io", "123456789012.dkr.ecr.us-east-1.amazonaws.com"); empty
	// ones mean anonymous.
	Auth func(host string) (user, password string, err error)
	// Endpoint gives the URL ("http://10.0.0.2:8080", path allowed) at which a
	// registry host is reached; "" = where its name leads. Registries on
	// loopback addresses speak plain http without it.
	Endpoint func(host string) string
	// Platform such as "linux/arm64"; "" = this machine's.
	Platform string
	// Progress hears the bytes received so far, from several goroutines.
	Progress func(bytes int64)
}

// Pull makes the image that ref names available, unpacked. The error is an
// *Error, except when ctx ends.
func (s *Store) Pull(ctx context.Context, ref string, o PullOptions) (Image, error) {
	name, err := Normalize(ref)
	if err != nil {
		return Image{}, &Error{Kind: Invalid, Reason: ReasonManifest, Detail: "invalid reference format: " + ref, Err: err}
	}
	ctx = s.context(ctx)
	if img, ok := s.fromCache(ctx, name, o); ok {
		return img, nil
	}
	img, err := s.share(ctx, name+" "+o.Platform, func(ctx context.Context) (Image, error) {
		return s.fetch(ctx, name, o)
	})
	if err != nil && ctx.Err() == nil && (o.Behavior == Default || o.Behavior == "") {
		if cached, lerr := s.Lookup(ctx, name); lerr == nil {
			s.cfg.Log.Info("registry refused, cached image used", "image", name, "error", err)
			return cached, nil
		}
	}
	return img, err
}

func (s *Store) fromCache(ctx context.Context, name string, o PullOptions) (Image, bool) {
	switch o.Behavior {
	case PreferCached:
	case Once:
		rec, err := s.client.ImageService().Get(ctx, name)
		if err != nil || rec.Labels[labelPulledBy+s.cfg.Instance] == "" {
			return Image{}, false
		}
	default:
		return Image{}, false
	}
	img, err := s.Lookup(ctx, name)
	return img, err == nil
}

// Lookup finds an image that is here and unpacked, without asking a registry.
func (s *Store) Lookup(ctx context.Context, ref string) (Image, error) {
	name, err := Normalize(ref)
	if err != nil {
		return Image{}, err
	}
	ctx = s.context(ctx)
	rec, err := s.client.ImageService().Get(ctx, name)
	if err != nil {
		return Image{}, fmt.Errorf("look up image %s: %w", name, err)
	}
	img, err := s.unpacked(ctx, name, rec.Target)
	img.Cached = true
	return img, err
}

// unpacked describes what a target is, if it is unpacked and has its name.
func (s *Store) unpacked(ctx context.Context, ref string, target ocispec.Descriptor) (Image, error) {
	s.sweeping.RLock()
	defer s.sweeping.RUnlock()
	name := byDigest(ref, target.Digest.String())
	d, err := s.catalog.Describe(ctx, name)
	if err != nil {
		return Image{}, err
	}
	if err := s.Touch(ctx, name); err != nil {
		return Image{}, err
	}
	return Image{Name: name, Digest: target.Digest.String(), Config: d.Config}, nil
}

func (s *Store) download(ctx context.Context, ref string, r remotes.Resolver, desc ocispec.Descriptor, o PullOptions) error {
	platform := platforms.Default()
	if o.Platform != "" {
		p, err := platforms.Parse(o.Platform)
		if err != nil {
			return fmt.Errorf("parse platform %q: %w", o.Platform, err)
		}
		platform = platforms.Only(p)
	}
	p := &progress{report: o.Progress}
	name := byDigest(ref, desc.Digest.String())
	return p.watch(ctx, s.cfg.Inactivity, func(ctx context.Context) error {
		_, err := s.client.Pull(ctx, name,
			containerd.WithResolver(&pinned{Resolver: r, name: name, desc: desc, progress: p}),
			containerd.WithPlatformMatcher(platform),
			containerd.WithPullUnpack,
			containerd.WithPullSnapshotter(s.cfg.Snapshotter),
			containerd.WithPullLabel(labelManaged, "true"),
			containerd.WithMaxConcurrentDownloads(3),
		)
		return err
	})
}

// record points the reference at what it means now. It does mostly: then nothing
// is written, which would cost every start of a task a flush of the disk.
func (s *Store) record(ctx context.Context, ref string, desc ocispec.Descriptor) error {
	label := labelPulledBy + s.cfg.Instance
	img := images.Image{Name: ref, Target: desc, Labels: map[string]string{labelManaged: "true", label: "true"}}
	is := s.client.ImageService()
	had, err := is.Get(ctx, ref)
	if err == nil && had.Target.Digest == desc.Digest && had.Labels[labelManaged] != "" && had.Labels[label] != "" {
		return nil
	}
	_, err = is.Create(ctx, img)
	if errdefs.IsAlreadyExists(err) {
		_, err = is.Update(ctx, img, "target", "labels."+labelManaged, "labels."+label)
	}
	if err != nil {
		return fmt.Errorf("record image %s: %w", ref, err)
	}
	return nil
}

// context carries the namespace, and a logger that drops the client library's
// own lines: its errors come back to us.
func (s *Store) context(ctx context.Context) context.Context {
	return log.WithLogger(namespaces.WithNamespace(ctx, s.cfg.Namespace), silent)
}

var silent = func() *log.Entry {
	l := logrus.New()
	l.SetOutput(io.Discard)
	return logrus.NewEntry(l)
}()
