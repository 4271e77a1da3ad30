// Package instance makes the container instances of `slipway up`: slices of this
// machine that look like machines of their own.
//
// An instance is a network namespace with an address in the VPC, a control group
// of the size of its instance type, and an agent process inside both. Host ports
// therefore collide exactly where they would on EC2, and ending an instance ends
// whatever ran on it.
//
// The package owns these three things and the directory in which the agent keeps
// its state. It promises that Launch adopts what an earlier process left behind
// (the containers of an instance live on when Slipway is killed), that a dead
// agent is started again, and that Terminate and Close leave no process, mount,
// namespace, interface or control group. It knows neither ECS nor the store:
// which instances there are is its caller's decision.
package instance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"github.com/slipway/slipway/internal/agent/cgroup"
	"github.com/slipway/slipway/internal/fabric"
	"github.com/slipway/slipway/internal/netns"
)

// Spec is one instance.
type Spec struct {
	ID     string     // i-…
	Addr   netip.Addr // in the VPC
	MAC    net.HardwareAddr
	CPU    int64 // units, 1024 to a vCPU
	Memory int64 // MiB
	// Env is the agent's environment; Args what follows the executable's name.
	Env  []string
	Args []string
}

// Config is where instances are made.
type Config struct {
	Name    string // of the fabric; names the control group
	Dir     string // agents keep their state in Dir/<id>
	RunDir  string // namespaces are mounted below RunDir/<id>
	Fabric  *fabric.Fabric
	Cgroups *cgroup.FS
	Command string // the executable that Args are given to
	// Purge removes every container of an instance from the container runtime.
	Purge func(ctx context.Context, id string) error
	Log   *slog.Logger
}

// Host makes instances on this machine. It is safe for concurrent use.
type Host struct {
	cfg Config

	mu   sync.Mutex
	live map[string]*agentProcess // by instance id
}

// NewHost returns a Host with no instances.
func NewHost(cfg Config) *Host {
	return &Host{cfg: cfg, live: map[string]*agentProcess{}}
}

// Dir is where the agent of an instance keeps its state.
func (h *Host) Dir(id string) string { return filepath.Join(h.cfg.Dir, id) }

// RunDir is where an instance's mounts are.
func (h *Host) RunDir(id string) string { return filepath.Join(h.cfg.RunDir, id) }

// Cgroup is the control group of an instance; its containers are put below it.
func (h *Host) Cgroup(id string) string { return h.cgroupRoot() + "/" + id }

func (h *Host) cgroupRoot() string { return "/slipway-" + h.cfg.Name }

func (h *Host) agentCgroup(id string) string { return h.Cgroup(id) + "/agent" }

func (h *Host) netNS(id string) string { return filepath.Join(h.RunDir(id), "netns") }

// Launch starts an instance, or takes over one whose parent died: the agent is
// replaced, its containers are left alone.
func (h *Host) Launch(ctx context.Context, s Spec) error {
	h.mu.Lock()
	_, running := h.live[s.ID]
	h.mu.Unlock()
	if running {
		return fmt.Errorf("launch %s: it runs already", s.ID)
	}
	if err := h.endStrayAgent(ctx, s.ID); err != nil {
		return fmt.Errorf("launch %s: %w", s.ID, err)
	}
	if err := h.prepare(s); err != nil {
		return fmt.Errorf("launch %s: %w", s.ID, err)
	}
	p := h.supervise(s)
	h.mu.Lock()
	h.live[s.ID] = p
	h.mu.Unlock()
	return nil
}

func (h *Host) prepare(s Spec) error {
	for _, dir := range []string{h.Dir(s.ID), h.RunDir(s.ID)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	if err := netns.Create(h.netNS(s.ID)); err != nil {
		return err
	}
	if err := netns.Do(h.netNS(s.ID), reserveAgentPorts); err != nil {
		return err
	}
	port := fabric.Port{ID: s.ID, NetNS: h.netNS(s.ID), Addr: s.Addr, MAC: s.MAC}
	if err := h.cfg.Fabric.Attach(port); err != nil {
		return err
	}
	// Without a weight of its own a whole instance would count as one thread.
	if err := h.cfg.Cgroups.Create(h.cgroupRoot(), cgroup.Limits{CPUShares: int64(1024 * runtime.NumCPU())}); err != nil {
		return err
	}
	size := cgroup.Limits{CPUMillis: s.CPU * 1000 / 1024, MemoryBytes: s.Memory << 20, CPUShares: s.CPU}
	return h.cfg.Cgroups.Create(h.Cgroup(s.ID), size)
}

// Terminate ends an instance and everything on it, and forgets its state.
func (h *Host) Terminate(ctx context.Context, id string) error {
	err := h.stop(ctx, id)
	// Nothing is deleted through a mount.
	if mounted := UnmountBelow(h.Dir(id)); mounted != nil {
		return errors.Join(err, mounted)
	}
	if rmErr := os.RemoveAll(h.Dir(id)); rmErr != nil {
		err = errors.Join(err, rmErr)
	}
	return err
}

// Close ends every instance as a machine's power-off would: nothing of them is
// left on this machine but the agents' state directories.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	ids := slices.Collect(maps.Keys(h.live))
	h.mu.Unlock()
	errs := make([]error, len(ids))
	var wg sync.WaitGroup
	for i, id := range ids {
		wg.Go(func() { errs[i] = h.stop(ctx, id) })
	}
	wg.Wait()
	return errors.Join(append(errs, h.cfg.Cgroups.Delete(h.cgroupRoot()))...)
}

// stop ends the agent, then the containers, then what they lived in. It goes on
// past errors: each step that can be done is one less thing left behind.
func (h *Host) stop(ctx context.Context, id string) error {
	h.mu.Lock()
	p := h.live[id]
	delete(h.live, id)
	h.mu.Unlock()
	if p != nil {
		p.end()
	}
	errs := []error{
		h.cfg.Cgroups.Kill(ctx, h.Cgroup(id)),
		h.cfg.Purge(ctx, id),
		h.cfg.Fabric.Detach(id),
		UnmountBelow(h.Dir(id)), // volumes of tasks: what is mounted there belongs to others
		UnmountBelow(h.RunDir(id)),
		os.RemoveAll(h.RunDir(id)),
		h.cfg.Cgroups.Delete(h.Cgroup(id)),
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("end instance %s: %w", id, err)
	}
	return nil
}

// agentPorts are those that agents listen on, of Amazon's kind too.
const agentPorts = "51678-51680"

// reserveAgentPorts keeps the kernel from giving an agent's ports to an outgoing
// connection: they are in the range that it takes those from, and an agent that
// cannot listen ends.
func reserveAgentPorts() error {
	return os.WriteFile("/proc/sys/net/ipv4/ip_local_reserved_ports", []byte(agentPorts), 0)
}
