package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/slipway/slipway/internal/agent/endpoint"
	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agent/logdriver/firelens"
	"github.com/slipway/slipway/internal/agentproto"
)

// introspect serves operators on port 51678 of the instance.
func (a *agent) introspect(ctx context.Context, arn string) error {
	id := endpoint.Identity{Cluster: a.cfg.Cluster, ContainerInstanceArn: arn, Version: a.version.UserAgent()}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", ":"+strconv.Itoa(endpoint.Port))
	if err != nil {
		return fmt.Errorf("serve introspection (one agent per network namespace): %w", err)
	}
	return endpoint.Serve(ctx, listener, endpoint.Introspection(func() endpoint.Identity { return id }, a.engine.Tasks))
}

// answer serves containers on the agent's link-local address.
func (a *agent) answer(ctx context.Context, arn string) error {
	at, err := a.tools.net.ServeLink(ctx)
	if err != nil {
		return fmt.Errorf("serve containers: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", at.String())
	if err != nil {
		return fmt.Errorf("serve containers: %w", err)
	}
	var audit *endpoint.Audit
	if a.cfg.AuditLog != "" {
		if audit, err = endpoint.OpenAudit(a.cfg.AuditLog, a.cfg.Cluster, arn); err != nil {
			return errors.Join(err, listener.Close())
		}
		defer closing(a.cfg.Log, "audit log", audit.Close)
	}
	return endpoint.Serve(ctx, listener, endpoint.Containers(endpoint.Config{
		Cluster: a.cfg.Cluster, ContainerInstanceARN: arn, AvailabilityZone: a.cfg.AvailabilityZone,
		Tasks: a.engine.Tasks, Times: a.times, Stats: a.sampler.Latest,
		Credentials: a.engine.Credentials, Pending: a.engine.Pending,
		TaskRole: func(task string) (agentproto.RoleCredentials, bool) {
			return a.engine.Role(task, agentproto.RoleTask)
		},
		Tags: a.tags, Protection: a.protection, Audit: audit, Log: a.cfg.Log,
		Steady: a.cfg.RequestRate, Burst: a.cfg.Burst,
	}))
}

func (a *agent) times(task string) endpoint.Times {
	v, _ := a.engine.Task(task)
	return endpoint.Times{PullStartedAt: v.PullStartedAt, PullStoppedAt: v.PullStoppedAt, ExecutionStoppedAt: v.ExecutionStoppedAt}
}

// metadataFiles puts the container metadata files behind engine.MetadataFiles.
type metadataFiles struct{ agent *agent }

func (m metadataFiles) config() endpoint.FileConfig {
	arn, _ := m.agent.arn.Load().(string) // none before the instance is registered
	return endpoint.FileConfig{Cluster: m.agent.cfg.Cluster, ContainerInstanceARN: arn, AvailabilityZone: m.agent.cfg.AvailabilityZone}
}

// Write implements engine.MetadataFiles.
func (m metadataFiles) Write(v engine.View, i int, ready bool) (string, error) {
	dir, err := endpoint.FileDir(m.agent.cfg.DataDir, v.Task.ARN, v.Task.Containers[i].Name)
	if err != nil {
		return "", err
	}
	text := m.config().InitialFile(v, i)
	if ready {
		text = m.config().ReadyFile(v, i)
	}
	return dir, endpoint.WriteFile(dir, text)
}

// Remove implements engine.MetadataFiles.
func (m metadataFiles) Remove(taskARN string) error {
	return endpoint.RemoveFiles(m.agent.cfg.DataDir, taskARN)
}

// routers puts the files of log routers behind engine.Routers. The path of a
// socket may have 107 characters only, so names are short.
type routers struct{ dir string }

// Files implements engine.Routers.
func (r routers) Files(taskID string) firelens.Files {
	dir := filepath.Join(r.dir, taskID)
	return firelens.Files{Config: filepath.Join(dir, "config"), External: filepath.Join(dir, "external"), Sockets: filepath.Join(dir, "s")}
}

// Write implements engine.Routers.
func (r routers) Write(taskID, config string, external []byte) error {
	files := r.Files(taskID)
	if err := os.MkdirAll(files.Sockets, 0o711); err != nil {
		return fmt.Errorf("make directory of log router: %w", err)
	}
	// The router's user, whoever that is in its image, listens there.
	if err := os.Chmod(files.Sockets, 0o777); err != nil {
		return fmt.Errorf("open directory of log router: %w", err)
	}
	if external != nil {
		if err := os.WriteFile(files.External, external, 0o644); err != nil {
			return fmt.Errorf("write configuration of log router: %w", err)
		}
	}
	if err := os.WriteFile(files.Config, []byte(config), 0o644); err != nil {
		return fmt.Errorf("write configuration of log router: %w", err)
	}
	return nil
}

// Remove implements engine.Routers.
func (r routers) Remove(taskID string) error {
	if err := os.RemoveAll(filepath.Join(r.dir, taskID)); err != nil {
		return fmt.Errorf("remove files of log router: %w", err)
	}
	return nil
}
