package ssmmessages

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/wire"
)

// The paths that the two handlers belong under; ids follow.
const (
	ControlPath = "/v1/control-channel/"
	DataPath    = "/v1/data-channel/"
)

// service is the signing name.
const service = "ssmmessages"

// Defaults of Config.
const (
	defaultIdle      = 20 * time.Minute // as AWS for ECS Exec
	defaultOpening   = time.Minute
	defaultReconnect = 3 * time.Second
	defaultAnswer    = 15 * time.Second // the SSM agent's patience with a handshake
)

// Times and sizes that nobody needs to choose.
const (
	writeTimeout = 5 * time.Second
	helloTimeout = 10 * time.Second // from the upgrade to the token
	pingInterval = 54 * time.Second // the SSM agent's
	readLimit    = 1 << 20
	maxRequest   = 64 << 10
)

// Config is what the gateway needs of its surroundings.
type Config struct {
	Mux   *wire.Mux    // verifies requests
	Store *store.Store // where the ecs room's container instances are
	Log   *slog.Logger // default: nowhere

	Idle    time.Duration // without a byte, after which a session ends; default 20 min
	Opening time.Duration // within which a client must come; default 1 min
	// Reconnect is how long Open waits for an agent without a control channel:
	// agents come back within seconds after a server's restart. Default 3 s,
	// negative for none.
	Reconnect time.Duration
	Answer    time.Duration // within which an agent must come; default 15 s
}

// Server is the gateway.
type Server struct {
	cfg Config
	log *slog.Logger

	ctx    context.Context // ends when the server closes
	cancel context.CancelFunc

	mu       sync.Mutex // guards the rest, and adding to work
	closed   bool
	work     sync.WaitGroup
	controls map[string]*control // by store key of the instance
	tokens   map[string]string   // of control channels to be opened, likewise
	sessions map[string]*session // by id
	changed  chan struct{}       // closed when a control channel opens
}

var _ ecs.Sessions = (*Server)(nil)

// New returns a gateway without channels. Close it when done.
func New(cfg Config) *Server {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	for _, d := range []struct {
		of *time.Duration
		is time.Duration
	}{{&cfg.Idle, defaultIdle}, {&cfg.Opening, defaultOpening}, {&cfg.Reconnect, defaultReconnect}, {&cfg.Answer, defaultAnswer}} {
		if *d.of == 0 {
			*d.of = d.is
		}
	}
	s := &Server{
		cfg: cfg, log: cfg.Log, changed: make(chan struct{}),
		controls: map[string]*control{}, tokens: map[string]string{}, sessions: map[string]*session{},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Close ends all sessions and channels and waits for them. Agents reconnect, so
// stop listening before.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for _, se := range s.sessions {
		se.expiry.Stop()
	}
	s.mu.Unlock()
	s.cancel()
	s.work.Wait()
}

// Handler serves everything under ControlPath and DataPath.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+ControlPath+"{id}", s.createControl)
	mux.HandleFunc("GET "+ControlPath+"{id}", s.openControl)
	mux.HandleFunc("POST "+DataPath+"{id}", s.createData)
	mux.HandleFunc("GET "+DataPath+"{id}", s.openData)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			http.Error(w, "the server is shutting down", http.StatusServiceUnavailable)
			return
		}
		s.work.Add(1)
		s.mu.Unlock()
		defer s.work.Done()
		mux.ServeHTTP(w, r)
	})
}
