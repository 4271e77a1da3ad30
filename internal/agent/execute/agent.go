package execute

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/ssmchannel"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

// Container is one that may be entered: it runs, and its task has ECS Exec
// enabled.
type Container struct {
	RuntimeID string // as reported to the control plane
	ID        string // for Start
}

// Command is a process to run in a container.
type Command struct {
	Args   []string
	Env    []string // over the container's own
	User   string
	TTY    bool // Stderr is nil then
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
}

// Process is a command that runs.
type Process interface {
	// Wait returns the exit code when the process has ended and its output is
	// complete.
	Wait(ctx context.Context) (code int, err error)
	Resize(ctx context.Context, rows, cols uint16) error
	// Kill ends the process and what it started; it may have ended.
	Kill(ctx context.Context) error
}

// Config is what the agent needs of its surroundings.
type Config struct {
	Backend              string // URL of the API endpoint, http or https
	Region               string
	ContainerInstanceARN string // the long form, with the cluster
	Credentials          func() sigv4.Credentials
	HTTP                 *http.Client // nil: a client of its own
	Log                  *slog.Logger // nil: nowhere

	// Start starts a command in a container.
	Start func(ctx context.Context, containerID string, c Command) (Process, error)
	// Containers lists those that may be entered; it is asked at every Changed and
	// for every session, so it must be quick.
	Containers func() []Container
	// Connected, if set, is told when the control channel opens and closes. From
	// the first time on, the containers' ExecuteCommandAgent is RUNNING; it stays
	// so while the channel is away.
	Connected func(open bool)
}

// Agent runs commands.
type Agent struct {
	cfg     Config
	log     *slog.Logger
	channel string // id of the control channel
	changed chan struct{}
	work    sync.WaitGroup // sessions

	mu      sync.Mutex // guards the rest
	control *socket    // nil while there is none
}

// New returns an agent that does nothing until Run.
func New(cfg Config) *Agent {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.HTTP == nil {
		cfg.HTTP = &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
	}
	if cfg.Connected == nil {
		cfg.Connected = func(bool) {}
	}
	cfg.Backend = strings.TrimRight(cfg.Backend, "/")
	return &Agent{cfg: cfg, log: cfg.Log, channel: channelID(cfg.ContainerInstanceARN), changed: make(chan struct{}, 1)}
}

// channelID names the control channel after cluster and instance, the last two
// parts of the ARN.
func channelID(arn string) string {
	path := strings.Split(arn, "/")
	if len(path) < 3 {
		return arn
	}
	return ssmchannel.ControlChannelID(path[len(path)-2], path[len(path)-1])
}

// Changed says that Containers may list others than before.
func (a *Agent) Changed() {
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

// The pauses between attempts to open the control channel.
const (
	firstPause = time.Second
	maxPause   = time.Minute
)

// Run works until ctx ends; then all commands are killed.
func (a *Agent) Run(ctx context.Context) error {
	defer a.work.Wait()
	pause := firstPause
	for {
		if err := a.await(ctx, true); err != nil {
			return err
		}
		began := time.Now()
		err := a.serveControl(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			pause = firstPause
			continue // there is nothing to enter any more
		case time.Since(began) > maxPause:
			pause = firstPause
		}
		a.log.Warn("no channel for commands, trying again", "error", err, "pause", pause)
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, maxPause)
	}
}

// await waits until there is something to enter, or nothing.
func (a *Agent) await(ctx context.Context, some bool) error {
	for (len(a.cfg.Containers()) > 0) != some {
		select {
		case <-a.changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// enter finds the container that a session is for.
func (a *Agent) enter(target string) (Container, bool) {
	id := ssmchannel.TargetRuntimeID(target)
	all := a.cfg.Containers()
	i := slices.IndexFunc(all, func(c Container) bool { return id != "" && c.RuntimeID == id })
	if i < 0 {
		return Container{}, false
	}
	return all[i], true
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
