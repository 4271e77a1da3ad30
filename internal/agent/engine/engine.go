package engine

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"time"
)

// Config is what the engine does by rule.
type Config struct {
	Cluster    string // as configured; becomes a label of every container
	InstanceID string // of EC2; empty: none
	Region     string // given to containers that set none
	// Endpoint is the URL at which containers find the AWS API; empty, or AWS's
	// own: they are told none.
	Endpoint string
	CPU      int64 // 1024 per vCPU
	Memory   int64 // MiB, without what is reserved
	// Ports that no task may have.
	ReservedPorts, ReservedUDPPorts []int32
	StopTimeout                     time.Duration // from stop signal to SIGKILL; 30 s when 0
	CreateTimeout                   time.Duration // ECS_CONTAINER_CREATE_TIMEOUT; 4 min when 0
	StartTimeout                    time.Duration // ECS_CONTAINER_START_TIMEOUT; 3 min when 0
	CleanupWait                     time.Duration // ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION; 3 h when 0
	CleanupJitter                   time.Duration // …_JITTER: each task waits up to this much longer
	PullUpfront                     bool          // ECS_PULL_DEPENDENT_CONTAINERS_UPFRONT
	ImageCleanup                    time.Duration // ECS_IMAGE_CLEANUP_INTERVAL; 0 is never
	Parallel                        int           // containers made at a time; 2 per core when 0
}

func (c Config) withDefaults() Config {
	if c.StopTimeout == 0 {
		c.StopTimeout = 30 * time.Second
	}
	if c.CreateTimeout == 0 {
		c.CreateTimeout = 4 * time.Minute
	}
	if c.StartTimeout == 0 {
		c.StartTimeout = 3 * time.Minute
	}
	if c.CleanupWait == 0 {
		c.CleanupWait = 3 * time.Hour
	}
	if c.Parallel == 0 {
		c.Parallel = 2 * runtime.NumCPU()
	}
	return c
}

// Effects is everything that the engine acts through.
type Effects struct {
	Runtime    Runtime
	Images     Images
	Registries Registries
	Network    Network
	Volumes    Volumes
	Cgroups    Cgroups
	Health     Health        // nil: no container is checked
	Settings   Settings      // nil: a task that needs any fails
	Routers    Routers       // nil: no task has a log router
	Metadata   MetadataFiles // nil: containers get none
	Exec       Exec          // nil: no container is opened
	Reports    Reporter
	Journal    Journal
}

// Engine owns the tasks of one instance. Recover it, then Run it; its other
// methods may be called while Run runs.
type Engine struct {
	cfg     Config
	fx      Effects
	log     *slog.Logger
	gate    *gate
	host    *host
	roles   *roles
	submits chan struct{} // slots of those who report
	starts  chan *task    // to Run
	done    chan struct{} // closed when Run ends

	recovered []*task    // by Recover, for Run
	applying  sync.Mutex // one task is applied at a time, so that none is loaded twice

	mu    sync.Mutex
	tasks map[string]*task // by ARN
	seq   uint64
}

// New makes an engine that has no tasks yet.
func New(cfg Config, fx Effects, log *slog.Logger) *Engine {
	cfg = cfg.withDefaults()
	return &Engine{
		cfg: cfg, fx: fx, log: log,
		gate:    newGate(cfg.Parallel),
		host:    newHost(cfg.CPU, cfg.Memory, cfg.ReservedPorts, cfg.ReservedUDPPorts),
		roles:   newRoles(),
		submits: make(chan struct{}, submitters),
		starts:  make(chan *task),
		done:    make(chan struct{}),
		tasks:   map[string]*task{},
	}
}

// Run drives the tasks until ctx ends, and returns when nothing of the engine
// runs any more. Containers go on.
func (e *Engine) Run(ctx context.Context) error {
	var owners sync.WaitGroup
	defer owners.Wait()
	defer close(e.done)
	for _, t := range e.recovered {
		owners.Go(func() { t.run(ctx) })
	}
	if e.cfg.ImageCleanup > 0 {
		owners.Go(func() { e.cleanImages(ctx) })
	}
	for {
		select {
		case t := <-e.starts:
			owners.Go(func() { t.run(ctx) })
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// forget drops a task of which nothing is left.
func (e *Engine) forget(t *task) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.tasks, t.rec.Task.ARN)
	e.roles.forget(t.rec.Task.ARN)
}

// cleanImages deletes unused images now and then.
func (e *Engine) cleanImages(ctx context.Context) {
	for sleep(ctx, e.cfg.ImageCleanup) {
		if err := e.fx.Images.Cleanup(ctx, e.usesImage); err != nil && ctx.Err() == nil {
			e.log.Warn("image clean-up", "error", err)
		}
	}
}

// usesImage reports whether a remembered task needs the image.
func (e *Engine) usesImage(name string) bool {
	for _, v := range e.Tasks() {
		for _, c := range v.Containers {
			if c.Image.Name == name {
				return true
			}
		}
	}
	return false
}
