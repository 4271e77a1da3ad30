package runtime

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	capability "github.com/containerd/containerd/v2/pkg/cap"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// security is what Docker's security options say.
type security struct {
	noNewPrivileges bool
	unconfined      bool // no seccomp profile
	apparmor        string
}

// parseSecurity reads them in Docker's way and refuses in its words.
func parseSecurity(spec Spec, h host) (security, error) {
	var s security
	for _, opt := range spec.SecurityOpt {
		if opt == noNewPrivileges {
			s.noNewPrivileges = true
			continue
		}
		key, value, found := strings.Cut(opt, "=")
		if !found {
			key, value, found = strings.Cut(opt, ":")
		}
		if !found {
			return s, fmt.Errorf("invalid --security-opt 1: %q", opt)
		}
		if err := s.set(key, value, h); err != nil {
			return s, fmt.Errorf("%w: %q", err, opt)
		}
	}
	return s, nil
}

const noNewPrivileges = "no-new-privileges"

func (s *security) set(key, value string, h host) error {
	refused := errors.New("invalid --security-opt 2")
	switch key {
	case noNewPrivileges:
		on, err := strconv.ParseBool(value)
		if err != nil {
			return refused
		}
		s.noNewPrivileges = on
	case "seccomp":
		switch value {
		case "unconfined":
			s.unconfined = true
		case "builtin":
			s.unconfined = false
		default:
			return errors.New("seccomp profiles other than unconfined and builtin are not supported on this instance")
		}
	case "apparmor":
		// Docker passes it over where the kernel has no AppArmor.
		if s.apparmor = ""; value != "unconfined" && h.apparmor {
			s.apparmor = value
		}
	case "label":
		// As with Docker, labels are idle words without SELinux. With it, a
		// container would silently lack the label it asks for.
		if h.selinux && value != "disable" {
			return errors.New("SELinux labels are not supported on this instance")
		}
	default:
		return refused
	}
	return nil
}

// hasAppArmor and hasSELinux say what this kernel enforces.
func hasAppArmor() bool {
	on, err := os.ReadFile("/sys/module/apparmor/parameters/enabled")
	return err == nil && strings.HasPrefix(string(on), "Y")
}

func hasSELinux() bool {
	_, err := os.Stat("/sys/fs/selinux/enforce")
	return err == nil
}

// defaultCaps are the 14 that Docker leaves to a container.
var defaultCaps = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID",
	"CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
}

func capabilities(spec Spec) (*specs.LinuxCapabilities, error) {
	list := slices.Clone(defaultCaps)
	if spec.Privileged {
		all, err := capability.Current()
		if err != nil {
			return nil, fmt.Errorf("read own capabilities: %w", err)
		}
		list = all
	} else {
		add, err := capNames(spec.CapAdd)
		if err != nil {
			return nil, err
		}
		drop, err := capNames(spec.CapDrop)
		if err != nil {
			return nil, err
		}
		list = changeCaps(list, add, drop)
	}
	return &specs.LinuxCapabilities{Bounding: list, Effective: list, Permitted: list}, nil
}

const allCaps = "ALL"

// changeCaps follows Docker: "drop ALL" empties the default first, and a name
// that is added stays even if all are dropped.
func changeCaps(list, add, drop []string) []string {
	if slices.Contains(drop, allCaps) {
		list = nil
	}
	if slices.Contains(add, allCaps) {
		list = capability.Known()
	}
	for _, c := range add {
		if c != allCaps && !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	return slices.DeleteFunc(slices.Clone(list), func(c string) bool { return slices.Contains(drop, c) })
}

func capNames(names []string) ([]string, error) {
	out := make([]string, 0, len(names))
	for _, n := range names {
		full := strings.ToUpper(n)
		if full != allCaps && !strings.HasPrefix(full, "CAP_") {
			full = "CAP_" + full
		}
		if full != allCaps && !slices.Contains(capability.Known(), full) {
			return nil, fmt.Errorf("invalid capability: unknown capability: %q", full)
		}
		out = append(out, full)
	}
	return out, nil
}
