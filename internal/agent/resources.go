package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/slipway/slipway/internal/agent/cgroup"
	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agent/image"
	"github.com/slipway/slipway/internal/agent/link"
	"github.com/slipway/slipway/internal/agent/volume"
	"github.com/slipway/slipway/internal/agentproto"
)

// images puts the image store behind engine.Images.
type images struct {
	store    *image.Store
	behavior image.Behavior
	minAge   time.Duration
	perCycle int
}

// Pull implements engine.Images. The control plane's own registry is down only
// when the control plane is, and is waited for as that is (link.Registries.Auth).
func (i images) Pull(ctx context.Context, ref string, auth engine.RegistryAuth) (engine.Image, error) {
	for {
		img, err := i.store.Pull(ctx, ref, image.PullOptions{
			Behavior: i.behavior,
			Auth:     func(string) (string, string, error) { return auth.User, auth.Password, nil },
			Endpoint: func(string) string { return auth.Endpoint },
		})
		if err == nil || auth.Endpoint == "" || !link.Unanswered(err) {
			return engine.Image{Name: img.Name, Digest: img.Digest}, err
		}
		select {
		case <-time.After(pullPause):
		case <-ctx.Done():
			return engine.Image{}, ctx.Err()
		}
	}
}

// pullPause follows the image store's own attempts at a registry.
const pullPause = time.Second

// Cleanup implements engine.Images.
func (i images) Cleanup(ctx context.Context, keep func(string) bool) error {
	_, err := i.store.Cleanup(ctx, image.CleanupOptions{MinAge: i.minAge, Max: i.perCycle, Keep: keep})
	return err
}

// groups puts control groups behind engine.Cgroups. Each task has one below the
// instance's.
type groups struct {
	fs     *cgroup.FS
	parent string
}

// Create implements engine.Cgroups.
func (g groups) Create(_ context.Context, taskID string, cpu float64, memory int64) (string, error) {
	return taskID, g.fs.Create(path.Join(g.parent, taskID), cgroup.Limits{CPUMillis: int64(cpu * 1000), MemoryBytes: memory << 20})
}

// Delete implements engine.Cgroups.
func (g groups) Delete(_ context.Context, taskID string) error {
	return g.fs.Delete(path.Join(g.parent, taskID))
}

// volumes puts the volume store behind engine.Volumes.
type volumes struct {
	store  *volume.Store
	shared string // directory of the volumes that outlive tasks
}

// Prepare implements engine.Volumes. A volume without a place of its own on the
// instance takes what the image has, as Docker's volumes do.
func (v volumes) Prepare(_ context.Context, taskID string, vol agentproto.Volume) (string, bool, error) {
	if d := vol.DockerConfiguration; d != nil && d.Scope == "shared" {
		dir, err := v.sharedDir(vol.Name, d)
		return dir, true, err
	}
	if vol.DockerConfiguration == nil && vol.Host != nil && vol.Host.SourcePath != "" {
		dir, err := v.store.Host(vol.Host.SourcePath)
		return dir, false, err
	}
	dir, err := v.store.Scratch(taskID, vol.Name)
	return dir, true, err
}

// sharedDir finds a volume that outlives its tasks, or makes it if that is
// wanted.
func (v volumes) sharedDir(name string, d *agentproto.DockerVolume) (string, error) {
	if !isName(name) {
		return "", fmt.Errorf("volume name %q cannot name a directory", name)
	}
	if d.Driver != "" && d.Driver != "local" {
		return "", fmt.Errorf("volume driver %q is not on this instance", d.Driver)
	}
	dir := filepath.Join(v.shared, name)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && !d.Autoprovision {
		return "", fmt.Errorf("volume %s does not exist and is not to be provisioned", name)
	}
	return v.store.Host(dir)
}

// Release implements engine.Volumes.
func (v volumes) Release(_ context.Context, taskID string) error { return v.store.RemoveTask(taskID) }

// Recover implements engine.Volumes.
func (v volumes) Recover(_ context.Context, keep func(string) bool) error { return v.store.Sweep(keep) }
