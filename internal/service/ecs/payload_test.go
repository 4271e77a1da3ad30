package ecs

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

func payloadDefinition(change func(d *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition)) *TaskDefinition {
	def := &TaskDefinition{
		Scope: Scope{Account: "123456789012", Region: "eu-west-3"}, Family: "web", Revision: 7,
		Definition: ecsshape.TaskDefinition{ContainerDefinitions: []ecsshape.ContainerDefinition{{
			Name: new("app"), Image: new("registry.test/app:1"), Cpu: new(int32(128)), Memory: new(int32(256)), Essential: new(true),
			Command:     []string{"serve"},
			Environment: []ecsshape.KeyValuePair{{Name: new("A"), Value: new("definition")}, {Name: new("B"), Value: new("")}},
		}}},
	}
	if change != nil {
		change(&def.Definition, &def.Definition.ContainerDefinitions[0])
	}
	return def
}

func payloadTask(def *TaskDefinition, o *ecsshape.TaskOverride) *Task {
	t := taskTemplate(def, &TaskOptions{Overrides: o}, "default")
	return t.at(&ContainerInstance{ID: "i"}, reportedAt)
}

func firstContainer(t *testing.T, p agentproto.Task) (agentproto.Container, agentproto.Config, agentproto.HostConfig) {
	t.Helper()
	c := p.Containers[0]
	var config agentproto.Config
	var host agentproto.HostConfig
	if err := json.Unmarshal([]byte(c.DockerConfig.Config), &config); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(c.DockerConfig.HostConfig), &host); err != nil {
		t.Fatal(err)
	}
	return c, config, host
}

func TestPayloadMergesOverrides(t *testing.T) {
	def := payloadDefinition(nil)
	task := payloadTask(def, &ecsshape.TaskOverride{
		Cpu: new("512"), Memory: new("1024"),
		ContainerOverrides: []ecsshape.ContainerOverride{{
			Name: new("app"), Command: []string{"once"}, Cpu: new(int32(64)), Memory: new(int32(99)), MemoryReservation: new(int32(50)),
			Environment: []ecsshape.KeyValuePair{{Name: new("A"), Value: new("override")}, {Name: new("C"), Value: new("new")}},
		}},
	})
	p := Payload(def, task, PayloadConfig{})
	if p.CPU != 0.5 || p.Memory != 1024 || p.Version != "7" || p.DesiredStatus != "RUNNING" || p.NetworkMode != "bridge" || p.Overrides != "{}" {
		t.Errorf("task %+v", p)
	}
	c, _, host := firstContainer(t, p)
	if !cmp.Equal(c.Command, []string{"once"}) || c.CPU != 64 || c.Memory != 99 || host.MemoryReservation != 50<<20 {
		t.Errorf("container %+v, %+v", c, host)
	}
	want := map[string]string{"A": "override", "B": "", "C": "new", "AWS_EXECUTION_ENV": "AWS_ECS_EC2"}
	if diff := cmp.Diff(want, c.Environment); diff != "" {
		t.Error(diff)
	}
	if task.Need.CPU != 512 || task.Need.Memory != 1024 {
		t.Errorf("need %+v", task.Need)
	}
	if c.ContainerARN != task.ContainerARN(&task.Containers[0]) {
		t.Errorf("container ARN %s", c.ContainerARN)
	}
}

func TestPayloadFeatures(t *testing.T) {
	type change = func(d *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition)
	type seen struct {
		task   agentproto.Task
		c      agentproto.Container
		config agentproto.Config
		host   agentproto.HostConfig
	}
	tests := map[string]struct {
		change change
		check  func(s seen) (got, want any)
	}{
		"host mode reaches the runtime": {
			func(d *ecsshape.TaskDefinition, _ *ecsshape.ContainerDefinition) { d.NetworkMode = new("host") },
			func(s seen) (any, any) {
				return []string{s.task.NetworkMode, s.host.NetworkMode}, []string{"host", "host"}
			},
		},
		"no network": {
			func(d *ecsshape.TaskDefinition, _ *ecsshape.ContainerDefinition) { d.NetworkMode = new("none") },
			func(s seen) (any, any) { return s.host.NetworkMode, "none" },
		},
		"networking disabled for one container": {
			func(_ *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition) { c.DisableNetworking = new(true) },
			func(s seen) (any, any) { return s.host.NetworkMode, "none" },
		},
		"dynamic port": {
			func(_ *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition) {
				c.PortMappings = []ecsshape.PortMapping{{ContainerPort: new(int32(80))}, {ContainerPortRange: new("9000-9002"), Protocol: new("udp")}}
			},
			func(s seen) (any, any) {
				return s.c.PortMappings, []agentproto.PortMapping{{ContainerPort: 80, Protocol: "tcp"}, {ContainerPortRange: "9000-9002", Protocol: "udp"}}
			},
		},
		"awsvpc has no port mappings": {
			func(d *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition) {
				d.NetworkMode = new("awsvpc")
				c.PortMappings = []ecsshape.PortMapping{{ContainerPort: new(int32(80))}}
			},
			func(s seen) (any, any) { return len(s.c.PortMappings), 0 },
		},
		"health check": {
			func(_ *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition) {
				c.HealthCheck = &ecsshape.HealthCheck{Command: []string{"curl", "x"}, Interval: new(int32(7))}
			},
			func(s seen) (any, any) {
				return []any{s.c.HealthCheckType, s.config.Healthcheck}, []any{"docker", &agentproto.Healthcheck{
					Test: []string{"CMD", "curl", "x"}, Interval: 7e9, Timeout: 5e9, Retries: 3}}
			},
		},
		"linux parameters": {
			func(_ *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition) {
				c.LinuxParameters = &ecsshape.LinuxParameters{
					Capabilities:       &ecsshape.KernelCapabilities{Add: []string{"NET_ADMIN"}, Drop: []string{"ALL"}},
					Devices:            []ecsshape.Device{{HostPath: new("/dev/x"), Permissions: []string{"read", "mknod"}}, {HostPath: new("/dev/y"), ContainerPath: new("/z")}},
					Tmpfs:              []ecsshape.Tmpfs{{ContainerPath: new("/t"), Size: new(int32(16)), MountOptions: []string{"noexec"}}},
					InitProcessEnabled: new(true), SharedMemorySize: new(int32(128)), MaxSwap: new(int32(100)), Swappiness: new(int32(10)),
				}
			},
			func(s seen) (any, any) {
				return s.host, agentproto.HostConfig{
					CapAdd: []string{"NET_ADMIN"}, CapDrop: []string{"ALL"}, Init: new(true), ShmSize: 128 << 20,
					Memory: 256 << 20, MemorySwap: 356 << 20, MemorySwappiness: new(int64(10)), Tmpfs: map[string]string{"/t": "noexec,size=16m"},
					Devices: []agentproto.Device{
						{PathOnHost: "/dev/x", PathInContainer: "/dev/x", CgroupPermissions: "rm"},
						{PathOnHost: "/dev/y", PathInContainer: "/z", CgroupPermissions: "rwm"},
					},
				}
			},
		},
		"plain settings": {
			func(_ *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition) {
				c.User, c.WorkingDirectory, c.Hostname = new("nobody"), new("/w"), new("h")
				c.DockerLabels = map[string]string{"l": "v"}
				c.PseudoTerminal, c.Interactive, c.Privileged, c.ReadonlyRootFilesystem = new(true), new(true), new(true), new(true)
				c.DnsServers, c.DnsSearchDomains, c.DockerSecurityOptions = []string{"1.1.1.1"}, []string{"x"}, []string{"no-new-privileges"}
				c.ExtraHosts = []ecsshape.HostEntry{{Hostname: new("db"), IpAddress: new("10.0.0.1")}}
				c.Ulimits = []ecsshape.Ulimit{{Name: new("nofile"), SoftLimit: new(int32(1)), HardLimit: new(int32(2))}}
				c.SystemControls = []ecsshape.SystemControl{{Namespace: new("net.core.somaxconn"), Value: new("1")}}
			},
			func(s seen) (any, any) {
				return []any{s.config, s.host}, []any{
					agentproto.Config{User: "nobody", WorkingDir: "/w", Hostname: "h", Labels: map[string]string{"l": "v"}, Tty: true, OpenStdin: true},
					agentproto.HostConfig{Privileged: true, ReadonlyRootfs: true, DNS: []string{"1.1.1.1"}, DNSSearch: []string{"x"},
						SecurityOpt: []string{"no-new-privileges"}, ExtraHosts: []string{"db:10.0.0.1"},
						Ulimits: []agentproto.Ulimit{{Name: "nofile", Soft: 1, Hard: 2}}, Sysctls: map[string]string{"net.core.somaxconn": "1"}},
				}
			},
		},
		"secrets": {
			func(_ *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition) {
				c.Secrets = []ecsshape.Secret{{Name: new("S"), ValueFrom: new("arn:aws:secretsmanager:us-east-1:123456789012:secret:x-abcdef:k::")}, {Name: new("P"), ValueFrom: new("/p")}}
				c.LogConfiguration = &ecsshape.LogConfiguration{LogDriver: new("splunk"), SecretOptions: []ecsshape.Secret{{Name: new("t"), ValueFrom: new("/t")}}}
			},
			func(s seen) (any, any) {
				return s.c.Secrets, []agentproto.Secret{
					{Name: "S", ValueFrom: "arn:aws:secretsmanager:us-east-1:123456789012:secret:x-abcdef:k::", Provider: "asm", Type: "ENVIRONMENT_VARIABLE", Region: "us-east-1"},
					{Name: "P", ValueFrom: "/p", Provider: "ssm", Type: "ENVIRONMENT_VARIABLE", Region: "eu-west-3"},
					{Name: "t", ValueFrom: "/t", Provider: "ssm", Type: "ENVIRONMENT_VARIABLE", Region: "eu-west-3", Target: "LOG_DRIVER"},
				}
			},
		},
		"volumes": {
			func(d *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition) {
				d.Volumes = []ecsshape.Volume{{Name: new("scratch")}, {Name: new("host"), Host: &ecsshape.HostVolumeProperties{SourcePath: new("/x")}},
					{Name: new("shared"), DockerVolumeConfiguration: &ecsshape.DockerVolumeConfiguration{Scope: new("shared"), Autoprovision: new(true)}}}
				c.MountPoints = []ecsshape.MountPoint{{SourceVolume: new("scratch"), ContainerPath: new("/s"), ReadOnly: new(true)}}
			},
			func(s seen) (any, any) {
				return []any{s.task.Volumes, s.c.MountPoints}, []any{
					[]agentproto.Volume{{Name: "scratch", Type: "host", Host: &agentproto.HostVolume{}}, {Name: "host", Type: "host", Host: &agentproto.HostVolume{SourcePath: "/x"}},
						{Name: "shared", Type: "docker", DockerConfiguration: &agentproto.DockerVolume{Scope: "shared", Autoprovision: true, Driver: "local"}}},
					[]agentproto.MountPoint{{SourceVolume: "scratch", ContainerPath: "/s", ReadOnly: true}},
				}
			},
		},
		"environment files and a log router": {
			func(_ *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition) {
				c.EnvironmentFiles = []ecsshape.EnvironmentFile{{Type: new("s3"), Value: new("arn:aws:s3:::b/a.env")}}
				c.FirelensConfiguration = &ecsshape.FirelensConfiguration{Type: new("fluentbit"), Options: map[string]string{"enable-ecs-log-metadata": "true"}}
				c.LogConfiguration = &ecsshape.LogConfiguration{LogDriver: new("awsfirelens"), Options: map[string]string{"Name": "x"}}
			},
			func(s seen) (any, any) {
				return []any{s.c.EnvironmentFiles, s.c.FirelensConfiguration, s.host.LogConfig, s.c.LogsAuthStrategy}, []any{
					[]agentproto.EnvironmentFile{{Value: "arn:aws:s3:::b/a.env", Type: "s3"}},
					&agentproto.FirelensConfiguration{Type: "fluentbit", Options: map[string]string{"enable-ecs-log-metadata": "true"}},
					agentproto.LogConfig{Type: "awsfirelens", Config: map[string]string{"Name": "x"}}, "",
				}
			},
		},
		"an EFS volume, shared namespaces and a range of ports": {
			func(d *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition) {
				d.PidMode, d.IpcMode = new("task"), new("host")
				d.Volumes = []ecsshape.Volume{{Name: new("e"), EfsVolumeConfiguration: &ecsshape.EFSVolumeConfiguration{
					FileSystemId: new("fs-1"), RootDirectory: new("/x"), TransitEncryption: new("ENABLED"), TransitEncryptionPort: new(int32(9)),
					AuthorizationConfig: &ecsshape.EFSAuthorizationConfig{AccessPointId: new("fsap-1"), Iam: new("ENABLED")},
				}}}
				c.PortMappings = []ecsshape.PortMapping{{ContainerPortRange: new("80-90"), Protocol: new("udp")}}
			},
			func(s seen) (any, any) {
				return []any{s.task.Volumes, s.task.PIDMode, s.task.IPCMode, s.c.PortMappings}, []any{
					[]agentproto.Volume{{Name: "e", Type: "efs", EFSConfiguration: &agentproto.EFSVolume{
						FileSystemID: "fs-1", RootDirectory: "/x", TransitEncryption: "ENABLED", TransitEncryptionPort: 9,
						AuthorizationConfig: &agentproto.EFSAuthorization{AccessPointID: "fsap-1", IAM: "ENABLED"},
					}}}, "task", "host", []agentproto.PortMapping{{ContainerPortRange: "80-90", Protocol: "udp"}},
				}
			},
		},
		"an execution role for the logs": {
			func(d *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition) {
				d.ExecutionRoleArn = new("arn:aws:iam::123456789012:role/x")
				c.LogConfiguration = &ecsshape.LogConfiguration{LogDriver: new("awslogs"), Options: map[string]string{"awslogs-group": "/g", "awslogs-region": "r"}}
			},
			func(s seen) (any, any) {
				return []any{s.c.LogsAuthStrategy, s.host.LogConfig.Config}, []any{
					"ExecutionRole", map[string]string{"awslogs-group": "/g", "awslogs-region": "r"},
				}
			},
		},
		"a restart policy without a period": {
			func(_ *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition) {
				c.RestartPolicy = &ecsshape.ContainerRestartPolicy{Enabled: new(true)}
			},
			func(s seen) (any, any) {
				return s.c.RestartPolicy, &agentproto.RestartPolicy{Enabled: true, RestartAttemptPeriod: 300}
			},
		},
		"order and restarts": {
			func(_ *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition) {
				c.DependsOn = []ecsshape.ContainerDependency{{ContainerName: new("init"), Condition: new("SUCCESS")}}
				c.RestartPolicy = &ecsshape.ContainerRestartPolicy{Enabled: new(true), IgnoredExitCodes: []int32{0}, RestartAttemptPeriod: new(int32(60))}
				c.StartTimeout, c.StopTimeout = new(int32(9)), new(int32(8))
			},
			func(s seen) (any, any) {
				return []any{s.c.DependsOn, s.c.RestartPolicy, s.c.StartTimeout, s.c.StopTimeout}, []any{
					[]agentproto.Dependency{{ContainerName: "init", Condition: "SUCCESS"}},
					&agentproto.RestartPolicy{Enabled: true, IgnoredExitCodes: []int32{0}, RestartAttemptPeriod: 60}, int64(9), int64(8),
				}
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			def := payloadDefinition(tt.change)
			p := Payload(def, payloadTask(def, nil), PayloadConfig{})
			c, config, host := firstContainer(t, p)
			got, want := tt.check(seen{p, c, config, host})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPayloadLogStreamIsComplete(t *testing.T) {
	def := payloadDefinition(func(_ *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition) {
		c.LogConfiguration = &ecsshape.LogConfiguration{LogDriver: new("awslogs"), Options: map[string]string{"awslogs-group": "/g", "awslogs-stream-prefix": "p"}}
	})
	task := payloadTask(def, nil)
	_, _, host := firstContainer(t, Payload(def, task, PayloadConfig{}))
	want := agentproto.LogConfig{Type: "awslogs", Config: map[string]string{"awslogs-group": "/g", "awslogs-stream": "p/app/" + task.ID}}
	if diff := cmp.Diff(want, host.LogConfig); diff != "" {
		t.Error(diff)
	}
}

func TestPayloadNamesTheEndpointOfTheAgent(t *testing.T) {
	const here, own = "http://10.0.0.1:4566", "https://logs.test"
	def := payloadDefinition(func(d *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition) {
		d.ExecutionRoleArn = new("x")
		c.LogConfiguration = &ecsshape.LogConfiguration{LogDriver: new("awslogs"), Options: map[string]string{"awslogs-group": "/g"}}
	})
	cfg := PayloadConfig{Endpoint: here, Registry: func(string) (string, string, bool) { return "", "", true }}
	c, _, host := firstContainer(t, Payload(def, payloadTask(def, nil), cfg))
	if got := host.LogConfig.Config["awslogs-endpoint"]; got != here {
		t.Errorf("logs go to %q", got)
	}
	if got := c.RegistryAuthentication.ECRAuthData; got.EndpointOverride != here || !got.UseExecutionRole {
		t.Errorf("login %+v", got)
	}
	def.Definition.ContainerDefinitions[0].LogConfiguration.Options["awslogs-endpoint"] = own
	_, _, host = firstContainer(t, Payload(def, payloadTask(def, nil), cfg))
	if got := host.LogConfig.Config["awslogs-endpoint"]; got != own {
		t.Errorf("the user's endpoint became %q", got)
	}
}

func TestPayloadOfOverriddenFilesAndOfExec(t *testing.T) {
	def := payloadDefinition(func(_ *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition) {
		c.EnvironmentFiles = []ecsshape.EnvironmentFile{{Type: new("s3"), Value: new("arn:aws:s3:::b/a.env")}}
	})
	task := payloadTask(def, &ecsshape.TaskOverride{ContainerOverrides: []ecsshape.ContainerOverride{{
		Name: new("app"), EnvironmentFiles: []ecsshape.EnvironmentFile{{Type: new("s3"), Value: new("arn:aws:s3:::b/other.env")}},
	}}})
	c, _, _ := firstContainer(t, Payload(def, task, PayloadConfig{}))
	if len(c.EnvironmentFiles) != 1 || c.EnvironmentFiles[0].Value != "arn:aws:s3:::b/other.env" || c.ManagedAgents != nil {
		t.Errorf("container %+v", c)
	}
	task.EnableExecuteCommand = true
	c, _, _ = firstContainer(t, Payload(def, task, PayloadConfig{}))
	if diff := cmp.Diff([]agentproto.ManagedAgent{{Name: "ExecuteCommandAgent"}}, c.ManagedAgents); diff != "" {
		t.Error(diff)
	}
}

func TestPayloadRegistryAndDigest(t *testing.T) {
	cfg := PayloadConfig{
		Registry: func(image string) (string, string, bool) {
			return "123456789012", "eu-west-3", image == "registry.test/app:1"
		},
		Digests: map[string]string{"app": "sha256:abc"},
	}
	def := payloadDefinition(nil)
	c, _, _ := firstContainer(t, Payload(def, payloadTask(def, nil), cfg))
	if c.Image != "registry.test/app@sha256:abc" {
		t.Errorf("image %s", c.Image)
	}
	want := &agentproto.RegistryAuthentication{Type: "ecr", ECRAuthData: &agentproto.ECRAuthData{RegistryID: "123456789012", Region: "eu-west-3"}}
	if diff := cmp.Diff(want, c.RegistryAuthentication); diff != "" {
		t.Error(diff)
	}
	cfg.Registry = func(string) (string, string, bool) { return "", "", true }
	task := payloadTask(def, nil)
	c, _, _ = firstContainer(t, Payload(def, task, cfg))
	want.ECRAuthData = &agentproto.ECRAuthData{RegistryID: task.Account, Region: task.Region}
	if diff := cmp.Diff(want, c.RegistryAuthentication); diff != "" {
		t.Errorf("own registry: %s", diff)
	}
	def = payloadDefinition(func(_ *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition) {
		c.VersionConsistency = new("disabled")
		c.RepositoryCredentials = &ecsshape.RepositoryCredentials{CredentialsParameter: new("arn:aws:secretsmanager:us-east-1:123456789012:secret:x-abcdef")}
	})
	c, _, _ = firstContainer(t, Payload(def, payloadTask(def, nil), cfg))
	if c.Image != "registry.test/app:1" || c.RegistryAuthentication.Type != "asm" || c.RegistryAuthentication.ASMAuthData.Region != "us-east-1" {
		t.Errorf("container %+v, %+v", c, c.RegistryAuthentication)
	}
}

func TestPinImage(t *testing.T) {
	tests := map[string]string{
		"app":                       "app@d",
		"app:1":                     "app@d",
		"host:5000/app":             "host:5000/app@d",
		"host:5000/team/app:1":      "host:5000/team/app@d",
		"host:5000/app@sha256:own":  "host:5000/app@sha256:own",
		"host:5000/app:1@sha256:ow": "host:5000/app:1@sha256:ow",
	}
	for image, want := range tests {
		if got := pinImage(image, "d"); got != want {
			t.Errorf("%s became %s, want %s", image, got, want)
		}
	}
	if pinImage("app:1", "") != "app:1" {
		t.Error("no digest changed the image")
	}
}

func TestTaskNeed(t *testing.T) {
	two := func(d *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition) {
		c.MemoryReservation = new(int32(100))
		c.PortMappings = []ecsshape.PortMapping{{ContainerPort: new(int32(80)), HostPort: new(int32(8080))}, {ContainerPort: new(int32(81))},
			{ContainerPort: new(int32(53)), HostPort: new(int32(53)), Protocol: new("udp")}}
		d.ContainerDefinitions = append(d.ContainerDefinitions, ecsshape.ContainerDefinition{Name: new("b"), Memory: new(int32(30)), Cpu: new(int32(2))})
	}
	tests := map[string]struct {
		change   func(d *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition)
		override *ecsshape.TaskOverride
		want     Resources
	}{
		"sums, reservation before limit": {two, nil, Resources{CPU: 130, Memory: 130, TCP: []int32{8080}, UDP: []int32{53}}},
		"task level wins": {func(d *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition) {
			two(d, c)
			d.Cpu, d.Memory = new("1024"), new("2048")
		}, nil, Resources{CPU: 1024, Memory: 2048, TCP: []int32{8080}, UDP: []int32{53}}},
		"host mode takes container ports": {func(d *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition) {
			two(d, c)
			d.NetworkMode = new("host")
			c.PortMappings[0].HostPort = nil
		}, nil, Resources{CPU: 130, Memory: 130, TCP: []int32{80, 81}, UDP: []int32{53}}},
		"overrides": {two, &ecsshape.TaskOverride{ContainerOverrides: []ecsshape.ContainerOverride{{Name: new("app"), Cpu: new(int32(1)), MemoryReservation: new(int32(7))}}},
			Resources{CPU: 3, Memory: 37, TCP: []int32{8080}, UDP: []int32{53}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := taskNeed(&payloadDefinition(tt.change).Definition, tt.override)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
