package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/slipway/slipway/internal/agent/cgroup"
	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agent/health"
	"github.com/slipway/slipway/internal/agent/image"
	"github.com/slipway/slipway/internal/agent/journal"
	"github.com/slipway/slipway/internal/agent/link"
	"github.com/slipway/slipway/internal/agent/logdriver"
	"github.com/slipway/slipway/internal/agent/network"
	"github.com/slipway/slipway/internal/agent/runtime"
	"github.com/slipway/slipway/internal/agent/settings"
	"github.com/slipway/slipway/internal/agent/stats"
	"github.com/slipway/slipway/internal/agent/volume"
	"github.com/slipway/slipway/internal/agentproto"
)

// ExitTerminal is the exit code that tells a supervisor not to start the agent
// again, as the ECS agent's.
const ExitTerminal = 5

// ErrTerminal is the cause of errors after which starting again is of no use.
var ErrTerminal = errors.New("the agent cannot run here")

// protocolVersion is the release of the ECS agent whose protocol is spoken; the
// control plane and its users compare it.
const protocolVersion = "1.105.1"

// Run is the agent, until ctx ends or, asked by Terminate, it has drained the
// instance; it then returns nil and containers go on. An error that is ErrTerminal
// needs a person; after any other, run it again.
func Run(ctx context.Context, cfg Config) error {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	err := run(ctx, cfg)
	switch {
	case ctx.Err() != nil:
		return nil
	case errors.Is(err, errLeft):
		return nil
	case errors.Is(err, link.ErrTerminal) || errors.Is(err, errOtherCluster):
		return fmt.Errorf("%w: %w", ErrTerminal, err)
	}
	return err
}

func run(ctx context.Context, cfg Config) error {
	cfg.HTTP = cfg.httpClient() // one for all
	for _, dir := range []string{cfg.DataDir, cfg.RunDir} {
		if err := os.MkdirAll(dir, 0o711); err != nil {
			return fmt.Errorf("create the agent's directory: %w", err)
		}
	}
	j, err := journal.Open(filepath.Join(cfg.DataDir, "agent.db"), cfg.Log)
	if err != nil {
		return err
	}
	defer closing(cfg.Log, "journal", j.Close)
	tools, err := openTools(ctx, cfg)
	if err != nil {
		return err
	}
	defer tools.close(cfg.Log)
	a, err := assemble(ctx, cfg, j, tools)
	if err != nil {
		return err
	}
	return a.serve(ctx)
}

// closing closes something at the end, when all that can be done about an error
// is to say it.
func closing(log *slog.Logger, what string, end func() error) {
	if err := end(); err != nil {
		log.Warn("not closed", "what", what, "error", err)
	}
}

// tools are the effects.
type tools struct {
	rt      *runtime.Containerd
	net     *network.Network
	volumes *volume.Store
	cgroups *cgroup.FS
}

func openTools(ctx context.Context, cfg Config) (*tools, error) {
	var (
		t   tools
		err error
	)
	if t.cgroups, err = cgroup.Detect(); err != nil {
		return nil, err
	}
	if t.volumes, err = volume.Open(volume.Config{Root: filepath.Join(cfg.DataDir, "volumes"), EFS: cfg.EFSDir}); err != nil {
		return nil, err
	}
	t.rt, err = runtime.Open(ctx, runtime.Config{
		Socket: cfg.Containerd, Namespace: cfg.ContainerdNamespace, Instance: instanceName(cfg), Cgroup: cfg.CgroupParent,
		RunDir: filepath.Join(cfg.RunDir, "pipes"), Log: cfg.Log,
	})
	if err != nil {
		return nil, err
	}
	t.net, err = network.Open(ctx, network.Config{
		RunDir: cfg.RunDir, PortMin: cfg.PortMin, PortMax: cfg.PortMax, Log: cfg.Log,
		Reserved: unsigned(cfg.ReservedPorts), ReservedUDP: unsigned(cfg.ReservedUDPPorts),
	})
	if err != nil {
		return nil, errors.Join(err, t.rt.Close())
	}
	return &t, nil
}

func (t *tools) close(log *slog.Logger) {
	closing(log, "network", t.net.Close)
	closing(log, "container runtime", t.rt.Close)
}

// instanceName tells the agents on one containerd apart.
func instanceName(cfg Config) string {
	if cfg.InstanceID != "" {
		return cfg.InstanceID
	}
	return hostname()
}

func unsigned(ports []int32) []uint16 {
	out := make([]uint16, len(ports))
	for i, p := range ports {
		out[i] = uint16(p)
	}
	return out
}

// agent is one that is put together and has taken up its containers.
type agent struct {
	cfg     Config
	tools   *tools
	client  *link.Client
	engine  *engine.Engine
	logs    *logdriver.Drivers
	prober  *health.Prober
	sampler *stats.Sampler
	execs   *execs
	arn     atomic.Value // string: the instance's, once it is known
	journal *journal.Journal
	marks   *marks
	was     registered
	cpu     int64
	memory  int64
	version link.Version
}

func assemble(ctx context.Context, cfg Config, j *journal.Journal, t *tools) (*agent, error) {
	was, err := loadRegistered(ctx, j, cfg)
	if err != nil {
		return nil, err
	}
	a := &agent{cfg: cfg, tools: t, journal: j, was: was}
	if a.marks, err = loadMarks(j); err != nil {
		return nil, err
	}
	if a.cpu, a.memory, err = capacity(cfg); err != nil {
		return nil, err
	}
	if a.version, err = version(ctx, t.rt); err != nil {
		return nil, err
	}
	a.client = link.NewClient(link.Config{
		Backend: cfg.Backend, Region: cfg.Region, Cluster: cfg.Cluster, Credentials: cfg.Credentials, Version: a.version, HTTP: cfg.HTTP,
	})
	a.logs, err = logdriver.New(logdriver.Config{Dir: filepath.Join(cfg.DataDir, "logs"), Log: cfg.Log, Logs: a.logCalls})
	if err != nil {
		return nil, err
	}
	if was.ContainerInstanceARN != "" {
		a.arn.Store(was.ContainerInstanceARN)
	}
	a.execs = &execs{rt: t.rt, open: map[string]func(){}}
	a.prober = health.NewProber(health.In(ctx, t.rt))
	a.engine = engine.New(engineConfig(cfg, a.cpu, a.memory), a.effects(), cfg.Log)
	a.sampler = stats.New(t.rt.Usage, a.engine.Tasks, cfg.Log)
	return a, a.engine.Recover(ctx)
}

// effects are what the engine acts through.
func (a *agent) effects() engine.Effects {
	cfg, t := a.cfg, a.tools
	lookup := settings.New(settings.Config{AWS: a.client.AWS(), Region: cfg.Region, Endpoints: cfg.Endpoints, S3Dir: cfg.S3Dir})
	fx := engine.Effects{
		Runtime: &containers{rt: t.rt, logs: a.logs, dir: filepath.Join(cfg.RunDir, "containers")},
		Images: images{
			store: image.New(t.rt.Client(), image.Config{
				Namespace: cfg.ContainerdNamespace, Instance: instanceName(cfg), HTTP: cfg.HTTP, Log: cfg.Log,
				Inactivity: cfg.PullInactivity, PullTimeout: cfg.PullTimeout, ManifestTimeout: cfg.ManifestTimeout,
			}),
			behavior: image.Behavior(cfg.PullBehavior),
			cleanup: image.CleanupOptions{
				MinAge: cfg.ImageMinAge, Max: cfg.ImagesPerCycle, Exclude: cfg.ImagesExcluded,
				Untracked: cfg.Untracked, UntrackedMinAge: cfg.UntrackedMinAge,
			},
		},
		Registries: link.NewRegistries(a.client, configuredLogins(cfg), lookup.RegistryLogin),
		Network:    networks{t.net},
		Volumes:    volumes{t.volumes},
		Cgroups:    groups{fs: t.cgroups, parent: cfg.CgroupParent, unlimited: cfg.NoTaskLimits, pids: cfg.PidsLimit, period: cfg.CPUPeriod},
		Exec:       a.execs,
		Routers:    routers{filepath.Join(cfg.RunDir, "fl")},
		Settings:   lookup,
		Reports:    a.client,
		Journal:    a.journal,
	}
	if !cfg.DisableHealthChecks {
		fx.Health = a.prober
	}
	if cfg.ContainerMetadata {
		fx.Metadata = metadataFiles{a}
	}
	return fx
}

// configuredLogins are those of the instance's owner. What of them can't be read
// is among the Warnings.
func configuredLogins(cfg Config) func(ref string) engine.RegistryAuth {
	logins, _ := image.ParseLogins(cfg.EngineAuthType, cfg.EngineAuthData)
	return func(ref string) engine.RegistryAuth {
		login := logins.For(ref)
		return engine.RegistryAuth{User: login.User, Password: login.Password}
	}
}

// metrics is what the control plane is told that tasks use; nil: nothing.
func (a *agent) metrics() func() []agentproto.TaskMetric {
	if a.cfg.DisableMetrics {
		return nil
	}
	return a.sampler.Collect
}

func engineConfig(cfg Config, cpu, memory int64) engine.Config {
	return engine.Config{
		Cluster: cfg.Cluster, InstanceID: cfg.InstanceID, Region: cfg.Region, Endpoint: cfg.Backend, CPU: cpu, Memory: memory,
		ReservedPorts: cfg.ReservedPorts, ReservedUDPPorts: cfg.ReservedUDPPorts,
		StopTimeout: cfg.StopTimeout, StartTimeout: cfg.StartTimeout, CreateTimeout: cfg.CreateTimeout,
		CleanupWait: cfg.CleanupWait, CleanupJitter: cfg.CleanupJitter,
		PullUpfront: cfg.PullUpfront, ImageCleanup: cfg.ImageCleanup,
	}
}

// version says what the agent is, and what it runs containers with.
func version(ctx context.Context, rt *runtime.Containerd) (link.Version, error) {
	text, err := rt.Version(ctx)
	name, _, _ := strings.Cut(text, ",") // without the low-level runtime
	return link.Version{Agent: protocolVersion, Hash: "slipway", Runtime: name}, err
}

// serve is the agent at work.
func (a *agent) serve(ctx context.Context) error {
	defer a.prober.Close()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.engine.Run(ctx) })
	group.Go(func() error { a.logs.Run(ctx); return nil })
	group.Go(func() error { a.sampler.Run(ctx); return nil })
	arn, err := a.register(ctx)
	if err != nil {
		group.Go(func() error { return err }) // ends the others
		return group.Wait()
	}
	a.cfg.Log.Info("registered", "instance", arn, "cluster", a.cfg.Cluster)
	a.arn.Store(arn)
	if err := shed(); err != nil {
		a.cfg.Log.Debug("memory of the start-up is kept", "error", err)
	}
	session := link.NewSession(a.client, link.SessionConfig{
		ContainerInstanceARN: arn, Tasks: a.engine, Marks: a.marks, Log: a.cfg.Log,
		Runtime: func(ctx context.Context) error {
			_, err := a.tools.rt.Version(ctx)
			return err
		},
		Metrics: a.metrics(),
	})
	group.Go(func() error { return session.RunACS(ctx) })
	group.Go(func() error { return session.RunTCS(ctx) })
	group.Go(func() error { return a.introspect(ctx, arn) })
	group.Go(func() error { return a.answer(ctx, arn) })
	group.Go(func() error { return a.execs.run(ctx, a.cfg, arn) })
	group.Go(func() error { return a.leave(ctx, arn) })
	return group.Wait()
}
