package endpoint

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agent/stats"
	"github.com/slipway/slipway/internal/agentproto"
)

// Address is where containers find the agent: the address is the instance's own,
// known inside its network namespace only.
const Address = "169.254.170.2:80"

const (
	// patience is how long a request may take to come, and its answer to go.
	patience = 5 * time.Second
	// callPatience bounds what is asked of the control plane meanwhile.
	callPatience = 4 * time.Second
	maxHeader    = 16 << 10
)

// Config is what the endpoints of containers tell, and whom they ask. Functions
// are called without any lock held, from many goroutines.
type Config struct {
	Cluster              string // as configured
	ContainerInstanceARN string
	AvailabilityZone     string
	AvailabilityZoneID   string // empty if unknown
	VPCID                string // empty if unknown

	Tasks func() []engine.View
	// Times are those of a task; nil: none are known.
	Times func(taskARN string) Times
	// Stats is the last sample of a container; false while there is none.
	Stats func(containerID string) (*stats.Docker, bool)
	// Credentials are those of a role that the control plane gave with that id.
	Credentials func(id string) (agentproto.RoleCredentials, bool)
	// Pending tells ids of which the credentials are to come again, after a
	// restart of the agent; nil: there are none.
	Pending func(id string) bool
	// TaskRole are the credentials of a task's own role; false if it has none.
	TaskRole func(taskARN string) (agentproto.RoleCredentials, bool)
	// Tags asks the control plane (ListTagsForResource). A *Refusal in an error
	// is what it answered.
	Tags func(ctx context.Context, resourceARN string) (map[string]string, error)
	// Protection asks the control plane with the credentials of the task's role
	// (GetTaskProtection, UpdateTaskProtection). A *Refusal in an error is what
	// it answered.
	Protection func(ctx context.Context, role agentproto.RoleCredentials, p ProtectionCall) (ProtectionAnswer, error)

	Audit *Audit // nil: none is kept (ECS_AUDIT_LOGFILE_DISABLED)
	// Steady and Burst are ECS_TASK_METADATA_RPS_LIMIT; 0: 40 and 60.
	Steady, Burst int
	Log           *slog.Logger
}

// Times of a task; zero for those to come.
type Times struct {
	PullStartedAt, PullStoppedAt, ExecutionStoppedAt time.Time
}

// Refusal is an error that the control plane answered.
type Refusal struct {
	Status        int // of HTTP
	Code, Message string
	RequestID     string
}

// Error is the code and the message.
func (r *Refusal) Error() string { return r.Code + ": " + r.Message }

// server answers containers.
type server struct {
	cfg Config
}

// Containers answers containers on Address.
func Containers(cfg Config) http.Handler {
	if cfg.Steady == 0 && cfg.Burst == 0 {
		cfg.Steady, cfg.Burst = 40, 60
	}
	if cfg.Times == nil {
		cfg.Times = func(string) Times { return Times{} }
	}
	if cfg.Pending == nil {
		cfg.Pending = func(string) bool { return false }
	}
	s := &server{cfg: cfg}
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/credentials", s.credentialsV1)
	mux.HandleFunc("/v2/credentials", s.credentialsV2)
	mux.HandleFunc("/v2/credentials/{id...}", s.credentialsV2)
	for _, path := range []string{"/v2/metadata", "/v2/metadata/{container...}"} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { s.metadataV2(w, r, false) })
	}
	for _, path := range []string{"/v2/metadataWithTags", "/v2/metadataWithTags/{$}"} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { s.metadataV2(w, r, true) })
	}
	for _, path := range []string{"/v2/stats", "/v2/stats/{container...}"} {
		mux.HandleFunc(path, s.statsV2)
	}
	mux.HandleFunc("/v3/{id}", s.containerV3)
	mux.HandleFunc("/v3/{id}/{path...}", s.belowV3)
	mux.HandleFunc("/v4/{id}", s.containerV4)
	mux.HandleFunc("/v4/{id}/{path...}", s.belowV4)
	const protection = "/api/{id}/task-protection/v1/state"
	mux.HandleFunc("GET "+protection, s.getProtection)
	mux.HandleFunc("PUT "+protection, s.putProtection)
	mux.HandleFunc("POST /api/{id}/fault/v1/{kind}/{operation}", s.fault)
	return s.limited(newLimiter(cfg.Steady, cfg.Burst), mux)
}

// Serve answers with h until ctx ends, then closes the listener and all
// connections.
func Serve(ctx context.Context, listener net.Listener, h http.Handler) error {
	s := &http.Server{
		Handler: h, ReadTimeout: patience, WriteTimeout: patience, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // of clients that hang up
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() }) // it always ends the service
	defer stop()
	if err := s.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	}
	return nil
}
