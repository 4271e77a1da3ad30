package runtime

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/containerd/v2/contrib/seccomp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/slipway/slipway/internal/agent/cgroup"
	"github.com/slipway/slipway/internal/agent/image"
)

// host is what a specification depends on beyond the container itself.
type host struct {
	cgroup string // of the container, absolute
	mode   cgroup.Mode
	swap   bool   // swap can be limited
	netns  string // of the agent
	init   string // init program for Spec.Init
	// pid and ipc are paths of the namespaces to join, shm the directory of the
	// host that is to be /dev/shm.
	pid, ipc, shm     string
	apparmor, selinux bool // the kernel enforces it
}

// version is the runtime specification that runc 1.1 and crun 1.8 know.
const version = "1.0.2"

// annotationGroup makes containerd's shim serve several containers.
const annotationGroup = "io.containerd.runc.v2.group"

// build makes the OCI specification of a container as Docker would.
func build(spec Spec, img *image.Description, h host) (*specs.Spec, error) {
	security, err := parseSecurity(spec, h)
	if err != nil {
		return nil, err
	}
	if err := checkSpec(spec); err != nil {
		return nil, err
	}
	process, err := process(spec, img)
	if err != nil {
		return nil, err
	}
	process.NoNewPrivileges = security.noNewPrivileges
	process.ApparmorProfile = security.apparmor
	if process.Capabilities, err = capabilities(spec); err != nil {
		return nil, err
	}
	if process.Rlimits, err = rlimits(spec.Ulimits); err != nil {
		return nil, err
	}
	out := &specs.Spec{
		Version:  version,
		Process:  process,
		Root:     &specs.Root{Path: "rootfs", Readonly: spec.ReadonlyRootfs},
		Hostname: spec.Hostname,
		Linux: &specs.Linux{
			CgroupsPath:   h.cgroup,
			Sysctl:        spec.Sysctls,
			Namespaces:    namespaceList(spec, h),
			MaskedPaths:   maskedPaths,
			ReadonlyPaths: readonlyPaths,
		},
	}
	if spec.Group != "" {
		out.Annotations = map[string]string{annotationGroup: spec.Group}
	}
	if out.Mounts, err = mounts(spec, h.shm); err != nil {
		return nil, err
	}
	if err := addDevices(out, spec); err != nil {
		return nil, refuseStart(err)
	}
	addLimits(out.Linux.Resources, spec, h)
	switch {
	case spec.Pause:
		out.Mounts = append(out.Mounts, initMount(h.init))
	case spec.Init:
		addInit(out, h.init)
	}
	if spec.Privileged {
		out.Linux.MaskedPaths, out.Linux.ReadonlyPaths = nil, nil
	} else if !security.unconfined {
		out.Linux.Seccomp = filter(out)
	}
	return out, nil
}

// filter is containerd's default seccomp profile, which depends on the
// capabilities. The x32 ABI, which no distribution's kernel runs, is left out:
// to compile its part of the filter costs a tenth of a container's start.
func filter(s *specs.Spec) *specs.LinuxSeccomp {
	p := seccomp.DefaultProfile(s)
	p.Architectures = slices.DeleteFunc(p.Architectures, func(a specs.Arch) bool { return a == specs.ArchX32 })
	return p
}

func process(spec Spec, img *image.Description) (*specs.Process, error) {
	args := arguments(spec, img.Config)
	if spec.Pause {
		args = []string{initPath}
	}
	if len(args) == 0 || args[0] == "" {
		return nil, errors.New("no command specified")
	}
	user := spec.User
	if user == "" {
		user = img.Config.User
	}
	id, err := img.Users.Lookup(user)
	if err != nil {
		return nil, refuseStart(err)
	}
	p := &specs.Process{
		Args:     args,
		Terminal: spec.TTY,
		Env:      environment(spec, img.Config.Env),
		Cwd:      "/",
		User:     identity(id),
		// The shim's own score shields it from the OOM killer: not to be passed on.
		OOMScoreAdj: new(0),
	}
	for _, dir := range []string{img.Config.WorkingDir, spec.WorkingDir} {
		if dir != "" {
			p.Cwd = dir
		}
	}
	if !strings.HasPrefix(p.Cwd, "/") {
		return nil, fmt.Errorf("the working directory '%s' is invalid, it needs to be an absolute path", p.Cwd)
	}
	return p, nil
}

// identity has the group among the supplementary ones too, as Docker has had it
// since CVE-2022-36109: a process that changes its group keeps the rights, and
// the restrictions, of the first one.
func identity(id image.ID) specs.User {
	return specs.User{UID: id.UID, GID: id.GID, AdditionalGids: append([]uint32{id.GID}, id.Groups...)}
}

// arguments follow Docker: an entry point given for the container drops the
// image's command with the image's entry point.
func arguments(spec Spec, img ocispec.ImageConfig) []string {
	entry, cmd := spec.EntryPoint, spec.Command
	if entry == nil {
		entry = img.Entrypoint
		if cmd == nil {
			cmd = img.Cmd
		}
	}
	return slices.Concat(entry, cmd)
}

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environment puts Docker's own variables first, then the image's, then the
// container's; the last value of a name stays, in the place of the first.
func environment(spec Spec, img []string) []string {
	base := []string{defaultPath}
	if spec.Hostname != "" {
		base = append(base, "HOSTNAME="+spec.Hostname)
	}
	if spec.TTY {
		base = append(base, "TERM=xterm")
	}
	return mergeEnv(base, slices.Concat(img, spec.Env))
}

// mergeEnv lets the last value of a name stay, in the place of the first.
func mergeEnv(base, over []string) []string {
	var out []string
	at := map[string]int{}
	for _, kv := range slices.Concat(base, over) {
		key, _, hasValue := strings.Cut(kv, "=")
		i, seen := at[key]
		switch {
		case !hasValue: // Docker: a bare name unsets; there is no daemon environment to inherit
			if seen {
				out[i] = ""
			}
		case seen:
			out[i] = kv
		default:
			at[key] = len(out)
			out = append(out, kv)
		}
	}
	return slices.DeleteFunc(out, func(s string) bool { return s == "" })
}

func namespaceList(spec Spec, h host) []specs.LinuxNamespace {
	net := specs.LinuxNamespace{Type: specs.NetworkNamespace, Path: spec.NetNS}
	if spec.HostNetwork && spec.NetNS == "" {
		net.Path = h.netns
	}
	out := []specs.LinuxNamespace{{Type: specs.UTSNamespace}, {Type: specs.MountNamespace}, net}
	if spec.PIDMode != modeHost {
		out = append(out, specs.LinuxNamespace{Type: specs.PIDNamespace, Path: h.pid})
	}
	if spec.IPCMode != modeHost {
		out = append(out, specs.LinuxNamespace{Type: specs.IPCNamespace, Path: h.ipc})
	}
	// Docker's default: private on v2, the host's on v1.
	if h.mode == cgroup.V2 {
		out = append(out, specs.LinuxNamespace{Type: specs.CgroupNamespace})
	}
	return out
}

// initPath is where Docker puts its init program.
const initPath = "/sbin/docker-init"

func addInit(s *specs.Spec, program string) {
	s.Process.Args = append([]string{initPath, "--"}, s.Process.Args...)
	s.Mounts = append(s.Mounts, initMount(program))
}

func initMount(program string) specs.Mount {
	return specs.Mount{Type: "bind", Source: program, Destination: initPath, Options: []string{"bind", "ro"}}
}

// What Docker hides from, and write-protects in, an unprivileged container.
var (
	maskedPaths = []string{
		"/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
		"/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
	}
	readonlyPaths = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)
