package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/slipway/slipway/internal/authz"
	"github.com/slipway/slipway/internal/controller"
	"github.com/slipway/slipway/internal/logstore"
	"github.com/slipway/slipway/internal/objects"
	"github.com/slipway/slipway/internal/registry"
	"github.com/slipway/slipway/internal/seal"
	"github.com/slipway/slipway/internal/service/ec2"
	"github.com/slipway/slipway/internal/service/ecr"
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/service/logs"
	"github.com/slipway/slipway/internal/service/secretsmanager"
	"github.com/slipway/slipway/internal/service/ssm"
	"github.com/slipway/slipway/internal/service/ssmmessages"
	"github.com/slipway/slipway/internal/session"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/wire"
)

// Config is one control plane.
type Config struct {
	DataDir string // credentials, the registry's blobs, and the embedded store
	Region  string // of the default cluster; clients may name any other
	// Store says where the records are; its Dir is DataDir's when no endpoint is
	// given.
	Store store.Config
	// RegistryHost is the host:port in the repository URIs that users see.
	RegistryHost string
	VPC          netip.Prefix // CIDR of default VPCs; zero: AWS's
	Log          *slog.Logger
}

// Server is a running control plane. Its rooms are there for the roles that run
// in the same process, such as `slipway up`.
type Server struct {
	IAM *iam.Room
	EC2 *ec2.Room
	ECR *ecr.Room
	ECS *ecs.Room

	Logs           *logs.Room
	SecretsManager *secretsmanager.Room
	SSM            *ssm.Room

	Root iam.AccessKey // of the installation's own account

	cfg      Config
	id       string // of this process among the servers of the store
	store    *store.Store
	mux      *wire.Mux
	sessions *session.Server
	exec     *ssmmessages.Server
	registry *registry.Registry
	objects  *objects.Handler
	events   *logstore.Store
	metrics  *prometheus.Registry

	mu        sync.Mutex
	listeners []*listener

	stop context.CancelFunc
	done sync.WaitGroup
}

// Open opens the store and the rooms and starts the controllers. Nothing listens
// yet: see Listen.
func Open(ctx context.Context, cfg Config) (*Server, error) {
	if len(cfg.Store.Endpoints) == 0 {
		cfg.Store.Dir = filepath.Join(cfg.DataDir, "store")
	}
	cfg.Store.Log = cfg.Log.With("part", "store")
	st, err := store.Open(ctx, cfg.Store, tables()...)
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	s := &Server{cfg: cfg, id: uuid.NewString(), store: st, metrics: prometheus.NewRegistry()}
	if err := s.build(ctx); err != nil {
		return nil, errors.Join(err, s.closeEvents(), st.Close())
	}
	s.runControllers()
	return s, nil
}

func tables() []store.AnyTable {
	var all []store.AnyTable
	for _, t := range [][]store.AnyTable{iam.Tables(), ec2.Tables(), ecr.Tables(), logs.Tables(), seal.Tables(), secretsmanager.Tables(), ssm.Tables(), ecs.Tables()} {
		all = append(all, t...)
	}
	return all
}

func (s *Server) build(ctx context.Context) error {
	s.IAM = iam.New(s.store, iam.Config{Log: s.part("iam")})
	s.EC2 = ec2.New(s.store, ec2.Config{CIDR: s.cfg.VPC})
	var err error
	if s.Root, err = s.IAM.EnsureRoot(ctx, s.cfg.DataDir); err != nil {
		return err
	}
	guard := authz.New(s.IAM)
	if err := s.openRegistry(ctx, guard); err != nil {
		return err
	}
	if err := s.openLogs(); err != nil {
		return err
	}
	if err := s.openSecrets(ctx); err != nil {
		return err
	}
	s.mux = wire.NewMux(wire.Config{
		Keys: guard, Authorizer: guard, Log: s.part("wire"),
		Explain: explain, Observe: s.observer(),
	})
	s.exec = ssmmessages.New(ssmmessages.Config{Mux: s.mux, Store: s.store, Log: s.part("ssmmessages")})
	s.ECS = ecs.New(s.store, ecs.Config{
		Log:               s.part("ecs"),
		PollEndpoint:      func(base string) string { return base + "/acs" },
		TelemetryEndpoint: func(base string) string { return base + "/tcs" },
		Registry:          s.registryOf,
		Roles:             s.IAM,
		Sessions:          s.exec,
		Zone:              s.zone,
	})
	if s.store.Embedded() {
		// Whoever held the sockets is dead: this process holds the store's lock.
		if err := s.ECS.ResetConnections(ctx); err != nil {
			return fmt.Errorf("reset the agents' connections: %w", err)
		}
	}
	s.sessions = session.New(session.Config{Mux: s.mux, Room: s.ECS, Log: s.part("session"), ServerID: s.id})
	s.objects = objects.New(objects.Config{Root: filepath.Join(s.cfg.DataDir, "objects"), Authority: s.mux, Log: s.part("objects")})
	s.registerOperations()
	return s.registerMetrics()
}

// openRegistry opens the registry over the blobs in the data directory.
func (s *Server) openRegistry(ctx context.Context, guard *authz.Guard) error {
	blobs, err := registry.OpenStorage(ctx, registry.StorageConfig{Root: filepath.Join(s.cfg.DataDir, "registry")})
	if err != nil {
		return err
	}
	s.ECR = ecr.New(s.store, ecr.Config{Log: s.part("ecr"), RegistryHost: s.cfg.RegistryHost, Contents: blobs})
	s.registry, err = registry.New(ctx, registry.Config{
		Storage: blobs, Room: s.ECR, Allowed: guard.AuthorizeKey, Log: s.part("registry"),
	})
	return err
}

// openLogs opens the room of log events over the engine in the data directory.
func (s *Server) openLogs() (err error) {
	if s.events, err = logstore.Open(filepath.Join(s.cfg.DataDir, "logs"), s.part("logstore")); err != nil {
		return err
	}
	s.Logs = logs.New(s.store, s.events, logs.Config{Log: s.part("logs")})
	return nil
}

// openSecrets opens the rooms whose values are sealed.
func (s *Server) openSecrets(ctx context.Context) error {
	box, err := seal.Load(ctx, s.store, s.cfg.DataDir)
	if err != nil {
		return err
	}
	s.SecretsManager = secretsmanager.New(s.store, secretsmanager.Config{Box: box, Log: s.part("secretsmanager")})
	s.SSM = ssm.New(s.store, ssm.Config{Box: box})
	return nil
}

// registryOf tells the ECS room which images are in our own registry.
func (s *Server) registryOf(image string) (registryID, region string, ours bool) {
	registryID, region, _, ours = s.ECR.IsOurs(image)
	return registryID, region, ours
}

// explain says what a client can do nothing about and an operator can.
func explain(err error) string {
	switch {
	case errors.Is(err, store.ErrNoSpace):
		return "The disk under the data directory is full: nothing was written."
	case errors.Is(err, store.ErrUnavailable):
		return "The store does not answer."
	}
	return ""
}

// zone tells where an EC2 instance of ours is.
func (s *Server) zone(sc ecs.Scope, instanceID string) string {
	i, ok := s.EC2.Instance(ec2.Scope{Account: sc.Account, Region: sc.Region}, instanceID)
	if !ok {
		return ""
	}
	return i.Zone
}

func (s *Server) part(name string) *slog.Logger { return s.cfg.Log.With("part", name) }

func (s *Server) runControllers() {
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	s.done.Go(func() {
		// Deletions that were cut short; what is left of them harms nobody.
		if err := s.ECR.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Log.Warn("deleted repositories could not be swept", "err", err)
		}
	})
	s.done.Go(func() { s.Logs.Run(ctx) })
	s.done.Go(func() { s.SecretsManager.Run(ctx) })
	s.done.Go(func() {
		err := controller.Run(ctx, s.store, s.ECS, controller.Config{Log: s.part("controller"), Server: s.id})
		if err != nil && ctx.Err() == nil {
			s.cfg.Log.Error("controllers ended", "err", err)
		}
	})
}

// Close stops listening, ends the sessions and the controllers, and closes the
// store. Requests that are being served may finish until ctx ends.
func (s *Server) Close(ctx context.Context) error {
	s.stop() // ends live tails, for which the listeners would wait
	err := s.closeListeners(ctx)
	s.sessions.Close()
	s.exec.Close()
	s.done.Wait()
	return errors.Join(err, s.registry.Close(), s.closeEvents(), s.store.Close())
}

func (s *Server) closeEvents() error {
	if s.events == nil {
		return nil
	}
	return s.events.Close()
}
