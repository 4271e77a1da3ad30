package agent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/containerd/errdefs"

	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agent/logdriver"
	"github.com/slipway/slipway/internal/agent/network"
	"github.com/slipway/slipway/internal/agent/runtime"
)

// containers puts the container runtime, the log drivers and the name service
// files behind engine.Runtime.
type containers struct {
	rt   *runtime.Containerd
	logs *logdriver.Drivers
	dir  string // one directory per container
}

// labelLog says which log driver a container has.
const labelLog = "slipway.io/log-driver"

// daemon words a refusal as Docker's daemon does, which AWS shows as it comes.
const daemon = "Error response from daemon: "

// Create implements engine.Runtime.
func (c *containers) Create(ctx context.Context, spec engine.ContainerSpec) error {
	if spec.Pause {
		return known(c.rt.Create(ctx, runtimeSpec(spec)))
	}
	logPath, err := c.openLog(ctx, spec)
	if err != nil {
		return err
	}
	files, err := c.writeFiles(spec)
	if err != nil {
		return fmt.Errorf("CannotCreateContainerError: %s%w", daemon, err)
	}
	out := runtimeSpec(spec)
	for target, source := range map[string]string{"/etc/resolv.conf": files.ResolvConf, "/etc/hosts": files.Hosts, "/etc/hostname": files.Hostname} {
		out.Mounts = append(out.Mounts, runtime.Mount{Source: source, Destination: target})
	}
	out.LogPath = logPath
	return known(c.rt.Create(ctx, out))
}

// openLog makes the container's log. Docker refuses bad options when it creates
// a container, and contacts the destination when it starts it.
func (c *containers) openLog(ctx context.Context, spec engine.ContainerSpec) (string, error) {
	path, err := c.logs.Open(ctx, logdriver.Container{
		ID: spec.ID, Name: spec.Name, TaskARN: spec.TaskARN, ContainerName: spec.ContainerName,
		Image: spec.Image.Reference, ImageID: spec.Image.Digest, Command: spec.Command, Env: spec.Env, Labels: spec.Labels,
		CreatedAt: time.Now(),
	}, spec.Host.LogConfig.Type, spec.Host.LogConfig.Config)
	switch {
	case err == nil:
		return path, nil
	case strings.HasPrefix(err.Error(), "failed to initialize logging driver"):
		return "", fmt.Errorf("CannotStartContainerError: %s%w", daemon, err)
	}
	return "", fmt.Errorf("CannotCreateContainerError: %s%w", daemon, err)
}

func (c *containers) writeFiles(spec engine.ContainerSpec) (network.FilePaths, error) {
	return network.WriteFiles(filepath.Join(c.dir, spec.ID), network.HostFiles{
		Hostname: containerHostname(spec), IP: spec.Network.IP, SharedNet: spec.Host.NetworkMode == string(network.Host),
		DNSServers: spec.Host.DNS, DNSSearch: spec.Host.DNSSearch, ExtraHosts: spec.Host.ExtraHosts,
	})
}

// containerHostname is Docker's: the short id, or the machine's name in its
// network.
func containerHostname(spec engine.ContainerSpec) string {
	switch {
	case spec.Config.Hostname != "":
		return spec.Config.Hostname
	case spec.Host.NetworkMode == string(network.Host):
		return hostname()
	}
	return spec.ID[:12]
}

// runtimeSpec translates what the engine wants into what the runtime takes. Every
// container has a shim of its own: one for all of a task makes them one after the
// other, and cost a task of four containers a quarter more time and processor
// time (BenchmarkContainers).
func runtimeSpec(spec engine.ContainerSpec) runtime.Spec {
	labels := map[string]string{labelLog: spec.Host.LogConfig.Type}
	maps.Copy(labels, spec.Labels)
	h := spec.Host
	out := runtime.Spec{
		ID: spec.ID, Task: spec.TaskARN, Name: spec.ContainerName, Labels: labels, Image: spec.Image.Name,
		Command: spec.Command, EntryPoint: spec.EntryPoint, Env: spec.Env,
		WorkingDir: spec.Config.WorkingDir, User: spec.Config.User, Hostname: containerHostname(spec), StopSignal: spec.Config.StopSignal,
		CPUShares: uint64(h.CPUShares), MemoryLimit: h.Memory, MemoryReservation: h.MemoryReservation,
		MemorySwap: h.MemorySwap, MemorySwappiness: h.MemorySwappiness,
		PidsLimit: h.PidsLimit, CgroupParent: spec.CgroupParent,
		NetNS: spec.Network.NetNS, Tmpfs: h.Tmpfs, ShmSize: h.ShmSize,
		TTY: spec.Config.Tty, OpenStdin: spec.Config.OpenStdin, Pause: spec.Pause,
		Privileged: h.Privileged, ReadonlyRootfs: h.ReadonlyRootfs, Init: h.Init != nil && *h.Init,
		CapAdd: h.CapAdd, CapDrop: h.CapDrop, SecurityOpt: h.SecurityOpt, Sysctls: h.Sysctls,
	}
	out.PIDMode, out.PIDContainer = shared(h.PidMode)
	out.IPCMode, out.IPCContainer = shared(h.IpcMode)
	if h.NetworkMode == string(network.Host) {
		out.NetNS, out.HostNetwork = "", true
	}
	for _, m := range spec.Mounts {
		out.Mounts = append(out.Mounts, runtime.Mount{Source: m.Source, Destination: m.Target, ReadOnly: m.ReadOnly, CopyUp: m.CopyUp})
	}
	for _, u := range h.Ulimits {
		out.Ulimits = append(out.Ulimits, runtime.Ulimit{Name: u.Name, Soft: u.Soft, Hard: u.Hard})
	}
	for _, d := range h.Devices {
		out.Devices = append(out.Devices, runtime.Device{Host: d.PathOnHost, Container: d.PathInContainer, Permissions: d.CgroupPermissions})
	}
	return out
}

// shared reads Docker's "container:<id>".
func shared(mode string) (own, container string) {
	if id, ok := strings.CutPrefix(mode, "container:"); ok {
		return "", id
	}
	return mode, ""
}

// Start implements engine.Runtime.
func (c *containers) Start(ctx context.Context, id string) error {
	_, err := c.rt.Start(ctx, id)
	return known(err)
}

// Restart implements engine.Runtime.
func (c *containers) Restart(ctx context.Context, id string) error {
	state, err := c.rt.Inspect(ctx, id)
	if err != nil {
		return known(err)
	}
	if driver := state.Labels[labelLog]; driver != "none" {
		if _, err := c.logs.Open(ctx, logdriver.Container{ID: id}, driver, nil); err != nil {
			return fmt.Errorf("CannotStartContainerError: %s%w", daemon, err)
		}
	}
	_, err = c.rt.Restart(ctx, id)
	return known(err)
}

// Stop implements engine.Runtime.
func (c *containers) Stop(ctx context.Context, id string) error {
	sig, err := c.rt.StopSignal(ctx, id)
	if err != nil {
		return known(err)
	}
	return known(c.rt.Signal(ctx, id, sig))
}

// Kill implements engine.Runtime.
func (c *containers) Kill(ctx context.Context, id string) error {
	return known(c.rt.Signal(ctx, id, syscall.SIGKILL))
}

// Wait implements engine.Runtime.
func (c *containers) Wait(ctx context.Context, id string) (<-chan engine.Exit, error) {
	exits, err := c.rt.Wait(ctx, id)
	if err != nil {
		return nil, known(err)
	}
	out := make(chan engine.Exit, 1)
	go func() { // ends with the runtime's channel, which ends with ctx
		defer close(out)
		if e, ok := <-exits; ok {
			_ = c.logs.Close(id) // only frees disk space; Remove deletes the rest
			out <- engine.Exit{Code: e.Code, At: e.At, OOM: e.OOM}
		}
	}()
	return out, nil
}

// Inspect implements engine.Runtime.
func (c *containers) Inspect(ctx context.Context, id string) (engine.Process, error) {
	s, err := c.rt.Inspect(ctx, id)
	return process(s), known(err)
}

// Volumes implements engine.Runtime.
func (c *containers) Volumes(ctx context.Context, id string) ([]engine.Mount, error) {
	volumes, err := c.rt.Volumes(ctx, id)
	if err != nil {
		return nil, known(err)
	}
	out := make([]engine.Mount, len(volumes))
	for i, v := range volumes {
		out[i] = engine.Mount{Source: v.Source, Target: v.Destination}
	}
	return out, nil
}

// List implements engine.Runtime.
func (c *containers) List(ctx context.Context) ([]engine.Process, error) {
	states, err := c.rt.List(ctx, nil)
	if err != nil {
		return nil, known(err)
	}
	out := make([]engine.Process, len(states))
	for i, s := range states {
		out[i] = process(s)
	}
	return out, nil
}

// Remove implements engine.Runtime.
func (c *containers) Remove(ctx context.Context, id string) error {
	if err := c.rt.Remove(ctx, id); err != nil {
		return known(err)
	}
	return errors.Join(c.logs.Remove(id), os.RemoveAll(filepath.Join(c.dir, id)))
}

func process(s runtime.State) engine.Process {
	states := map[runtime.Status]engine.ProcessState{
		runtime.None: engine.Absent, runtime.Created: engine.Ready, runtime.Running: engine.Alive, runtime.Stopped: engine.Exited,
	}
	return engine.Process{
		ID: s.ID, State: states[s.Status], StartedAt: s.StartedAt,
		Exit: engine.Exit{Code: s.ExitCode, At: s.ExitedAt, OOM: s.OOM},
	}
}

// known turns the runtime's errors into those that the engine tells apart.
func known(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, runtime.ErrNotFound):
		return fmt.Errorf("%w: %w", engine.ErrNotFound, err)
	case errdefs.IsUnavailable(err):
		return fmt.Errorf("%w: %w", engine.ErrUnavailable, err)
	}
	if e, ok := errors.AsType[*runtime.Error](err); ok {
		return e // its text is AWS's
	}
	return err
}

// networks puts the network behind engine.Network.
type networks struct{ *network.Network }

// Attach implements engine.Network.
func (n networks) Attach(ctx context.Context, req engine.NetworkRequest) (engine.Attachment, error) {
	r := network.Request{ContainerID: req.ContainerID, Mode: network.Mode(req.Mode)}
	for _, p := range req.Ports {
		port := network.Port{Container: uint16(p.ContainerPort), Host: uint16(p.HostPort), Proto: p.Protocol}
		if p.ContainerPortRange != "" {
			var err error
			if port.Container, port.ContainerEnd, err = network.ParseRange(p.ContainerPortRange); err != nil {
				return engine.Attachment{}, err
			}
		}
		r.Ports = append(r.Ports, port)
	}
	a, err := n.Network.Attach(ctx, r)
	if inUse, ok := errors.AsType[*network.PortInUseError](err); ok {
		// Docker publishes ports when it starts the container.
		return engine.Attachment{}, fmt.Errorf("CannotStartContainerError: %sdriver failed programming external connectivity on endpoint %s: %w", daemon, req.ContainerID[:12], inUse)
	}
	out := engine.Attachment{NetNS: a.NetNS, IP: a.IP}
	for _, b := range a.Bindings {
		out.Bindings = append(out.Bindings, engine.Binding{
			BindIP: b.BindIP, ContainerPort: int(b.ContainerPort), HostPort: int(b.HostPort), Protocol: b.Protocol,
			ContainerPortRange: b.ContainerPortRange, HostPortRange: b.HostPortRange,
		})
	}
	return out, err
}

// Recover implements engine.Network.
func (n networks) Recover(ctx context.Context, attached map[string]engine.Attachment) error {
	ids := make([]string, 0, len(attached))
	for id := range attached {
		ids = append(ids, id)
	}
	return n.Network.Recover(ctx, ids)
}
