package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	goruntime "runtime"
	"sync"

	"github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/api/types/runc/options"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/typeurl/v2"
	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc"

	"github.com/slipway/slipway/internal/agent/cgroup"
	"github.com/slipway/slipway/internal/agent/image"
)

// Config of a Containerd.
type Config struct {
	Socket      string // of containerd; "" = /run/containerd/containerd.sock
	Namespace   string // of containerd; "" = slipway
	Snapshotter string // "" = overlayfs
	// RuntimeBinary is the low-level runtime, "runc" or "crun" or a path; "" =
	// crun where it works on this host, else runc.
	RuntimeBinary string
	// Instance tells the agents that share a containerd namespace apart.
	Instance string
	// Cgroup is the instance's control group, absolute ("/slipway/i-0abc").
	Cgroup string
	// InitBinary is a static init for Spec.Init; "" = Slipway's own.
	InitBinary string
	// Parallel bounds how many containers are created at once, first come
	// first served; 0 = twice the CPUs.
	Parallel int
	// RunDir holds pipes and shared memory of containers; it should not survive a
	// reboot. "" = /run/slipway/containers.
	RunDir string
	// DataDir holds the volumes that images declare. "" = /var/lib/slipway/containers.
	DataDir string
	Log     *slog.Logger
}

// Containerd is the Runtime on containerd.
type Containerd struct {
	cfg     Config
	client  *containerd.Client
	tasks   tasks.TasksClient
	catalog *image.Catalog
	cgroups *cgroup.FS
	options typeurl.Any // of the shim: which low-level runtime
	swap    bool        // the host accounts for swap
	slots   *semaphore.Weighted

	ids     keyed // one Create, Start or Remove per id at a time
	parents parents

	mu       sync.Mutex
	closed   bool
	watches  map[string]*watch
	hearers  map[*hearer]struct{}
	execs    map[*Process]context.CancelFunc
	meters   map[string]meter // of running containers
	consoles map[string]*console
	watching sync.WaitGroup
}

// Open connects, finds the low-level runtime and takes up the containers that
// an earlier agent left.
func Open(ctx context.Context, cfg Config) (*Containerd, error) {
	cfg.setDefaults()
	cgroups, err := cgroup.Detect()
	if err != nil {
		return nil, err
	}
	if cfg.RuntimeBinary == "" {
		if cfg.RuntimeBinary, err = Probe(ctx, cgroups.Mode()); err != nil {
			return nil, err
		}
	}
	opts, err := typeurl.MarshalAny(&options.Options{BinaryName: cfg.RuntimeBinary})
	if err != nil {
		return nil, fmt.Errorf("encode runtime options: %w", err)
	}
	client, err := containerd.New(cfg.Socket,
		containerd.WithDefaultNamespace(cfg.Namespace),
		// A containerd that restarts is waited for, up to the caller's deadline.
		containerd.WithCallOpts([]grpc.CallOption{grpc.WaitForReady(true)}),
	)
	if err != nil {
		return nil, fmt.Errorf("connect to containerd: %w", err)
	}
	r := &Containerd{
		cfg: cfg, client: client, tasks: client.TaskService(), cgroups: cgroups, options: opts,
		catalog: image.NewCatalog(client, cfg.Namespace, cfg.Snapshotter),
		swap:    cgroups.HasSwapLimit(),
		slots:   semaphore.NewWeighted(int64(cfg.Parallel)),
		watches: map[string]*watch{}, hearers: map[*hearer]struct{}{},
		execs: map[*Process]context.CancelFunc{}, meters: map[string]meter{}, consoles: map[string]*console{},
	}
	if err := r.resume(ctx); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func (c *Config) setDefaults() {
	if c.Socket == "" {
		c.Socket = "/run/containerd/containerd.sock"
	}
	if c.Namespace == "" {
		c.Namespace = "slipway"
	}
	if c.Snapshotter == "" {
		c.Snapshotter = image.DefaultSnapshotter
	}
	if c.Parallel == 0 {
		c.Parallel = 2 * goruntime.NumCPU()
	}
	if c.RunDir == "" {
		c.RunDir = "/run/slipway/containers"
	}
	if c.DataDir == "" {
		c.DataDir = "/var/lib/slipway/containers"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

// resume watches what runs already, so that its exits are seen and its shims
// go when they are done, and ends what the earlier agent alone had use for.
func (r *Containerd) resume(ctx context.Context) error {
	if err := os.RemoveAll(r.pipeDir()); err != nil {
		return fmt.Errorf("clear pipe directory: %w", err)
	}
	states, err := r.List(ctx, nil)
	if err != nil {
		return err
	}
	for _, s := range states {
		if s.Status == None {
			continue
		}
		if err := r.resumeConsole(s); err != nil {
			return err
		}
		if s.Status == Running {
			r.endExecs(ctx, s)
		}
		if s.Status != Created {
			r.watch(ctx, s.ID)
		}
	}
	return nil
}

// Close lets go of containerd; the containers go on.
func (r *Containerd) Close() error {
	r.mu.Lock()
	r.closed = true
	for _, w := range r.watches {
		w.cancel()
	}
	for _, cancel := range r.execs {
		cancel()
	}
	for _, c := range r.consoles {
		c.stop()
	}
	r.mu.Unlock()
	r.watching.Wait()
	return r.client.Close()
}

// Client is the connection, for the image store.
func (r *Containerd) Client() *containerd.Client { return r.client }

// Binary is the low-level runtime in use.
func (r *Containerd) Binary() string { return r.cfg.RuntimeBinary }

// Version names containerd and the low-level runtime: "containerd 1.6.20, runc".
func (r *Containerd) Version(ctx context.Context) (string, error) {
	v, err := r.client.Version(r.context(ctx))
	if err != nil {
		return "", fmt.Errorf("ask containerd for its version: %w", err)
	}
	return fmt.Sprintf("containerd %s, %s", v.Version, r.cfg.RuntimeBinary), nil
}

func (r *Containerd) context(ctx context.Context) context.Context {
	return namespaces.WithNamespace(ctx, r.cfg.Namespace)
}

// hostNetNS is the agent's own network namespace, which need not be
// containerd's.
func hostNetNS() string { return fmt.Sprintf("/proc/%d/ns/net", os.Getpid()) }
