package engine

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/agent/lifecycle"
	"github.com/slipway/slipway/internal/agentproto"
)

// pull fetches the image, and meanwhile makes the container's network and the
// task's control group.
func (t *task) pull(i int) effect {
	if t.rec.PullStartedAt.IsZero() {
		t.rec.PullStartedAt, t.dirty = time.Now(), true
	}
	rec := t.snapshot()
	hadNetwork, hadCgroup := t.rec.Containers[i].Network != nil, t.rec.Cgroup != ""
	return func(_, ctx context.Context) func() {
		var (
			wg                          sync.WaitGroup
			image                       Image
			network                     Attachment
			group                       string
			imageErr, netErr, cgroupErr error
			settingsErr                 error
			pulledAt                    time.Time
		)
		wg.Go(func() {
			image, imageErr = t.pullImage(ctx, rec, i)
			pulledAt = time.Now()
		})
		wg.Go(func() { settingsErr = t.settings.lookUp(ctx, t.engine, rec) })
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
			case imageErr != nil && strings.HasPrefix(imageErr.Error(), noSecrets):
				t.abort(i, imageErr)
			case imageErr != nil:
				t.failed(i, imageErr, "CannotPullContainerError")
			case netErr != nil:
				t.failed(i, netErr, "ContainerNetworkingError")
			case settingsErr != nil:
				t.abort(i, settingsErr)
			case cgroupErr != nil:
				t.abort(i, cgroupErr)
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

func (t *task) pullImage(ctx context.Context, rec Record, i int) (Image, error) {
	c := rec.Task.Containers[i]
	ref := c.Image
	auth, err := t.engine.registryAuth(ctx, rec, c)
	if err != nil {
		return Image{}, err
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

// registryAuth finds out how to log in. Where the execution role is named, its
// credentials are waited for. A login that is a secret fails the task as its
// other secrets do.
func (e *Engine) registryAuth(ctx context.Context, rec Record, c agentproto.Container) (RegistryAuth, error) {
	how, prefix := c.RegistryAuthentication, "CannotPullContainerAuthError: "
	if how != nil && how.ASMAuthData != nil {
		prefix = noSecrets
	}
	execution, err := e.pullRole(ctx, rec, how)
	if err != nil {
		return RegistryAuth{}, fmt.Errorf("%s%w", prefix, err)
	}
	auth, err := e.fx.Registries.Auth(ctx, c.Image, how, execution)
	if err != nil {
		return RegistryAuth{}, fmt.Errorf("%s%w", prefix, err)
	}
	return auth, nil
}

// pullRole is the credentials that a pull must use; nil for the instance's own.
func (e *Engine) pullRole(ctx context.Context, rec Record, how *agentproto.RegistryAuthentication) (*agentproto.RoleCredentials, error) {
	if how == nil || how.ASMAuthData == nil && (how.ECRAuthData == nil || !how.ECRAuthData.UseExecutionRole) {
		return nil, nil
	}
	execution, err := e.executionRole(ctx, rec)
	if err == nil && execution == nil {
		err = errNoExecutionRole
	}
	return execution, err
}
