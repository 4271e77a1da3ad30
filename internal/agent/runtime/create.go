package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
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
	if c.Labels[labelExit] != "" || c.Labels[labelEarlier] != "" {
		return true, nil
	}
	if done, err := r.settled(ctx, id); done || err != nil {
		return done, err
	}
	return false, r.discard(ctx, id)
}

func (r *Containerd) create(ctx context.Context, spec Spec) error {
	img, err := r.describe(ctx, spec)
	if err != nil {
		return refuse(fmt.Errorf("No such image: %s: %w", spec.Image, err)) //nolint:staticcheck // Docker's words, which users see
	}
	if err := checkSysctls(spec); err != nil {
		return failedTask(fmt.Errorf("OCI runtime create failed: %w", err))
	}
	volumes := r.imageVolumes(spec, img.Config)
	spec.Mounts = append(slices.Clone(spec.Mounts), volumes...)
	s := newSetup(spec)
	record, err := r.record(ctx, spec, s, img)
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
	for _, v := range volumes {
		if err := os.MkdirAll(v.Source, 0o755); err != nil {
			return refuse(fmt.Errorf("create volume of the image: %w", err))
		}
	}
	if err := copyUp(ctx, mounts, spec.Mounts); err != nil {
		return refuse(err)
	}
	if err := r.makeShm(spec.ID, s); err != nil {
		return refuse(err)
	}
	return r.makeProcess(ctx, spec.ID, record.Labels[labelCgroup], s, mounts)
}

// describe reads the image; a pause container has none.
func (r *Containerd) describe(ctx context.Context, spec Spec) (*image.Description, error) {
	if spec.Pause {
		return &image.Description{}, nil
	}
	return r.catalog.Describe(ctx, spec.Image)
}

// makeProcess has the container's process made, which does not run yet.
func (r *Containerd) makeProcess(ctx context.Context, id, group string, s setup, mounts []mount.Mount) error {
	streams, err := r.openStreams(id, s)
	if err != nil {
		return refuse(err)
	}
	defer streams.release()
	defer r.parents.enter(path.Dir(group))()
	// An agent that is told to end lets containerd finish: see settled.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), makeTime)
	defer cancel()
	err = r.createTask(ctx, s.Group, &tasks.CreateTaskRequest{
		ContainerID: id,
		Rootfs:      wire(mounts),
		Stdin:       streams.stdin,
		Stdout:      streams.stdout,
		Stderr:      streams.stderr,
		Terminal:    s.TTY,
		Options:     &anypb.Any{TypeUrl: r.options.GetTypeUrl(), Value: r.options.GetValue()},
	})
	if err != nil {
		return errors.Join(failedTask(err), streams.drop())
	}
	if streams.console == nil {
		return nil
	}
	return r.copyConsole(id, streams.console, s.Log)
}

// groupTries bounds how often a container misses the shim of its group.
const groupTries = 5

// createTask repeats what fails because the group's shim ended just then, with
// the last of the containers that it had; the next attempt starts another one.
func (r *Containerd) createTask(ctx context.Context, group string, req *tasks.CreateTaskRequest) error {
	for try := 1; ; try++ {
		_, err := r.tasks.Create(ctx, req)
		if err = native(err); err == nil || group == "" || try == groupTries || !missedShim(err) {
			return err
		}
		there, serr := r.settled(ctx, req.ContainerID)
		if there || serr != nil {
			return serr
		}
	}
}

// record is containerd's description of the container.
func (r *Containerd) record(ctx context.Context, spec Spec, s setup, img *image.Description) (containers.Container, error) {
	var c containers.Container
	host, err := r.host(ctx, spec, s)
	if err != nil {
		return c, err
	}
	oci, err := build(spec, img, host)
	if err != nil {
		return c, err
	}
	encoded, err := typeurl.MarshalAny(oci)
	if err != nil {
		return c, fmt.Errorf("encode container specification: %w", err)
	}
	labels, err := r.labels(spec, s, img, host.cgroup)
	if err != nil {
		return c, err
	}
	return containers.Container{
		ID: spec.ID, Labels: labels, Image: spec.Image, Spec: encoded,
		Snapshotter: r.cfg.Snapshotter, SnapshotKey: spec.ID,
		Runtime: containers.RuntimeInfo{Name: shim, Options: r.options},
	}, nil
}

func (r *Containerd) host(ctx context.Context, spec Spec, s setup) (host, error) {
	j, err := r.join(ctx, spec.ID, s)
	if err != nil {
		return host{}, err
	}
	h := host{
		cgroup: path.Join("/", r.cfg.Cgroup, spec.CgroupParent, spec.ID), mode: r.cgroups.Mode(), swap: r.swap,
		netns: j.net, pid: j.pid, ipc: j.ipc, shm: j.shm, apparmor: hasAppArmor(), selinux: hasSELinux(),
	}
	if spec.IPCMode == modeHost {
		h.shm = "/dev/shm"
	}
	if spec.Init || spec.Pause {
		h.init, err = r.findInit()
	}
	return h, err
}

func (r *Containerd) labels(spec Spec, s setup, img *image.Description, group string) (map[string]string, error) {
	stop, err := stopSignal(spec.StopSignal, img.Config.StopSignal)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode setup label: %w", err)
	}
	labels := map[string]string{
		LabelInstance: r.cfg.Instance, LabelTask: spec.Task, LabelName: spec.Name,
		labelDigest: img.Digest, labelCgroup: group, labelStopSignal: stop, labelSetup: string(text),
	}
	for k, v := range spec.Labels {
		if len(k)+len(v) <= maxLabel {
			labels[k] = v
		}
	}
	return labels, nil
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

func wire(mounts []mount.Mount) []*types.Mount {
	out := make([]*types.Mount, 0, len(mounts))
	for _, m := range mounts {
		out = append(out, &types.Mount{Type: m.Type, Source: m.Source, Target: m.Target, Options: m.Options})
	}
	return out
}

// discard deletes what there is of a container without a process.
func (r *Containerd) discard(ctx context.Context, id string) error {
	if err := r.dropOwn(id); err != nil {
		return err
	}
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
