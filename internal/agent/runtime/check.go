package runtime

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Modes of namespaces, in Docker's words.
const (
	modeHost     = "host"
	ipcNone      = "none"
	ipcPrivate   = "private"
	ipcShareable = "shareable"
)

// checkSpec refuses what cannot be, before anything is made.
func checkSpec(spec Spec) error {
	if spec.PIDMode != "" && (spec.PIDMode != modeHost || spec.PIDContainer != "") {
		return fmt.Errorf("invalid PID mode: %s", spec.PIDMode)
	}
	modes := []string{"", ipcPrivate, ipcShareable, ipcNone, modeHost}
	if !slices.Contains(modes, spec.IPCMode) || spec.IPCMode != "" && spec.IPCContainer != "" {
		return fmt.Errorf("invalid IPC mode: %s", spec.IPCMode)
	}
	if n := spec.MemorySwappiness; n != nil && (*n < -1 || *n > 100) {
		return fmt.Errorf("invalid value: %d, valid memory swappiness range is 0-100", *n)
	}
	if spec.LogErrPath != "" && (spec.TTY || spec.LogPath == "") {
		return errors.New("a log of errors alone needs a log and no terminal")
	}
	return nil
}

// checkSysctls refuses parameters that would change the instance, in the
// words of runc, which does not know that a network it is given the path of is
// the instance's own.
func checkSysctls(spec Spec) error {
	for name := range spec.Sysctls {
		dotted := name
		// A first separator of "/" makes dots part of the names between, as in
		// net/ipv4/conf/eth0.1/forwarding.
		if i := strings.IndexAny(name, "./"); i >= 0 && name[i] == '/' {
			dotted = strings.NewReplacer("/", ".", ".", "/").Replace(name)
		}
		switch {
		case strings.HasPrefix(dotted, "net."):
			if spec.HostNetwork && spec.NetNS == "" {
				return fmt.Errorf("sysctl %q not allowed in host network namespace", name)
			}
		case slices.Contains(ipcSysctls, dotted) || strings.HasPrefix(dotted, "fs.mqueue."):
			if spec.IPCMode == modeHost {
				return fmt.Errorf("sysctl %q is not allowed in the hosts ipc namespace", name)
			}
		case dotted == "kernel.domainname":
		default:
			return fmt.Errorf("sysctl %q is not in a separate kernel namespace", name)
		}
	}
	return nil
}

var ipcSysctls = []string{
	"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
}
