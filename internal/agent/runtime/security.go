package runtime

import (
	"fmt"
	"slices"
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

func parseSecurity(spec Spec) (security, error) {
	var s security
	for _, opt := range spec.SecurityOpt {
		key, value, found := strings.Cut(opt, "=")
		if !found {
			key, value, _ = strings.Cut(opt, ":")
		}
		switch {
		case key == "no-new-privileges" && (value == "" || value == "true"):
			s.noNewPrivileges = true
		case key == "no-new-privileges" && value == "false":
		case key == "seccomp" && value == "unconfined":
			s.unconfined = true
		case key == "apparmor" && value != "":
			s.apparmor = strings.TrimPrefix(value, "unconfined")
		case key == "label" && value == "disable":
		default:
			return s, fmt.Errorf("invalid --security-opt: %q", opt)
		}
	}
	return s, nil
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
