// Package network connects containers.
//
// It owns, in the network namespace it works in, one bridge, one nftables table
// and the namespaces and addresses of the containers on the bridge. It promises
// that Attach and Detach may be repeated, that a host port is never given out
// twice nor over a socket of another program, that a restart of the agent
// disturbs no connection, and that Purge leaves nothing. All kernel state is
// made by one goroutine, in process, without helper programs. It refuses IPv6
// bindings and subnets that collide with what the machine already reaches.
package network

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Mode is how a container is connected (networkMode of a task definition).
type Mode string

// The modes that need no help from outside the instance.
const (
	Bridge Mode = "bridge" // an address on the bridge, ports published on the host
	Host   Mode = "host"   // the instance's own network
	None   Mode = "none"   // a loopback device only
)

// Port asks for a container port to be published.
type Port struct {
	Container uint16
	Host      uint16 // 0 = any free one of the dynamic range
	Proto     string // "tcp" or "udp"
	// ContainerEnd makes it a range of ports, which gets as many host ports in a
	// row of the dynamic range; 0 = one port.
	ContainerEnd uint16
}

// Binding is a published port, or a range of them, which has no single ports.
type Binding struct {
	BindIP        string // "0.0.0.0"
	ContainerPort uint16
	HostPort      uint16
	Protocol      string

	ContainerPortRange string `json:",omitempty"` // "8000-8010"
	HostPortRange      string `json:",omitempty"` // as many
}

// Request connects one container.
type Request struct {
	ContainerID string
	Mode        Mode
	Ports       []Port // in mode Bridge only
}

// Attachment is a connected container.
type Attachment struct {
	// NetNS is the path of the namespace that the container joins; "" in mode
	// None, where the runtime makes an empty one.
	NetNS    string
	IP       netip.Addr // zero but in mode Bridge
	Gateway  netip.Addr // likewise
	Bindings []Binding
}

// PortInUseError is a host port that someone has already.
type PortInUseError struct {
	Port  uint16
	Proto string
	Owner string // container id, or "" for a program outside
}

// Error is Docker's text.
func (e *PortInUseError) Error() string {
	if e.Owner == "" {
		return fmt.Sprintf("failed to bind port 0.0.0.0:%d/%s: Error starting userland proxy: listen %s4 0.0.0.0:%d: bind: address already in use", e.Port, e.Proto, e.Proto, e.Port)
	}
	return fmt.Sprintf("Bind for 0.0.0.0:%d failed: port is already allocated", e.Port)
}

// ErrNoPorts means that the dynamic range is used up.
var ErrNoPorts = errors.New("all ports are allocated")

// Config of a Network.
type Config struct {
	// RunDir holds the namespaces' mounts and the attachments' state. Each
	// agent needs its own; it should not survive a reboot.
	RunDir string
	// NetNS is the namespace to work in; "" = the process's own.
	NetNS  string
	Bridge string       // "" = ecs0
	Subnet netip.Prefix // of the bridge; zero = a free one
	Avoid  []netip.Prefix
	Table  string // of nftables; "" = slipway
	// PortMin and PortMax bound dynamic host ports
	// (ECS_DYNAMIC_HOST_PORT_RANGE); 0 = the kernel's ephemeral range.
	PortMin, PortMax uint16
	// Ports that are never given out dynamically: of TCP, and of UDP.
	Reserved, ReservedUDP []uint16
	// Pool is how many connected namespaces are kept ready; 0 = 4, -1 = none.
	Pool int
	Log  *slog.Logger
}

func (c *Config) setDefaults() {
	if c.Bridge == "" {
		c.Bridge = "ecs0"
	}
	if c.Table == "" {
		c.Table = "slipway"
	}
	if c.Pool == 0 {
		c.Pool = 4
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

// Network connects the containers of one instance. Its methods are safe for
// concurrent use.
type Network struct {
	cfg Config
	w   *worker

	mu     sync.Mutex
	closed bool
}

// Open makes the bridge and the table, or takes up what an earlier agent left:
// attachments it finds stay connected until Recover or Detach.
func Open(ctx context.Context, cfg Config) (*Network, error) {
	cfg.setDefaults()
	for _, dir := range []string{filepath.Join(cfg.RunDir, nsDir), filepath.Join(cfg.RunDir, stateDir)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("create network run directory: %w", err)
		}
	}
	n := &Network{cfg: cfg, w: newWorker(cfg)}
	if err := n.w.start(ctx); err != nil {
		return nil, err
	}
	return n, nil
}

// Attach connects a container; a connected one gets its attachment again.
func (n *Network) Attach(ctx context.Context, req Request) (Attachment, error) {
	if err := req.check(); err != nil {
		return Attachment{}, err
	}
	switch req.Mode {
	case None:
		return Attachment{}, nil
	case Host:
		return Attachment{NetNS: n.w.hostPath()}, nil
	}
	var a Attachment
	err := n.w.do(ctx, func(b *bridge) error {
		rec, err := b.attach(req)
		if err != nil {
			return fmt.Errorf("connect container %s: %w", req.ContainerID, err)
		}
		a = Attachment{NetNS: rec.NetNS, IP: rec.IP, Gateway: b.gateway, Bindings: rec.Bindings}
		return nil
	})
	return a, err
}

func (r Request) check() error {
	if r.ContainerID == "" || strings.ContainsAny(r.ContainerID, "/\x00") || strings.HasPrefix(r.ContainerID, ".") {
		return fmt.Errorf("container id %q cannot name an attachment", r.ContainerID)
	}
	switch r.Mode {
	case Bridge, Host, None:
	default:
		return fmt.Errorf("network mode %q is not one of bridge, host, none", r.Mode)
	}
	for _, p := range r.Ports {
		if p.Proto != "tcp" && p.Proto != "udp" {
			return fmt.Errorf("invalid proto: %s", p.Proto)
		}
		if p.Container == 0 {
			return errors.New("container port 0 is invalid")
		}
		if p.ContainerEnd != 0 && (p.ContainerEnd < p.Container || p.Host != 0) {
			return fmt.Errorf("container port range %d-%d is invalid", p.Container, p.ContainerEnd)
		}
	}
	return nil
}

// Detach disconnects a container and frees its ports; an unknown one is no
// error.
func (n *Network) Detach(ctx context.Context, containerID string) error {
	return n.w.do(ctx, func(b *bridge) error {
		if err := b.detach(containerID); err != nil {
			return fmt.Errorf("disconnect container %s: %w", containerID, err)
		}
		return nil
	})
}

// Recover disconnects every container but the known ones, and clears away what
// an agent that was killed left half made.
func (n *Network) Recover(ctx context.Context, known []string) error {
	return n.w.do(ctx, func(b *bridge) error { return b.recover(known) })
}

// Subnet is the bridge's.
func (n *Network) Subnet(ctx context.Context) (netip.Prefix, error) {
	var p netip.Prefix
	err := n.w.do(ctx, func(b *bridge) error {
		p = b.subnet
		return nil
	})
	return p, err
}

// Close ends the work; connected containers stay connected for the next agent.
// Without any, all kernel state goes.
func (n *Network) Close() error {
	return n.end(context.Background(), func(b *bridge) error {
		if len(b.records) > 0 {
			return b.drain()
		}
		return b.purge()
	})
}

// Purge disconnects everything, deletes the bridge, the table and all mounts,
// and ends the work.
func (n *Network) Purge(ctx context.Context) error {
	return n.end(ctx, func(b *bridge) error { return b.purge() })
}

func (n *Network) end(ctx context.Context, last func(*bridge) error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil
	}
	err := n.w.do(ctx, last)
	n.w.stop()
	n.closed = true
	return err
}
