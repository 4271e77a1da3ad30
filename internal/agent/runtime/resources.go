package runtime

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	capability "github.com/containerd/containerd/v2/pkg/cap"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/slipway/slipway/internal/agent/cgroup"
)

func addLimits(res *specs.LinuxResources, spec Spec, h host) {
	if spec.CPUShares > 0 {
		// The kernel's floor, which the ECS agent applies too.
		res.CPU = &specs.LinuxCPU{Shares: new(max(spec.CPUShares, 2))}
	}
	if spec.PidsLimit > 0 {
		res.Pids = &specs.LinuxPids{Limit: new(spec.PidsLimit)}
	}
	swappiness := spec.MemorySwappiness
	if h.mode == cgroup.V2 || swappiness != nil && *swappiness == -1 {
		swappiness = nil
	}
	if spec.MemoryLimit <= 0 && spec.MemoryReservation <= 0 && swappiness == nil {
		return
	}
	res.Memory = &specs.LinuxMemory{}
	if swappiness != nil {
		res.Memory.Swappiness = new(uint64(*swappiness))
	}
	if spec.MemoryReservation > 0 {
		res.Memory.Reservation = new(spec.MemoryReservation)
	}
	if spec.MemoryLimit <= 0 {
		return
	}
	res.Memory.Limit = new(spec.MemoryLimit)
	if !h.swap {
		return
	}
	swap := spec.MemorySwap
	if swap == 0 {
		swap = 2 * spec.MemoryLimit // Docker's default
	}
	res.Memory.Swap = new(swap)
}

func addDevices(s *specs.Spec, spec Spec) error {
	s.Linux.Resources = &specs.LinuxResources{}
	if spec.Privileged {
		s.Linux.Resources.Devices = []specs.LinuxDeviceCgroup{{Allow: true, Access: "rwm"}}
		all, err := oci.HostDevices()
		s.Linux.Devices = all
		if err != nil {
			return fmt.Errorf("list devices: %w", err)
		}
		return nil
	}
	// The low-level runtime adds the usual ones (null, zero, random …).
	s.Linux.Resources.Devices = []specs.LinuxDeviceCgroup{{Allow: false, Access: "rwm"}}
	for _, d := range spec.Devices {
		if err := addDevice(s, d); err != nil {
			return err
		}
	}
	return nil
}

// addDevice adds a device, or all of a directory.
func addDevice(s *specs.Spec, d Device) error {
	path, permissions := d.Container, d.Permissions
	if path == "" {
		path = d.Host
	}
	if permissions == "" {
		permissions = "rwm"
	}
	if strings.Trim(permissions, "rwm") != "" {
		return fmt.Errorf("invalid device mode: %s", permissions)
	}
	resolved, err := filepath.EvalSymlinks(d.Host) // as Docker
	if err == nil {
		err = oci.WithDevices(resolved, path, permissions)(context.Background(), nil, nil, s)
	}
	if missing, ok := errors.AsType[*fs.PathError](err); ok {
		err = missing.Err // Docker does not repeat the path
	}
	if err != nil {
		return fmt.Errorf("error gathering device information while adding custom device %q: %w", d.Host, err)
	}
	return nil
}

// ulimits are the names that Docker takes.
var ulimits = []string{
	"core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack",
}

// Defaults of Docker's daemon on Amazon's machines (--default-ulimit nofile=1024:524288).
const softFiles, hardFiles = 1024, 524288

func rlimits(asked []Ulimit) ([]specs.POSIXRlimit, error) {
	out := []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Soft: softFiles, Hard: min(hardFiles, maxFiles())}}
	for _, u := range asked {
		if !slices.Contains(ulimits, u.Name) {
			return nil, fmt.Errorf("invalid ulimit type: %s", u.Name)
		}
		l := specs.POSIXRlimit{Type: "RLIMIT_" + strings.ToUpper(u.Name), Soft: uint64(u.Soft), Hard: uint64(u.Hard)}
		if l.Soft > l.Hard {
			return nil, fmt.Errorf("ulimit soft limit must be less than or equal to hard limit: %d > %d", u.Soft, u.Hard)
		}
		out = slices.DeleteFunc(out, func(have specs.POSIXRlimit) bool { return have.Type == l.Type })
		out = append(out, l)
	}
	return out, nil
}

// maxFiles is the highest RLIMIT_NOFILE that can be set here: the kernel's
// ceiling, or without the right to raise limits what this process has itself.
func maxFiles() uint64 {
	if caps, err := capability.Current(); err == nil && !slices.Contains(caps, "CAP_SYS_RESOURCE") {
		var own unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &own); err == nil {
			return own.Max
		}
	}
	data, err := os.ReadFile("/proc/sys/fs/nr_open")
	if err != nil {
		return hardFiles
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64)
	if err != nil {
		return hardFiles
	}
	return n
}
