package ecs

import (
	"cmp"
	"strings"

	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

// executionEnv is what AWS_EXECUTION_ENV says on container instances; the agent
// does not set it.
const executionEnv = "AWS_ECS_EC2"

func payloadContainer(def *TaskDefinition, t *Task, c *ecsshape.ContainerDefinition, cfg PayloadConfig) agentproto.Container {
	d := &def.Definition
	o := containerOverride(t.Overrides, given(c.Name))
	image := given(c.Image)
	p := agentproto.Container{
		Name:         given(c.Name),
		Image:        image,
		Command:      c.Command,
		EntryPoint:   c.EntryPoint,
		Environment:  payloadEnvironment(c.Environment, o.Environment),
		CPU:          int64(given(cmp.Or(o.Cpu, c.Cpu))),
		Memory:       int64(given(cmp.Or(o.Memory, c.Memory))),
		Essential:    isEssential(c),
		Links:        c.Links,
		StartTimeout: int64(given(c.StartTimeout)),
		StopTimeout:  int64(given(c.StopTimeout)),
		Secrets:      payloadSecrets(t.Scope, c),
		Overrides:    "{}",
	}
	if given(c.VersionConsistency) != "disabled" {
		p.Image = pinImage(image, cfg.Digests[p.Name])
	}
	if o.Command != nil {
		p.Command = o.Command
	}
	if t.EnableExecuteCommand {
		p.ManagedAgents = []agentproto.ManagedAgent{{Name: agentproto.ExecuteCommandAgent}}
	}
	if i := t.container(p.Name); i >= 0 {
		p.ContainerARN = t.ContainerARN(&t.Containers[i])
	}
	// With port mappings Docker refuses the task's shared network namespace.
	if networkMode(d) != "awsvpc" {
		p.PortMappings = payloadPorts(c.PortMappings)
	}
	payloadRelations(&p, c)
	payloadFiles(&p, c, o)
	p.RegistryAuthentication = payloadAuth(t, c, cfg)
	if t.ExecutionRole != nil && logDriver(c) == ecsshape.LogDriverAwslogs {
		p.LogsAuthStrategy = agentproto.LogsExecutionRole
	}
	if c.HealthCheck != nil {
		p.HealthCheckType = "docker"
	}
	p.DockerConfig = dockerConfig(d, t, c, o, cfg)
	return p
}

// payloadRelations copies what ties a container to volumes and to other
// containers.
func payloadRelations(p *agentproto.Container, c *ecsshape.ContainerDefinition) {
	for i := range c.MountPoints {
		m := &c.MountPoints[i]
		p.MountPoints = append(p.MountPoints, agentproto.MountPoint{
			SourceVolume: given(m.SourceVolume), ContainerPath: given(m.ContainerPath), ReadOnly: given(m.ReadOnly),
		})
	}
	for i := range c.VolumesFrom {
		v := &c.VolumesFrom[i]
		p.VolumesFrom = append(p.VolumesFrom, agentproto.VolumeFrom{
			SourceContainer: given(v.SourceContainer), ReadOnly: given(v.ReadOnly),
		})
	}
	for i := range c.DependsOn {
		p.DependsOn = append(p.DependsOn, agentproto.Dependency{
			ContainerName: given(c.DependsOn[i].ContainerName), Condition: given(c.DependsOn[i].Condition),
		})
	}
	if r := c.RestartPolicy; r != nil {
		p.RestartPolicy = &agentproto.RestartPolicy{
			Enabled:              given(r.Enabled),
			IgnoredExitCodes:     r.IgnoredExitCodes,
			RestartAttemptPeriod: int64(given(cmp.Or(r.RestartAttemptPeriod, new(int32(defaultRestartAttemptDelay))))),
		}
	}
}

// payloadFiles copies what the agent makes of files in Amazon S3 and of the
// configuration of a log router.
func payloadFiles(p *agentproto.Container, c *ecsshape.ContainerDefinition, o *ecsshape.ContainerOverride) {
	for _, f := range firstOf(o.EnvironmentFiles, c.EnvironmentFiles) {
		p.EnvironmentFiles = append(p.EnvironmentFiles, agentproto.EnvironmentFile{Value: given(f.Value), Type: given(f.Type)})
	}
	if f := c.FirelensConfiguration; f != nil {
		p.FirelensConfiguration = &agentproto.FirelensConfiguration{Type: given(f.Type), Options: f.Options}
	}
}

func logDriver(c *ecsshape.ContainerDefinition) string {
	if c.LogConfiguration == nil {
		return ""
	}
	return given(c.LogConfiguration.LogDriver)
}

// payloadEnvironment merges an override's variables over the definition's and
// adds what the control plane owes the container.
func payloadEnvironment(defined, overridden []ecsshape.KeyValuePair) map[string]string {
	env := map[string]string{"AWS_EXECUTION_ENV": executionEnv}
	for _, list := range [][]ecsshape.KeyValuePair{defined, overridden} {
		for i := range list {
			env[given(list[i].Name)] = given(list[i].Value)
		}
	}
	return env
}

func payloadPorts(mappings []ecsshape.PortMapping) []agentproto.PortMapping {
	var out []agentproto.PortMapping
	for i := range mappings {
		m := &mappings[i]
		out = append(out, agentproto.PortMapping{
			ContainerPort:      given(m.ContainerPort),
			HostPort:           given(m.HostPort),
			Protocol:           cmp.Or(given(m.Protocol), "tcp"),
			ContainerPortRange: given(m.ContainerPortRange),
		})
	}
	return out
}

// payloadSecrets are the secrets of the environment and those of the log
// driver's options.
func payloadSecrets(s Scope, c *ecsshape.ContainerDefinition) []agentproto.Secret {
	var out []agentproto.Secret
	for i := range c.Secrets {
		out = append(out, payloadSecret(s, &c.Secrets[i], ""))
	}
	if c.LogConfiguration != nil {
		for i := range c.LogConfiguration.SecretOptions {
			out = append(out, payloadSecret(s, &c.LogConfiguration.SecretOptions[i], agentproto.SecretTargetLogDriver))
		}
	}
	return out
}

func payloadSecret(s Scope, secret *ecsshape.Secret, target string) agentproto.Secret {
	p := agentproto.Secret{
		Name:      given(secret.Name),
		ValueFrom: given(secret.ValueFrom),
		Provider:  agentproto.SecretProviderSSM,
		Type:      agentproto.SecretTypeEnvironment,
		Region:    s.Region,
		Target:    target,
	}
	if a, err := arn.Parse(p.ValueFrom); err == nil {
		p.Region = a.Region
		if a.Service == "secretsmanager" {
			p.Provider = agentproto.SecretProviderASM
		}
	}
	return p
}

// payloadAuth says how the agent logs in to the image's registry; nil where it
// needs no login or has its own.
func payloadAuth(t *Task, c *ecsshape.ContainerDefinition, cfg PayloadConfig) *agentproto.RegistryAuthentication {
	s := t.Scope
	if r := c.RepositoryCredentials; r != nil {
		secret := given(r.CredentialsParameter)
		region := s.Region
		if a, err := arn.Parse(secret); err == nil {
			region = a.Region
		}
		return &agentproto.RegistryAuthentication{
			Type:        "asm",
			ASMAuthData: &agentproto.ASMAuthData{CredentialsParameter: secret, Region: region},
		}
	}
	if cfg.Registry == nil {
		return nil
	}
	id, region, ours := cfg.Registry(given(c.Image))
	if !ours {
		return nil
	}
	// A name that says neither means the task's own registry. Amazon's agent puts
	// the account into its request even when it is empty, which ECR refuses.
	return &agentproto.RegistryAuthentication{
		Type: "ecr",
		ECRAuthData: &agentproto.ECRAuthData{
			RegistryID: cmp.Or(id, s.Account), Region: cmp.Or(region, s.Region),
			EndpointOverride: cfg.Endpoint,
			UseExecutionRole: t.ExecutionRole != nil,
		},
	}
}

// isEssential: a container is, unless its definition says otherwise.
func isEssential(c *ecsshape.ContainerDefinition) bool { return c.Essential == nil || *c.Essential }

// containerOverride finds the override of a container; an empty one when there
// is none.
func containerOverride(o *ecsshape.TaskOverride, name string) *ecsshape.ContainerOverride {
	if o != nil {
		for i := range o.ContainerOverrides {
			if given(o.ContainerOverrides[i].Name) == name {
				return &o.ContainerOverrides[i]
			}
		}
	}
	return &ecsshape.ContainerOverride{}
}

// logStream completes an awslogs stream name, which agents and Docker take as
// it is: prefix/container/task-id (using_awslogs of the developer guide).
func logStream(prefix, container, task string) string {
	return strings.Join([]string{prefix, container, task}, "/")
}
