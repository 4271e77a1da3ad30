package volume

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/containerd/v2/core/mount"
	"golang.org/x/sys/unix"
)

// mountOptions mounts what the options of Docker's local driver say at dir,
// once.
func mountOptions(dir string, options map[string]string) error {
	if options["device"] == "" {
		return nil
	}
	have, err := mountsBelow(dir)
	if err != nil {
		return err
	}
	if slices.Contains(have, dir) {
		return nil
	}
	m := mount.Mount{Type: options["type"], Source: options["device"]}
	for o := range strings.SplitSeq(options["o"], ",") {
		if o != "" {
			m.Options = append(m.Options, o)
		}
	}
	if err := resolve(&m); err != nil {
		return err
	}
	if err := m.Mount(dir); err != nil {
		return fmt.Errorf("failed to mount local volume: mount %s:%s: %w", m.Source, dir, err)
	}
	return nil
}

// resolve puts the address of a network file system's server in the place of its
// name: the kernel, which is asked directly, knows none.
func resolve(m *mount.Mount) error {
	if !strings.HasPrefix(m.Type, "nfs") && m.Type != "cifs" {
		return nil
	}
	for i, o := range m.Options {
		name, ok := strings.CutPrefix(o, "addr=")
		if !ok || net.ParseIP(name) != nil {
			continue
		}
		ip, err := net.ResolveIPAddr("ip", name)
		if err != nil {
			return fmt.Errorf("error resolving passed in network volume address: %w", err)
		}
		m.Options[i] = "addr=" + ip.String()
	}
	return nil
}

// unmountBelow lets go of everything mounted at or below dir, and fails if
// anything is left.
func unmountBelow(dir string) error {
	mounts, err := mountsBelow(dir)
	if err != nil {
		return err
	}
	for _, m := range slices.Backward(mounts) { // the latest first
		if err := unix.Unmount(m, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil && !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("unmount %s: %w", m, err)
		}
	}
	left, err := mountsBelow(dir)
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("unmount %s: still mounted", left[0])
	}
	return err
}

// mountsBelow lists the mount points at and below dir, in the order of their
// mounting.
func mountsBelow(dir string) ([]string, error) {
	resolved, err := filepath.EvalSymlinks(dir) // the kernel shows resolved paths
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for mounts: %w", err)
	}
	f, err := os.Open("/proc/thread-self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("look for mounts: %w", err)
	}
	defer f.Close()
	var out []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 5 {
			continue
		}
		at := unescape(fields[4])
		if at == resolved {
			out = append(out, dir)
		} else if rest, ok := strings.CutPrefix(at, resolved+"/"); ok {
			out = append(out, filepath.Join(dir, rest))
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("look for mounts: %w", err)
	}
	return out, nil
}

// unescape undoes the octal form in which the kernel shows blanks and the like.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
