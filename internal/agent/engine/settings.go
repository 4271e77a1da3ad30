package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/agentproto"
)

// settingsPatience bounds how long the settings of a task are asked for from a
// service that does not answer.
const settingsPatience = 2 * time.Minute

// settings is what a task takes from elsewhere. It is looked up once, when the
// first image is pulled, and held in memory only: after a restart of the agent
// it is looked up again if a container still has to be made.
type settings struct {
	turn    chan struct{}                // of one place
	done    bool                         // whoever has the turn
	secrets map[agentproto.Secret]string // by secretRef
	files   map[string]map[string]string // variables, by the file's ARN
	err     error                        // its text is the task's reason
}

// secretRef is the part of a secret that says where its value is.
func secretRef(s agentproto.Secret) agentproto.Secret {
	return agentproto.Secret{ValueFrom: s.ValueFrom, Provider: s.Provider, Region: s.Region}
}

// lookUp finds all settings of the task, unless that was done. ctx ends early
// only when the whole task is to stop.
func (s *settings) lookUp(ctx context.Context, e *Engine, rec Record) error {
	refs, files := wanted(rec.Task)
	if len(refs)+len(files) == 0 {
		return nil
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if s.done {
		return s.err
	}
	var wg sync.WaitGroup
	var secretErr, fileErr error
	wg.Go(func() { s.secrets, secretErr = e.secrets(ctx, rec, refs) })
	wg.Go(func() { s.files, fileErr = e.environmentFiles(ctx, rec, files) })
	wg.Wait()
	s.done, s.err = true, cmp.Or(secretErr, fileErr)
	return s.err
}

// wanted are the distinct secrets and environment files of all containers.
func wanted(task agentproto.Task) (refs []agentproto.Secret, files []agentproto.EnvironmentFile) {
	secrets, seen := map[agentproto.Secret]bool{}, map[string]bool{}
	for _, c := range task.Containers {
		for _, s := range c.Secrets {
			if ref := secretRef(s); !secrets[ref] {
				secrets[ref] = true
				refs = append(refs, ref)
			}
		}
		for _, f := range c.EnvironmentFiles {
			if !seen[f.Value] {
				seen[f.Value] = true
				files = append(files, f)
			}
		}
	}
	return refs, files
}

// The beginnings of a task's reason when its settings can't be had (ECS
// Developer Guide, "ResourceInitializationError").
const (
	noSecrets = "ResourceInitializationError: unable to pull secrets or registry auth: "
	noFiles   = "ResourceInitializationError: failed to download env files: "
)

var errNoSettings = errors.New("this agent looks up neither secrets nor environment files")

func (e *Engine) secrets(ctx context.Context, rec Record, refs []agentproto.Secret) (map[agentproto.Secret]string, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	var values []string
	err := e.ask(ctx, rec, func(ctx context.Context, execution *agentproto.RoleCredentials) error {
		var err error
		values, err = e.fx.Settings.Secrets(ctx, execution, refs)
		return err
	})
	if err == nil && len(values) != len(refs) {
		err = fmt.Errorf("%d values for %d secrets", len(values), len(refs))
	}
	if err != nil {
		return nil, fmt.Errorf("%s%w", noSecrets, err)
	}
	out := make(map[agentproto.Secret]string, len(refs))
	for i, ref := range refs {
		out[ref] = values[i]
	}
	return out, nil
}

func (e *Engine) environmentFiles(ctx context.Context, rec Record, files []agentproto.EnvironmentFile) (map[string]map[string]string, error) {
	out := make(map[string]map[string]string, len(files))
	for _, f := range files {
		err := e.ask(ctx, rec, func(ctx context.Context, execution *agentproto.RoleCredentials) error {
			text, err := e.fx.Settings.EnvironmentFile(ctx, execution, f)
			if err == nil {
				out[f.Value], err = parseEnvironment(text)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("%s%w", noFiles, err)
		}
	}
	return out, nil
}

// ask calls Settings with the execution role's credentials, again while nobody
// answers.
func (e *Engine) ask(ctx context.Context, rec Record, call func(context.Context, *agentproto.RoleCredentials) error) error {
	if e.fx.Settings == nil {
		return errNoSettings
	}
	execution, err := e.executionRole(ctx, rec)
	if err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, settingsPatience)
	defer cancel()
	return persist(bounded, func(ctx context.Context) error { return call(ctx, execution) })
}

// variables are those that the definition of container i says, with what it
// takes from elsewhere: its own environment wins over files, an earlier file
// over a later one (ECS Developer Guide, "Specifying environment variables").
func (s *settings) variables(c agentproto.Container) map[string]string {
	out := maps.Clone(c.Environment)
	if out == nil {
		out = map[string]string{}
	}
	for _, f := range c.EnvironmentFiles {
		for name, value := range s.files[f.Value] {
			if _, ok := out[name]; !ok {
				out[name] = value
			}
		}
	}
	for _, secret := range c.Secrets {
		if secret.Target == "" {
			out[secret.Name] = s.secrets[secretRef(secret)]
		}
	}
	return out
}

// logOptions are the definition's, the secret ones, and where the driver finds
// the credentials of the execution role.
func (s *settings) logOptions(rec Record, c agentproto.Container, log agentproto.LogConfig) map[string]string {
	out := maps.Clone(log.Config)
	if out == nil {
		out = map[string]string{}
	}
	for _, secret := range c.Secrets {
		if secret.Target == agentproto.SecretTargetLogDriver && log.Type != driverFirelens {
			out[secret.Name] = s.secrets[secretRef(secret)]
		}
	}
	if c.LogsAuthStrategy == agentproto.LogsExecutionRole && log.Type == "awslogs" && rec.ExecutionCredentialsID != "" {
		out["awslogs-credentials-endpoint"] = credentialsPath + rec.ExecutionCredentialsID
	}
	return out
}
