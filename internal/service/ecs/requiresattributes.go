package ecs

import (
	"strings"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

const (
	capability    = "ecs.capability."
	oldCapability = "com.amazonaws.ecs.capability."
	dockerAPI     = oldCapability + "docker-remote-api."
)

// requiresAttributes are the capabilities that an instance must have
// registered, each once, in the order in which the definition brings them up.
// What brings up what is what DescribeTaskDefinition answers in production;
// task-level sizes bring up nothing.
func requiresAttributes(d *ecsshape.TaskDefinition) []ecsshape.Attribute {
	var n needs
	for i := range d.ContainerDefinitions {
		n.container(d, &d.ContainerDefinitions[i])
	}
	n.task(d)
	return n.list
}

// needs collects attribute names without repeating one.
type needs struct {
	list []ecsshape.Attribute
	seen map[string]bool
}

func (n *needs) add(names ...string) {
	if n.seen == nil {
		n.seen = map[string]bool{}
	}
	for _, name := range names {
		if !n.seen[name] {
			n.seen[name] = true
			n.list = append(n.list, ecsshape.Attribute{Name: &name})
		}
	}
}

func (n *needs) when(is bool, names ...string) {
	if is {
		n.add(names...)
	}
}

func (n *needs) task(d *ecsshape.TaskDefinition) {
	if given(d.TaskRoleArn) != "" {
		n.add(dockerAPI+"1.17", oldCapability+"task-iam-role")
		n.when(networkMode(d) == ecsshape.NetworkModeHost, oldCapability+"task-iam-role-network-host")
	}
	n.when(networkMode(d) == ecsshape.NetworkModeAwsvpc, dockerAPI+"1.18", capability+"task-eni")
	n.when(given(d.PidMode) != "" || given(d.IpcMode) != "", capability+"pid-ipc-namespace-sharing")
	n.when(given(d.EnableFaultInjection), capability+"fault-injection")
	for i := range d.Volumes {
		n.volume(&d.Volumes[i])
	}
}

func (n *needs) volume(v *ecsshape.Volume) {
	if d := v.DockerVolumeConfiguration; d != nil {
		n.add(capability + "docker-plugin." + given(d.Driver))
	}
	if v.EfsVolumeConfiguration != nil {
		n.add(capability+"efsAuth", capability+"efs", dockerAPI+"1.25")
	}
	n.when(v.S3filesVolumeConfiguration != nil, capability+"storage.s3-files")
	n.when(given(v.ConfiguredAtLaunch), capability+"storage.ebs-task-volume-attach")
}

func (n *needs) container(d *ecsshape.TaskDefinition, c *ecsshape.ContainerDefinition) {
	role := given(d.ExecutionRoleArn) != ""
	n.log(c.LogConfiguration, role)
	if isECRImage(given(c.Image)) {
		n.add(oldCapability + "ecr-auth")
		n.when(role, capability+"execution-role-ecr-pull")
	}
	n.when(given(c.Privileged), oldCapability+"privileged-container")
	n.when(c.RepositoryCredentials != nil, capability+"private-registry-authentication.secretsmanager")
	n.when(c.MemoryReservation != nil, dockerAPI+"1.21")
	n.when(len(c.Ulimits) > 0 || len(c.DockerLabels) > 0, dockerAPI+"1.18")
	if h := c.HealthCheck; h != nil {
		n.add(capability + "container-health-check")
		n.when(h.StartPeriod == nil, dockerAPI+"1.24")
		n.when(h.StartPeriod != nil, dockerAPI+"1.29")
	}
	n.when(given(c.User) != "", dockerAPI+"1.17")
	n.when(len(c.ExtraHosts) > 0 && networkMode(d) == ecsshape.NetworkModeHost, dockerAPI+"1.24")
	for _, option := range c.DockerSecurityOptions {
		n.when(strings.HasPrefix(option, "label:"), oldCapability+"selinux")
		n.when(strings.HasPrefix(option, "apparmor:"), oldCapability+"apparmor")
	}
	if l := c.LinuxParameters; l != nil {
		n.when(given(l.InitProcessEnabled), dockerAPI+"1.25")
		n.when(given(l.SharedMemorySize) > 0 || len(l.Tmpfs) > 0, dockerAPI+"1.22")
	}
	n.when(len(c.DependsOn) > 0, capability+"container-ordering")
	n.when(c.RestartPolicy != nil && given(c.RestartPolicy.Enabled), capability+"container-restart-policy")
	n.when(len(c.EnvironmentFiles) > 0, capability+"env-files.s3")
	if f := c.FirelensConfiguration; f != nil {
		n.firelens(f)
	}
	for i := range c.PortMappings {
		n.when(c.PortMappings[i].ContainerPortRange != nil, capability+"network.container-port-range")
	}
	n.secrets(c.Secrets, "environment-variables")
}

// logDriverAPI is the Docker API that a log driver came with.
var logDriverAPI = map[string]string{
	ecsshape.LogDriverJSONFile: "1.18", ecsshape.LogDriverSyslog: "1.18", ecsshape.LogDriverJournald: "1.19",
	ecsshape.LogDriverAwslogs: "1.19", ecsshape.LogDriverGelf: "1.20", ecsshape.LogDriverFluentd: "1.20",
	ecsshape.LogDriverSplunk: "1.22",
}

func (n *needs) log(l *ecsshape.LogConfiguration, role bool) {
	if l == nil {
		return
	}
	driver := given(l.LogDriver)
	n.add(oldCapability + "logging-driver." + driver)
	if api, ok := logDriverAPI[driver]; ok {
		n.when(driver == ecsshape.LogDriverAwslogs && role, capability+"execution-role-awslogs")
		n.add(dockerAPI + api)
	}
	n.when(l.Options["awslogs-create-group"] != "", dockerAPI+"1.29")
	n.when(l.Options["mode"] != "" || l.Options["max-buffer-size"] != "", dockerAPI+"1.28")
	n.when(driver == ecsshape.LogDriverAwsfirelens && l.Options["log-driver-buffer-limit"] != "",
		capability+"logging-driver.awsfirelens.log-driver-buffer-limit")
	n.secrets(l.SecretOptions, "bootstrap.log-driver")
}

func (n *needs) firelens(f *ecsshape.FirelensConfiguration) {
	n.add(capability + "firelens." + given(f.Type))
	switch f.Options[firelensConfigType] {
	case "s3":
		n.add(capability + "firelens.options.config.s3")
	case "file":
		n.add(capability + "firelens.options.config.file")
	}
}

// secrets: Secrets Manager's are told from those of Systems Manager by the ARN.
func (n *needs) secrets(secrets []ecsshape.Secret, use string) {
	for i := range secrets {
		from := "ssm."
		if strings.HasPrefix(given(secrets[i].ValueFrom), "arn:aws:secretsmanager:") {
			from = "asm."
		}
		n.add(capability + "secrets." + from + use)
	}
}
