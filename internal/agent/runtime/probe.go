package runtime

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"

	"github.com/slipway/slipway/internal/agent/cgroup"
	"github.com/slipway/slipway/internal/agent/runtime/initproc"
)

// Probe picks the low-level runtime and gives its path: crun starts a container
// in about half of runc's time, but cannot work on hybrid control groups.
func Probe(ctx context.Context, mode cgroup.Mode) (string, error) {
	candidates := []string{"crun", "runc"}
	if mode == cgroup.Hybrid {
		candidates = candidates[1:]
	}
	var errs []error
	for _, name := range candidates {
		path, err := exec.LookPath(name)
		if err == nil {
			err = exec.CommandContext(ctx, path, "--version").Run()
		}
		if err == nil {
			return path, nil
		}
		errs = append(errs, fmt.Errorf("probe %s: %w", name, err))
	}
	return "", fmt.Errorf("find a container runtime: %w", errors.Join(errs...))
}

// findInit gives the init program for containers that want one: the one
// configured, Slipway's own, or where that is not written for this architecture
// what the machine has.
func (r *Containerd) findInit() (string, error) {
	if r.cfg.InitBinary != "" {
		return r.cfg.InitBinary, nil
	}
	own, err := initproc.Write(filepath.Join(r.cfg.DataDir, r.prefix()))
	if !errors.Is(err, initproc.ErrUnsupported) {
		return own, err
	}
	for _, name := range []string{"docker-init", "tini-static", "tini"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("initProcessEnabled: no init program (docker-init or tini) on this instance")
}
