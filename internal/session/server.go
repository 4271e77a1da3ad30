package session

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/wire"
)

// Defaults of Config.
const (
	defaultHeartbeat = 20 * time.Second // agents give up after 60 to 120 s
	defaultGrace     = time.Second
)

// Times and sizes that nobody needs to choose.
const (
	writeTimeout = 5 * time.Second // of one message to an agent that does not read
	readLimit    = 2 << 20         // bytes of one message; agents keep telemetry under 1 MB
	lostAcks     = 3               // heartbeats without an answer after which an agent is gone
)

// Config is what sessions need of their surroundings.
type Config struct {
	Mux      *wire.Mux // verifies who opens a socket
	Room     *ecs.Room
	Log      *slog.Logger // default: nowhere
	ServerID string       // tells this server's connections from another's

	Heartbeat time.Duration // between two heartbeats; default 20 s
	// Grace is how long an agent may be away before its instance counts as
	// disconnected: agents reconnect at once several times per hour. Default 1 s;
	// negative for none.
	Grace time.Duration
	// Metrics, if set, is told of every publication of an instance, in order.
	Metrics func(of Instance, m *agentproto.PublishMetrics)
}

// Instance names the container instance at the other end of a socket.
type Instance struct {
	ecs.Scope
	Cluster, ID string
}

// ARN is the container instance's ARN.
func (i Instance) ARN() string {
	return i.Scope.ARN("container-instance/" + i.Cluster + "/" + i.ID)
}

func (i Instance) clusterARN() string { return i.Scope.ARN("cluster/" + i.Cluster) }

// Server holds the sockets of agents. Its two handlers go where
// DiscoverPollEndpoint points, with "/ws" appended.
type Server struct {
	cfg         Config
	log         *slog.Logger
	telemetry   *telemetry
	connections atomic.Uint64 // numbers them
	open        atomic.Int64

	ctx    context.Context // ends when the server closes
	cancel context.CancelFunc
	mu     sync.Mutex // guards closed, and adding to work
	closed bool
	work   sync.WaitGroup
}

// New returns a server without sockets. Close it when done.
func New(cfg Config) *Server {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Heartbeat == 0 {
		cfg.Heartbeat = defaultHeartbeat
	}
	if cfg.Grace == 0 {
		cfg.Grace = defaultGrace
	}
	s := &Server{cfg: cfg, log: cfg.Log, telemetry: newTelemetry()}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Close ends every session and waits for them. Agents reconnect at once, so
// stop listening before.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.work.Wait()
}

// Sessions is the number of open ACS sockets.
func (s *Server) Sessions() int { return int(s.open.Load()) }

// ACS serves the poll socket.
func (s *Server) ACS() http.Handler {
	return s.handler(func(w http.ResponseWriter, r *http.Request) { s.serveACS(w, r) })
}

// TCS serves the telemetry socket.
func (s *Server) TCS() http.Handler {
	return s.handler(func(w http.ResponseWriter, r *http.Request) { s.serveTCS(w, r) })
}

// handler counts a socket among the server's work, or turns it away when the
// server is closing.
func (s *Server) handler(serve http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			refuse(w, http.StatusServiceUnavailable, "ServerException", "The server is shutting down.")
			return
		}
		s.work.Add(1)
		s.mu.Unlock()
		defer s.work.Done()
		serve(w, r)
	})
}

// accept upgrades the request.
func accept(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(readLimit)
	return conn, nil
}

// send writes one message. The end of ctx does not cut it short, for that would
// break the socket before a goodbye; the agent's slowness does.
func send(ctx context.Context, conn *websocket.Conn, kind string, message any) error {
	frame, err := agentproto.Encode(kind, message)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	return conn.Write(ctx, websocket.MessageText, frame)
}

// serve runs the two halves of a socket until one of them ends, and returns why.
// The end of ctx is for write to notice: reading goes on until write has said
// goodbye, which takes the peer's answer.
func serve(ctx context.Context, conn *websocket.Conn, read, write func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	reading, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		cancel(write(ctx))
		stop()
	}()
	cancel(read(reading))
	<-done
	conn.CloseNow()
	return context.Cause(ctx)
}
