package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/config"
	"go.etcd.io/etcd/server/v3/etcdserver"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
	"go.etcd.io/etcd/server/v3/features"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.uber.org/zap"
)

const (
	maxTxnOps       = 4096     // operations, and comparisons, of one transaction
	maxRequestBytes = 16 << 20 // bytes of one transaction
	quotaBytes      = 8 << 30  // size of the database file at which etcd stops taking writes
	segmentBytes    = 16 << 20 // size of a file of the write-ahead log; two are allocated ahead
	startTimeout    = 60 * time.Second
)

// peerURL is the name of the only member of the embedded cluster. Nothing listens on it.
const peerURL = "http://127.0.0.1:0"

// embedded is an etcd server in this process. It listens nowhere: only its own process can reach it.
type embedded struct {
	server *etcdserver.EtcdServer
	lock   *os.File
	dir    string
}

// setSegmentBytes is etcd's own switch, a variable of its package, for the size of the files of the write-ahead log.
var setSegmentBytes = sync.OnceFunc(func() { wal.SegmentSizeBytes = segmentBytes })

// makeDir makes the data directory and closes it to others.
func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("close data directory to others: %w", err)
	}
	return nil
}

// startEmbedded starts the etcd whose data is or shall be in dir, and waits until it takes writes.
func startEmbedded(ctx context.Context, dir string, quota int64, log *zap.Logger) (*embedded, error) {
	setSegmentBytes()
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	e := &embedded{lock: lock, dir: dir}
	cfg, err := serverConfig(dir, quota, log)
	if err == nil {
		e.server, err = etcdserver.NewServer(cfg)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start etcd in %s: %w", dir, err), e.unlock())
	}
	e.server.Start()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	select {
	case <-e.server.ReadyNotify():
		return e, nil
	case <-e.server.StopNotify():
		err = errors.New("it stopped")
	case <-ctx.Done():
		err = ctx.Err()
	}
	return nil, errors.Join(fmt.Errorf("start etcd in %s: %w", dir, err), e.stop())
}

// serverConfig is etcd's configuration for one member that starts at once and keeps little in memory.
func serverConfig(dir string, quota int64, log *zap.Logger) (config.ServerConfig, error) {
	urls, err := types.NewURLs([]string{peerURL})
	if err != nil {
		return config.ServerConfig{}, err
	}
	const name = "slipway"
	return config.ServerConfig{
		Name:                name,
		DataDir:             dir,
		PeerURLs:            urls,
		ClientURLs:          urls,
		InitialPeerURLsMap:  types.URLsMap{name: urls},
		InitialClusterToken: name,
		NewCluster:          true,

		// The only member elects itself after at most two ticks; nobody competes, so the ticks can be few and short.
		TickMs:                     50,
		ElectionTicks:              2,
		InitialElectionTickAdvance: true,
		PreVote:                    true,

		// No follower ever has to catch up, so the log need not stay in memory.
		SnapshotCount:          5000,
		SnapshotCatchUpEntries: 1,
		MaxSnapFiles:           2,
		MaxWALFiles:            2,

		MaxTxnOps:         maxTxnOps,
		MaxRequestBytes:   maxRequestBytes,
		QuotaBackendBytes: quota,

		BackendFreelistType: bolt.FreelistArrayType,

		WarningApplyDuration:        time.Second,
		WarningUnaryRequestDuration: 3 * time.Second,
		AuthToken:                   "simple",
		TokenTTL:                    300,
		V2Deprecation:               config.V2DeprDefault,
		Logger:                      log,
		ServerFeatureGate:           features.NewDefaultServerFeatureGate(name, log),
		Metrics:                     "basic",
	}, nil
}

// lockDir makes sure that one process uses dir. The lock ends with the process, however that ends.
func lockDir(dir string) (*os.File, error) {
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock of data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder := make([]byte, 32)
		n, _ := f.Read(holder) // the number only makes the message friendlier
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("open %s: %w by process %s", dir, ErrLocked, holder[:n])
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if err := f.Truncate(0); err != nil {
		return nil, errors.Join(fmt.Errorf("write %s: %w", path, err), f.Close())
	}
	if _, err := fmt.Fprintf(f, "%d", os.Getpid()); err != nil {
		return nil, errors.Join(fmt.Errorf("write %s: %w", path, err), f.Close())
	}
	return f, nil
}

func (e *embedded) unlock() error { return e.lock.Close() }

// stop ends the server and frees the directory.
func (e *embedded) stop() error {
	e.server.Stop()
	return e.unlock()
}

func (e *embedded) connect() *conn { return &conn{Client: v3client.New(e.server), embedded: e} }
