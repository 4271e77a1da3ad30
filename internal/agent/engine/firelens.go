package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/slipway/slipway/internal/agent/logdriver/firelens"
	"github.com/slipway/slipway/internal/agentproto"
)

// driverFirelens is the log driver that means: through the task's log router.
const driverFirelens = "awsfirelens"

// routerOf is the index of the task's log router, -1 if it has none.
func routerOf(task agentproto.Task) int {
	return slices.IndexFunc(task.Containers, func(c agentproto.Container) bool { return c.FirelensConfiguration != nil })
}

// throughRouter tells whether a container logs through the task's log router.
func throughRouter(c agentproto.Container) bool {
	host, err := hostConfig(c)
	return err == nil && host.LogConfig.Type == driverFirelens
}

// addFirelens makes the spec that of the task's log router, or of a container
// that logs through it.
func (t *task) addFirelens(ctx context.Context, spec *ContainerSpec, rec Record, i int) error {
	router := routerOf(rec.Task)
	switch {
	case i == router:
		return t.addRouter(ctx, spec, rec, i)
	case spec.Host.LogConfig.Type != driverFirelens:
		return nil
	case router < 0 || t.engine.fx.Routers == nil:
		return errors.New("ResourceInitializationError: the task has no log router for the awsfirelens log driver")
	}
	app := firelens.App{Container: rec.Task.Containers[i].Name, Options: spec.Host.LogConfig.Config}
	driver, options := app.Log(taskID(rec.Task.ARN), t.engine.fx.Routers.Files(taskID(rec.Task.ARN)))
	spec.Host.LogConfig = agentproto.LogConfig{Type: driver, Config: options}
	ip := ""
	if n := rec.Containers[router].Network; n != nil && n.IP.IsValid() {
		ip = n.IP.String()
	}
	spec.Env = append(spec.Env, firelens.Environment(spec.Host.NetworkMode, ip)...)
	return nil
}

// addRouter writes the router's configuration and gives it its mounts. Secret
// options of the others stand in its environment only.
func (t *task) addRouter(ctx context.Context, spec *ContainerSpec, rec Record, i int) error {
	if t.engine.fx.Routers == nil {
		return errors.New("ResourceInitializationError: this agent has no log routers")
	}
	c := rec.Task.Containers[i]
	r := firelens.Router{
		Type: c.FirelensConfiguration.Type, Options: c.FirelensConfiguration.Options, NetworkMode: spec.Host.NetworkMode,
		Cluster: t.engine.cfg.Cluster, TaskARN: rec.Task.ARN, TaskDefinition: rec.Task.Family + ":" + rec.Task.Version,
		InstanceID: t.engine.cfg.InstanceID, MemoryMiB: reserved(c),
	}
	var apps []firelens.App
	for j, app := range rec.Task.Containers {
		if !throughRouter(app) {
			continue
		}
		options := maps.Clone(t.said[j].host.LogConfig.Config)
		if options == nil {
			options = map[string]string{}
		}
		for _, s := range app.Secrets {
			if s.Target == agentproto.SecretTargetLogDriver {
				placeholder, variable := r.Secret(s.Name, j)
				options[s.Name] = placeholder
				spec.Env = append(spec.Env, variable+"="+t.settings.secrets[secretRef(s)])
			}
		}
		apps = append(apps, firelens.App{Container: app.Name, Options: options})
	}
	config, err := firelens.Config(r, apps)
	if err != nil {
		return fmt.Errorf("ResourceInitializationError: %w", err)
	}
	external, err := t.external(ctx, rec, r)
	if err != nil {
		return fmt.Errorf("ResourceInitializationError: unable to download firelens config: %w", err)
	}
	files := t.engine.fx.Routers.Files(taskID(rec.Task.ARN))
	if err := t.engine.fx.Routers.Write(taskID(rec.Task.ARN), config, external); err != nil {
		return fmt.Errorf("ResourceInitializationError: %w", err)
	}
	for _, m := range r.Mounts(files) {
		spec.Mounts = append(spec.Mounts, Mount{Source: m.Source, Target: m.Target})
	}
	return nil
}

// external is the custom configuration that the task keeps in S3; nil if there
// is none.
func (t *task) external(ctx context.Context, rec Record, r firelens.Router) ([]byte, error) {
	arn, ok := r.External()
	if !ok {
		return nil, nil
	}
	var text []byte
	err := t.engine.ask(ctx, rec, func(ctx context.Context, execution *agentproto.RoleCredentials) error {
		var err error
		text, err = t.engine.fx.Settings.EnvironmentFile(ctx, execution, agentproto.EnvironmentFile{Value: arn, Type: "s3"})
		return err
	})
	return text, err
}
