package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/agent/lifecycle"
)

// pull fetches the image, and meanwhile makes the container's network and the
// task's control group.
func (t *task) pull(i int) effect {
	if t.rec.PullStartedAt.IsZero() {
		t.rec.PullStartedAt, t.dirty = time.Now(), true
	}
	hadNetwork, hadCgroup := t.rec.Containers[i].Network != nil, t.rec.Cgroup != ""
	return func(_, ctx context.Context) func() {
		var (
			wg                          sync.WaitGroup
			image                       Image
			network                     Attachment
			group                       string
			imageErr, netErr, cgroupErr error
			pulledAt                    time.Time
		)
		wg.Go(func() {
			image, imageErr = t.pullImage(ctx, i)
			pulledAt = time.Now()
		})
		if !hadNetwork {
			wg.Go(func() { network, netErr = t.attach(ctx, i) })
		}
		if !hadCgroup {
			wg.Go(func() {
				group, cgroupErr = t.engine.fx.Cgroups.Create(ctx, taskID(t.rec.Task.ARN), t.rec.Task.CPU, t.rec.Task.Memory)
			})
		}
		wg.Wait()
		return func() {
			c := &t.rec.Containers[i]
			t.rec.PullStoppedAt = pulledAt
			if !hadNetwork && netErr == nil {
				c.Network = &network
			}
			if !hadCgroup && cgroupErr == nil {
				t.rec.Cgroup = group
			}
			switch {
			case imageErr != nil:
				t.failed(i, imageErr, "CannotPullContainerError")
			case netErr != nil:
				t.failed(i, netErr, "ContainerNetworkingError")
			case cgroupErr != nil:
				t.failed(i, cgroupErr, "ResourceInitializationError")
				t.rec.Reason = c.Reason
			default:
				t.pulled(i, image)
			}
		}
	}
}

// pulled records container i's image. Its digest is news once.
func (t *task) pulled(i int, image Image) {
	c := &t.rec.Containers[i]
	news := image.Digest != "" && image.Digest != c.Image.Digest
	c.Image, c.Status = image, lifecycle.Pulled
	if news {
		t.note(i)
	}
}

func (t *task) pullImage(ctx context.Context, i int) (Image, error) {
	c := t.rec.Task.Containers[i]
	ref := c.Image
	execution, err := t.engine.executionRole(ctx, t.rec.Task.ARN, c.RegistryAuthentication)
	if err != nil {
		return Image{}, err
	}
	auth, err := t.engine.fx.Registries.Auth(ctx, ref, c.RegistryAuthentication, execution)
	if err != nil {
		return Image{}, fmt.Errorf("CannotPullContainerAuthError: %w", err)
	}
	return t.engine.fx.Images.Pull(ctx, ref, auth)
}

func (t *task) attach(ctx context.Context, i int) (Attachment, error) {
	if err := t.engine.gate.enter(ctx, t.rec.Seq); err != nil {
		return Attachment{}, err
	}
	defer t.engine.gate.leave()
	mode, err := networkMode(t.rec.Task, i)
	if err != nil {
		return Attachment{}, err
	}
	return t.engine.fx.Network.Attach(ctx, NetworkRequest{
		TaskARN:     t.rec.Task.ARN,
		ContainerID: t.rec.Containers[i].ID,
		Mode:        mode,
		Ports:       t.rec.Task.Containers[i].PortMappings,
	})
}
