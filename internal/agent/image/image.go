// Package image pulls container images into containerd and keeps them tidy.
//
// It owns the image records that it made (they carry its label), the answer to
// "which digest does this reference mean now", and the clean-up of images that
// nothing uses. It promises that a pulled image is unpacked and stays until it
// was unused for the minimum age, that pulls of one image at the same time
// share one download, and that every failure carries the reason of the ECS
// container agent. It refuses to delete an image that a container was made
// from, and images that it did not pull.
package image

import (
	"cmp"
	"log/slog"
	"net/http"
	"sync"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Image is a pulled and unpacked image.
type Image struct {
	// Name refers to the image in containerd by digest, so that it means the
	// same content for ever: "docker.io/library/busybox@sha256:…".
	Name string
	// Digest is what the reference resolved to, "sha256:…": the index of a
	// multi-platform image, as ECS reports it.
	Digest string
	// Config is the image's own configuration for this platform.
	Config ocispec.ImageConfig
	// Cached says that nothing was asked of the registry, or that its answer
	// could not be had and the local copy was taken.
	Cached bool
}

// Config of a Store.
type Config struct {
	Namespace   string // containerd namespace
	Snapshotter string // "" = overlayfs
	// Instance tells the agents that share a containerd namespace apart.
	Instance string
	// Attempts at each step of a pull from a registry that does not answer; 0 = 5,
	// as the ECS agent.
	Attempts int
	// Backoff before the second attempt, growing to at most 5 s; 0 = 1.1 s, as
	// the ECS agent.
	Backoff time.Duration
	// Inactivity ends a pull that received nothing for this long; 0 = 1 min
	// (ECS_IMAGE_PULL_INACTIVITY_TIMEOUT).
	Inactivity time.Duration
	// PullTimeout and ManifestTimeout end a pull and the question what a tag means,
	// each with all its attempts; 0 = 2 h (ECS_IMAGE_PULL_TIMEOUT) and 1 min
	// (ECS_MANIFEST_PULL_TIMEOUT).
	PullTimeout, ManifestTimeout time.Duration
	HTTP                         *http.Client // nil = http.DefaultClient
	Log                          *slog.Logger
}

// Store pulls, finds and cleans images. Its methods are safe for concurrent
// use.
type Store struct {
	cfg     Config
	client  *containerd.Client
	catalog *Catalog

	// sweeping keeps the clean-up away between finding an image and noting its
	// use. A download needs it not: containerd's lease protects that.
	sweeping sync.RWMutex

	mu      sync.Mutex
	flights map[string]*flight
	used    map[string]time.Time // by image name: the use last written to its label
}

// New makes a Store on a connected client.
func New(client *containerd.Client, cfg Config) *Store {
	cfg.Snapshotter = cmp.Or(cfg.Snapshotter, DefaultSnapshotter)
	cfg.Attempts = cmp.Or(cfg.Attempts, 5)
	cfg.Backoff = cmp.Or(cfg.Backoff, 1100*time.Millisecond)
	cfg.Inactivity = cmp.Or(cfg.Inactivity, time.Minute)
	cfg.PullTimeout = cmp.Or(cfg.PullTimeout, 2*time.Hour)
	cfg.ManifestTimeout = cmp.Or(cfg.ManifestTimeout, time.Minute)
	cfg.HTTP = cmp.Or(cfg.HTTP, http.DefaultClient)
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	return &Store{
		cfg: cfg, client: client, catalog: NewCatalog(client, cfg.Namespace, cfg.Snapshotter),
		flights: map[string]*flight{}, used: map[string]time.Time{},
	}
}

// DefaultSnapshotter is used where none is configured.
const DefaultSnapshotter = "overlayfs"

// Labels of the image records that this package makes.
const (
	labelManaged  = "slipway.io/managed"
	labelUsed     = "slipway.io/used."   // + instance: RFC 3339 time of the last use
	labelPulledBy = "slipway.io/pulled." // + instance: set on the tag's record by a pull
)
