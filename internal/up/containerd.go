package up

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/namespaces"
)

// DefaultContainerd is where the machine's own containerd listens.
const DefaultContainerd = "/run/containerd/containerd.sock"

// containerdProcess is the containerd that is used: the machine's own, or, where
// none runs, one that this installation started for itself.
type containerdProcess struct {
	socket    string
	namespace string         // ours in it, so that nobody else's containers are touched
	own       *ownContainerd // nil: the machine's
}

// ensureContainerd finds one of our own that a killed Slipway left running, or the
// machine's containerd, or starts one.
func (u *up) ensureContainerd(ctx context.Context) (*containerdProcess, error) {
	p := &containerdProcess{socket: u.cfg.Containerd, namespace: "slipway-" + u.home.Identity.Name}
	own := newOwnContainerd(u.home.Dir, u.runDir(), u.cfg.Log)
	adopted := own.adopt(ctx)
	if !adopted && answers(ctx, p.socket) {
		return p, nil
	}
	if !adopted {
		u.cfg.Progress("no containerd runs on this machine: starting one for this installation")
		if err := own.start(); err != nil {
			return nil, fmt.Errorf("start containerd: %w", err)
		}
	}
	p.socket, p.own = own.socket, own
	own.keep()
	return p, p.await(ctx)
}

// await waits until containerd answers.
func (p *containerdProcess) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !answers(ctx, p.socket) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("containerd does not answer at %s; its log is containerd.log in the data directory", p.socket)
		case <-tick.C:
		}
	}
	return nil
}

// end removes our namespace and, if it is our own, ends containerd.
func (p *containerdProcess) end(ctx context.Context) error {
	err := p.removeNamespace(ctx)
	if p.own != nil {
		err = errors.Join(err, p.own.end(ctx))
	}
	return err
}

// removeNamespace deletes the images, and with them the namespace, which holds no
// container any more: every instance removed its own.
func (p *containerdProcess) removeNamespace(ctx context.Context) error {
	client, err := containerd.New(p.socket, containerd.WithTimeout(5*time.Second))
	if err != nil {
		return fmt.Errorf("clean up containerd: %w", err)
	}
	defer client.Close()
	ctx = namespaces.WithNamespace(ctx, p.namespace)
	if err := emptyNamespace(ctx, client); err != nil {
		return fmt.Errorf("clean up containerd namespace %s: %w", p.namespace, err)
	}
	// The low-level runtimes keep a directory per namespace and leave it, empty.
	for _, dir := range runtimeRoots {
		_ = os.Remove(filepath.Join(dir, p.namespace))
	}
	return nil
}

// runtimeRoots are where containerd's shim has runc and crun keep their state.
var runtimeRoots = []string{"/run/containerd/runc", "/run/containerd/io.containerd.runtime.v2.task"}

// patience is how long a containerd that listens may take to answer: a machine
// under load, or one that has just booted, is slow but not without containerd.
const patience = 5 * time.Second

// answers tells whether a containerd listens at socket and answers. Where nobody
// listens, as on a socket that a dead one left behind, it says so at once.
func answers(ctx context.Context, socket string) bool {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", socket)
	if err != nil {
		return false
	}
	conn.Close()
	client, err := containerd.New(socket, containerd.WithTimeout(patience))
	if err != nil {
		return false
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err = client.Version(ctx)
	return err == nil
}
