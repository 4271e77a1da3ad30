package store

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// Config says which etcd holds the records.
type Config struct {
	Dir       string       // data directory of the embedded etcd; used when Endpoints is empty
	Endpoints []string     // an external etcd cluster
	TLS       *tls.Config  // for Endpoints
	Prefix    string       // root of all keys, default "/slipway/"
	MinFree   uint64       // embedded only: bytes of free disk under which writes are refused (default 128 MiB)
	Compact   bool         // external only: compact the cluster's history, which other users of it then lose too
	Log       *slog.Logger // default: nowhere

	quota     int64                            // size of the embedded database at which etcd refuses writes
	statfs    func(dir string) (uint64, error) // free bytes of the disk
	diskEvery time.Duration
}

func (c Config) withDefaults() Config {
	if c.Prefix == "" {
		c.Prefix = "/slipway/"
	}
	if !strings.HasSuffix(c.Prefix, "/") {
		c.Prefix += "/"
	}
	if c.MinFree == 0 {
		c.MinFree = defaultMinFree
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.quota == 0 {
		c.quota = quotaBytes
	}
	if c.statfs == nil {
		c.statfs, c.diskEvery = freeBytes, diskInterval
	}
	return c
}

// Store is a set of tables on one etcd. Its methods may be called from any goroutine.
type Store struct {
	cfg     Config
	log     *slog.Logger
	conn    *conn
	replica *replica
	intents *intents
	disk    *disk // nil for an external etcd
	metrics *metrics
	marks   *marks
	commits atomic.Uint64 // numbers the commits, for their marks
	resyncs atomic.Int64  // how often history was missed
	full    chan struct{} // a token asks for maintenance because etcd's quota is used up
	leaders leaders

	stopWatch atomic.Pointer[context.CancelCauseFunc] // ends the watch that runs

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup // the store's own goroutines
	once   sync.Once
	closed error
}

// openTimeout bounds the first contact with etcd.
const openTimeout = 15 * time.Second

// Open starts or connects to etcd, brings the schema up to date, and loads the tables.
func Open(ctx context.Context, cfg Config, tables ...AnyTable) (*Store, error) {
	cfg = cfg.withDefaults()
	schema, err := newSchema(tables)
	if err != nil {
		return nil, err
	}
	s := &Store{
		cfg: cfg, log: cfg.Log, replica: newReplica(schema), intents: newIntents(),
		marks: newMarks(newWriter()), full: make(chan struct{}, 1),
	}
	s.metrics = newMetrics(s)
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := s.connect(ctx); err != nil {
		s.cancel()
		return nil, err
	}
	if err := s.prepare(ctx); err != nil {
		s.cancel()
		return nil, errors.Join(err, s.conn.stop())
	}
	s.work.Go(s.follow)
	s.work.Go(s.maintain)
	if !s.Embedded() {
		s.work.Go(s.probe)
	}
	return s, nil
}

func (s *Store) connect(ctx context.Context) (err error) {
	level := zap.NewAtomicLevelAt(zap.ErrorLevel)
	logger := etcdLogger(s.log, level)
	if len(s.cfg.Endpoints) > 0 {
		// The client would warn of each request that fails; the store tells its callers instead.
		s.conn, err = dial(s.cfg.Endpoints, s.cfg.TLS, logger)
		return err
	}
	defer level.SetLevel(zap.WarnLevel) // while it starts, etcd warns of settings that are as we want them
	if s.cfg.Dir == "" {
		return errors.New("open store: neither a data directory nor endpoints given")
	}
	s.disk = &disk{dir: s.cfg.Dir, minimum: s.cfg.MinFree, free: s.cfg.statfs, every: s.cfg.diskEvery}
	if err := makeDir(s.cfg.Dir); err != nil {
		return err
	}
	if err := s.disk.roomToStart(); err != nil {
		return fmt.Errorf("open store: %w", err)
	}
	e, err := startEmbedded(ctx, s.cfg.Dir, s.cfg.quota, logger)
	if err != nil {
		return err
	}
	s.conn = e.connect()
	return nil
}

// prepare checks the schema and loads the first snapshot.
func (s *Store) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if err := s.checkSchema(ctx); err != nil {
		return fmt.Errorf("open store: %w", unavailable(err))
	}
	first, err := s.load(ctx)
	if err != nil {
		return fmt.Errorf("open store: %w", unavailable(err))
	}
	s.replica.replace(first)
	return nil
}

// Close ends watchers, leaderships and the connection; the embedded etcd stops. Updates that are under way finish or
// fail first. It waits for functions run by Lead, which see their context end.
func (s *Store) Close() error {
	s.once.Do(func() {
		s.leaders.end()
		s.intents.drain()
		s.cancel()
		s.replica.close()
		s.work.Wait()
		s.closed = s.conn.stop()
	})
	return s.closed
}

// Snapshot is the newest consistent view. Taking one costs nothing.
func (s *Store) Snapshot() *Snapshot { return s.replica.snapshot() }

// Embedded says whether etcd runs in this process, which then is the only one that uses it.
func (s *Store) Embedded() bool { return s.conn.embedded != nil }

// checkTimeout bounds Check, so that a health page answers.
const checkTimeout = 3 * time.Second

// Check finds out whether a write would succeed now: there is room, and a majority of etcd answers.
func (s *Store) Check(ctx context.Context) error {
	if s.ctx.Err() != nil {
		return ErrClosed
	}
	if err := s.disk.room(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if _, err := s.conn.Get(ctx, s.schemaKey(), clientv3.WithKeysOnly()); err != nil {
		return unavailable(err)
	}
	if s.conn.full(ctx) {
		return fmt.Errorf("%w: etcd has used up its quota", ErrNoSpace)
	}
	return nil
}

func (s *Store) schemaKey() string { return s.cfg.Prefix + "schema" }

func (s *Store) recordPrefix() string { return s.cfg.Prefix + "v1/" }

// unavailable marks an error as etcd's failure to answer, unless it has a meaning of its own.
func unavailable(err error) error {
	for _, own := range []error{ErrSchema, ErrUnavailable, ErrClosed, ErrNoSpace, errUnreadable} {
		if errors.Is(err, own) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
