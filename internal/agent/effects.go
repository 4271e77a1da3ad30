package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/containerd/errdefs"

	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agent/logdriver"
	"github.com/slipway/slipway/internal/agent/network"
	"github.com/slipway/slipway/internal/agent/runtime"
	"github.com/slipway/slipway/internal/agentproto"
)

// containers puts the container runtime, the log drivers and the name service
// files behind engine.Runtime.
type containers struct {
	rt   *runtime.Containerd
	logs *logdriver.Files
	dir  string // one directory per container
}

// labelLog keeps a container's log configuration, with which its log is opened
// again after a restart of the agent.
const labelLog = "slipway.io/log"

// daemon words a refusal as Docker's daemon does, which AWS shows as it comes.
const daemon = "Error response from daemon: "

// Create implements engine.Runtime.
func (c *containers) Create(ctx context.Context, spec engine.ContainerSpec) error {
	driver, err := logdriver.Select(spec.Host.LogConfig.Type, c.logs)
	if err != nil {
		return fmt.Errorf("CannotCreateContainerError: %s%w", daemon, err)
	}
	logPath, err := driver.Open(spec.ID, spec.Host.LogConfig.Config)
	if err != nil {
		return fmt.Errorf("CannotCreateContainerError: %s%w", daemon, err)
	}
	files, err := c.writeFiles(spec)
	if err != nil {
		return fmt.Errorf("CannotCreateContainerError: %s%w", daemon, err)
	}
	out, err := runtimeSpec(spec, files)
	if err != nil {
		return err
	}
	out.LogPath = logPath
	return known(c.rt.Create(ctx, out))
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

// runtimeSpec translates what the engine wants into what the runtime takes.
func runtimeSpec(spec engine.ContainerSpec, files network.FilePaths) (runtime.Spec, error) {
	logConfig, err := json.Marshal(spec.Host.LogConfig)
	if err != nil {
		return runtime.Spec{}, fmt.Errorf("encode log configuration: %w", err)
	}
	labels := map[string]string{labelLog: string(logConfig)}
	for k, v := range spec.Labels {
		labels[k] = v
	}
	h := spec.Host
	out := runtime.Spec{
		ID: spec.ID, Task: spec.TaskARN, Name: spec.ContainerName, Labels: labels, Image: spec.Image.Name,
		Command: spec.Command, EntryPoint: spec.EntryPoint, Env: spec.Env,
		WorkingDir: spec.Config.WorkingDir, User: spec.Config.User, Hostname: containerHostname(spec), StopSignal: spec.Config.StopSignal,
		CPUShares: uint64(h.CPUShares), MemoryLimit: h.Memory, MemoryReservation: h.MemoryReservation, MemorySwap: h.MemorySwap,
		PidsLimit: h.PidsLimit, CgroupParent: spec.CgroupParent,
		NetNS: spec.Network.NetNS, Tmpfs: h.Tmpfs, ShmSize: h.ShmSize,
		Privileged: h.Privileged, ReadonlyRootfs: h.ReadonlyRootfs, Init: h.Init != nil && *h.Init,
		CapAdd: h.CapAdd, CapDrop: h.CapDrop, SecurityOpt: h.SecurityOpt, Sysctls: h.Sysctls,
	}
	if h.NetworkMode == string(network.Host) {
		out.NetNS, out.HostNetwork = "", true
	}
	for _, m := range spec.Mounts {
		out.Mounts = append(out.Mounts, runtime.Mount{Source: m.Source, Destination: m.Target, ReadOnly: m.ReadOnly, CopyUp: m.CopyUp})
	}
	for target, source := range map[string]string{"/etc/resolv.conf": files.ResolvConf, "/etc/hosts": files.Hosts, "/etc/hostname": files.Hostname} {
		out.Mounts = append(out.Mounts, runtime.Mount{Source: source, Destination: target})
	}
	for _, u := range h.Ulimits {
		out.Ulimits = append(out.Ulimits, runtime.Ulimit{Name: u.Name, Soft: u.Soft, Hard: u.Hard})
	}
	for _, d := range h.Devices {
		out.Devices = append(out.Devices, runtime.Device{Host: d.PathOnHost, Container: d.PathInContainer, Permissions: d.CgroupPermissions})
	}
	return out, nil
}

// Start implements engine.Runtime.
func (c *containers) Start(ctx context.Context, id string) error {
	_, err := c.rt.Start(ctx, id)
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

// List implements engine.Runtime. It takes up the logs of what still runs.
func (c *containers) List(ctx context.Context) ([]engine.Process, error) {
	states, err := c.rt.List(ctx, nil)
	if err != nil {
		return nil, known(err)
	}
	out := make([]engine.Process, len(states))
	for i, s := range states {
		out[i] = process(s)
		if s.Status != runtime.Running {
			continue
		}
		var config agentproto.LogConfig
		if err := json.Unmarshal([]byte(s.Labels[labelLog]), &config); err != nil {
			return nil, fmt.Errorf("read log configuration of container %s: %w", s.ID, err)
		}
		driver, err := logdriver.Select(config.Type, c.logs)
		if err != nil {
			return nil, fmt.Errorf("take up the log of container %s: %w", s.ID, err)
		}
		if _, err := driver.Open(s.ID, config.Config); err != nil {
			return nil, fmt.Errorf("take up the log of container %s: %w", s.ID, err)
		}
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
		if p.ContainerPortRange != "" {
			return engine.Attachment{}, fmt.Errorf("port range %s: this instance publishes single ports only", p.ContainerPortRange)
		}
		r.Ports = append(r.Ports, network.Port{Container: uint16(p.ContainerPort), Host: uint16(p.HostPort), Proto: p.Protocol})
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

// isName keeps volume names from being paths.
func isName(s string) bool {
	return s != "" && s == path.Base(s) && !strings.HasPrefix(s, ".")
}
