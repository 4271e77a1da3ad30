package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/api/types"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/errdefs"
	"github.com/containerd/typeurl/v2"
	"github.com/moby/sys/signal"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/slipway/slipway/internal/agent/image"
)

// cleanupTime bounds the removal of what a failed Create made.
const cleanupTime = 30 * time.Second

// makeTime bounds the making of a process: a machine that is this slow is ill.
const makeTime = 2 * time.Minute

const shim = "io.containerd.runc.v2"

// Create makes the container and its process, which does not run yet.
//
// It talks to containerd in three calls (record, snapshot, task) and takes no
// lease: the record comes first and keeps the snapshot.
func (r *Containerd) Create(ctx context.Context, spec Spec) error {
	ctx = r.context(ctx)
	unlock, err := r.ids.lock(ctx, spec.ID)
	if err != nil {
		return err
	}
	defer unlock()
	if done, err := r.exists(ctx, spec.ID); done || err != nil {
		return err
	}
	if err := r.slots.Acquire(ctx, 1); err != nil {
		return err
	}
	defer r.slots.Release(1)
	err = r.create(ctx, spec)
	if err != nil && !errors.Is(err, ErrUnavailable) {
		// Nothing half made is left. Without containerd, the next Create or
		// Remove sees to that.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
		defer cancel()
		if rerr := r.discard(ctx, spec.ID); rerr != nil {
			return errors.Join(err, rerr)
		}
	}
	return err
}

// exists says whether the container is complete, and clears away one whose
// creation was cut off.
func (r *Containerd) exists(ctx context.Context, id string) (bool, error) {
	c, err := r.client.ContainerService().Get(ctx, id)
	if isNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look up container %s: %w", id, native(err))
	}
	if c.Labels[LabelInstance] != r.cfg.Instance {
		return false, fmt.Errorf("create container %s: the id belongs to instance %q", id, c.Labels[LabelInstance])
	}
	if _, ok := c.Labels[labelExit]; ok {
		return true, nil
	}
	if done, err := r.settled(ctx, id); done || err != nil {
		return done, err
	}
	return false, r.discard(ctx, id)
}

func (r *Containerd) create(ctx context.Context, spec Spec) error {
	img, err := r.catalog.Describe(ctx, spec.Image)
	if err != nil {
		return refuse(fmt.Errorf("No such image: %s: %w", spec.Image, err)) //nolint:staticcheck // Docker's words, which users see
	}
	record, err := r.record(spec, img)
	if err != nil {
		return refuse(err)
	}
	if _, err := r.client.ContainerService().Create(ctx, record); err != nil {
		return refuse(fmt.Errorf("record container: %w", err))
	}
	sn := r.client.SnapshotService(r.cfg.Snapshotter)
	mounts, err := sn.Prepare(ctx, spec.ID, img.Parent)
	if err != nil {
		r.catalog.Forget(spec.Image) // it may have been deleted meanwhile
		return refuse(fmt.Errorf("prepare root file system: %w", err))
	}
	if err := copyUp(ctx, mounts, spec.Mounts); err != nil {
		return refuse(err)
	}
	stdout, stderr, err := destinations(spec.LogPath)
	if err != nil {
		return refuse(err)
	}
	parent := path.Dir(record.Labels[labelCgroup])
	defer r.parents.enter(parent)()
	// An agent that is told to end lets containerd finish: see settled.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), makeTime)
	defer cancel()
	_, err = r.tasks.Create(ctx, &tasks.CreateTaskRequest{
		ContainerID: spec.ID,
		Rootfs:      wire(mounts),
		Stdout:      stdout,
		Stderr:      stderr,
		Options:     &anypb.Any{TypeUrl: r.options.GetTypeUrl(), Value: r.options.GetValue()},
	})
	if err = native(err); err != nil {
		return failedTask(err)
	}
	return nil
}

// record is containerd's description of the container.
func (r *Containerd) record(spec Spec, img *image.Description) (containers.Container, error) {
	var c containers.Container
	host := host{cgroup: path.Join("/", r.cfg.Cgroup, spec.CgroupParent, spec.ID), mode: r.cgroups.Mode(), swap: r.swap, netns: hostNetNS()}
	if spec.Init {
		var err error
		if host.init, err = r.findInit(); err != nil {
			return c, err
		}
	}
	oci, err := build(spec, img, host)
	if err != nil {
		return c, err
	}
	encoded, err := typeurl.MarshalAny(oci)
	if err != nil {
		return c, fmt.Errorf("encode container specification: %w", err)
	}
	stop, err := stopSignal(spec.StopSignal, img.Config.StopSignal)
	if err != nil {
		return c, err
	}
	labels := map[string]string{
		LabelInstance: r.cfg.Instance, LabelTask: spec.Task, LabelName: spec.Name,
		labelDigest: img.Digest, labelCgroup: host.cgroup, labelStopSignal: stop,
	}
	for k, v := range spec.Labels {
		if len(k)+len(v) <= maxLabel {
			labels[k] = v
		}
	}
	return containers.Container{
		ID: spec.ID, Labels: labels, Image: spec.Image, Spec: encoded,
		Snapshotter: r.cfg.Snapshotter, SnapshotKey: spec.ID,
		Runtime: containers.RuntimeInfo{Name: shim, Options: r.options},
	}, nil
}

// maxLabel is what containerd takes for a key with its value; Docker's labels
// have no bound, so longer ones are only kept by the agent.
const maxLabel = 4096

func stopSignal(asked, images string) (string, error) {
	for _, s := range []string{asked, images} {
		if s == "" {
			continue
		}
		if _, err := signal.ParseSignal(s); err != nil {
			return "", err
		}
		return s, nil
	}
	return "SIGTERM", nil
}

// destinations name the log file for the two streams. The shim appends to a
// plain file that exists. It must not see that both are one: it would share one
// descriptor and close it when the first stream ends, which loses the rest of
// the other. A "file://" address leads there too.
func destinations(logPath string) (stdout, stderr string, err error) {
	if logPath == "" {
		return "", "", nil
	}
	f, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return "", "", fmt.Errorf("create log: %w", err)
	}
	if err := f.Close(); err != nil {
		return "", "", fmt.Errorf("create log: %w", err)
	}
	dir, name := filepath.Split(logPath)
	return logPath, dir + "./" + name, nil
}

func wire(mounts []mount.Mount) []*types.Mount {
	out := make([]*types.Mount, 0, len(mounts))
	for _, m := range mounts {
		out = append(out, &types.Mount{Type: m.Type, Source: m.Source, Target: m.Target, Options: m.Options})
	}
	return out
}

// discard deletes what there is of a container without a process.
func (r *Containerd) discard(ctx context.Context, id string) error {
	err := r.client.SnapshotService(r.cfg.Snapshotter).Remove(ctx, id)
	if err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("remove root file system of %s: %w", id, native(err))
	}
	err = r.client.ContainerService().Delete(ctx, id)
	if err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("remove container %s: %w", id, native(err))
	}
	return nil
}
