package up

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/slipway/slipway/internal/fabric"
	"github.com/slipway/slipway/internal/installation"
	"github.com/slipway/slipway/internal/instance"
	"github.com/slipway/slipway/internal/server"
	"github.com/slipway/slipway/internal/store"
)

// runRoot holds what does not survive a reboot: mounts, sockets, marks.
const runRoot = "/run/slipway"

// teardownTime is how long ending may take; the contract is 20 s in all.
const teardownTime = 17 * time.Second

// Config is what a user may choose.
type Config struct {
	DataDir      string
	Listen       string // host:port; the host must be loopback
	Region       string
	Cluster      string
	Instances    int
	InstanceType string
	Containerd   string // socket of the machine's containerd
	Stdout       io.Writer
	// Progress is told of each step in words.
	Progress func(step string)
	Log      *slog.Logger
}

// up is one run; each field is set when its part has started.
type up struct {
	cfg        Config
	home       *installation.Installation
	containerd *containerdProcess
	server     *server.Server
	fabric     *fabric.Fabric
	host       *instance.Host
	port       string // of the API, the same on the gateway's address
}

// Run starts everything, prints the ready line, and stays until ctx ends.
func Run(ctx context.Context, cfg Config) (err error) {
	u := &up{cfg: cfg}
	defer func() { err = errors.Join(err, u.end()) }()
	if err := u.start(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // asked to end before it was ready
		}
		return err
	}
	<-ctx.Done()
	u.cfg.Progress("ending containers and instances")
	return nil
}

func (u *up) start(ctx context.Context) error {
	listener, err := u.listen()
	if err != nil {
		return err
	}
	if u.home, err = installation.Open(u.cfg.DataDir, fabric.ChooseCIDR); err != nil {
		return errors.Join(err, listener.Close())
	}
	u.cfg.Progress("starting the control plane")
	if err := u.startServer(ctx, listener); err != nil {
		return err
	}
	u.cfg.Progress("connecting to containerd")
	if u.containerd, err = u.ensureContainerd(ctx); err != nil {
		return err
	}
	u.cfg.Progress("making the VPC " + u.home.Identity.VPC.String())
	if err := u.startFabric(); err != nil {
		return err
	}
	u.cfg.Progress(fmt.Sprintf("starting %d container instances", u.cfg.Instances))
	if err := u.startInstances(ctx); err != nil {
		return err
	}
	return u.ready(ctx)
}

// listen takes the address before anything else is started: a port in use is
// the likeliest mistake.
func (u *up) listen() (net.Listener, error) {
	host, _, err := net.SplitHostPort(u.cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", u.cfg.Listen, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("listen on %s: `slipway up` serves plain HTTP and listens on loopback only; use `slipway server` with --tls-cert and --tls-key for other addresses", u.cfg.Listen)
	}
	l, err := net.Listen("tcp", u.cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", u.cfg.Listen, err)
	}
	return l, nil
}

func (u *up) startServer(ctx context.Context, l net.Listener) error {
	_, u.port, _ = net.SplitHostPort(l.Addr().String())
	srv, err := server.Open(ctx, server.Config{
		DataDir:      u.home.Dir,
		Region:       u.cfg.Region,
		Store:        store.Config{},
		RegistryHost: l.Addr().String(),
		VPC:          u.home.Identity.VPC,
		Log:          u.cfg.Log,
	})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	u.server = srv
	srv.Listen(l, nil)
	return u.home.WriteEndpoint(installation.Endpoint{URL: "http://" + l.Addr().String(), Region: u.cfg.Region})
}

// startFabric makes the VPC and serves the control plane inside it too: that is
// where the instances' agents reach it.
func (u *up) startFabric() error {
	id := u.home.Identity
	f, err := fabric.Open(fabric.Config{Name: id.Name, CIDR: id.VPC, RunDir: runRoot, Log: u.cfg.Log})
	if err != nil {
		return err
	}
	u.fabric = f
	l, err := net.Listen("tcp", u.inner())
	if err != nil {
		return fmt.Errorf("listen inside the VPC: %w", err)
	}
	u.server.Listen(l, nil)
	return nil
}

// inner is the control plane's address inside the VPC.
func (u *up) inner() string { return net.JoinHostPort(u.fabric.Gateway().String(), u.port) }

func (u *up) runDir() string { return filepath.Join(runRoot, u.home.Identity.Name) }

// end undoes start in reverse, going on past errors.
func (u *up) end() error {
	ctx, cancel := context.WithTimeout(context.Background(), teardownTime)
	defer cancel()
	var errs []error
	if u.host != nil {
		errs = append(errs, u.host.Close(ctx))
	}
	if u.containerd != nil {
		errs = append(errs, u.containerd.end(ctx))
	}
	if u.server != nil {
		errs = append(errs, u.server.Close(ctx))
	}
	if u.fabric != nil {
		errs = append(errs, u.fabric.Close())
	}
	if u.home != nil {
		errs = append(errs, os.RemoveAll(u.runDir()), u.home.Close())
		_ = os.Remove(runRoot) // succeeds for the last one
	}
	return errors.Join(errs...)
}
