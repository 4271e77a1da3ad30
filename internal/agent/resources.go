package agent

import (
	"context"
	"path"
	"time"

	"github.com/slipway/slipway/internal/agent/awscall"
	"github.com/slipway/slipway/internal/agent/cgroup"
	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agent/image"
	"github.com/slipway/slipway/internal/agent/volume"
	"github.com/slipway/slipway/internal/agentproto"
)

// images puts the image store behind engine.Images.
type images struct {
	store    *image.Store
	behavior image.Behavior
	cleanup  image.CleanupOptions // but for what is to be kept
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
		if err == nil || auth.Endpoint == "" || !awscall.Unanswered(err) {
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
	o := i.cleanup
	o.Keep = keep
	_, err := i.store.Cleanup(ctx, o)
	return err
}

// groups puts control groups behind engine.Cgroups. Each task has one below the
// instance's.
type groups struct {
	fs        *cgroup.FS
	parent    string
	unlimited bool          // ECS_ENABLE_TASK_CPU_MEM_LIMIT=false
	pids      int64         // processes and threads of a task; 0: any number
	period    time.Duration // of the ceiling on CPU
}

// Create implements engine.Cgroups.
func (g groups) Create(_ context.Context, taskID string, cpu float64, memory int64) (string, error) {
	return taskID, g.fs.Create(path.Join(g.parent, taskID), g.limits(cpu, memory))
}

func (g groups) limits(cpu float64, memory int64) cgroup.Limits {
	if g.unlimited {
		return cgroup.Limits{}
	}
	return cgroup.Limits{CPUMillis: int64(cpu * 1000), CPUPeriod: g.period, MemoryBytes: memory << 20, Pids: g.pids}
}

// Delete implements engine.Cgroups.
func (g groups) Delete(_ context.Context, taskID string) error {
	return g.fs.Delete(path.Join(g.parent, taskID))
}

// volumes puts the volume store behind engine.Volumes.
type volumes struct{ store *volume.Store }

// Prepare implements engine.Volumes. A volume without a place of its own on the
// instance takes what the image has, as Docker's volumes do.
func (v volumes) Prepare(_ context.Context, taskID string, vol agentproto.Volume) (string, bool, error) {
	switch {
	case vol.EFSConfiguration != nil:
		dir, err := v.store.EFS(vol)
		return dir, false, err
	case vol.DockerConfiguration != nil:
		return v.store.Docker(taskID, vol)
	case vol.Host != nil && vol.Host.SourcePath != "":
		dir, err := v.store.Host(vol.Host.SourcePath)
		return dir, false, err
	}
	dir, err := v.store.Scratch(taskID, vol.Name)
	return dir, true, err
}

// Release implements engine.Volumes.
func (v volumes) Release(_ context.Context, taskID string) error { return v.store.RemoveTask(taskID) }

// Recover implements engine.Volumes.
func (v volumes) Recover(_ context.Context, keep func(string) bool) error { return v.store.Sweep(keep) }
