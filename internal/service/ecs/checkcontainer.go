package ecs

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

const (
	maxImageName           = 255
	minContainerMemory     = 4 // MiB; Docker 20.10 needs 6, AWS accepts 4
	maxEnvironmentFiles    = 10
	maxIgnoredExitCodes    = 50
	minRestartAttemptDelay = 60
	maxRestartAttemptDelay = 1800
	// defaultRestartAttemptDelay is ContainerRestartPolicy's of the API reference.
	defaultRestartAttemptDelay = 300
	maxStopTimeout             = 120 // seconds, on Fargate
)

// imagePattern: "letters (uppercase and lowercase), numbers, hyphens,
// underscores, colons, periods, forward slashes, and number signs are allowed"
// (ContainerDefinition of the API reference), and @ for digests.
var imagePattern = regexp.MustCompile(`^[A-Za-z0-9_:./@#-]+$`)

func checkContainers(d *ecsshape.TaskDefinition) error {
	seen := map[string]bool{}
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		if err := checkContainer(c); err != nil {
			return err
		}
		if seen[*c.Name] {
			return ErrClient("Container names must be unique within a Task Definition.")
		}
		seen[*c.Name] = true
	}
	return nil
}

func checkContainer(c *ecsshape.ContainerDefinition) error {
	if err := checkContainerNames(c); err != nil {
		return err
	}
	for _, check := range []func(*ecsshape.ContainerDefinition) error{
		checkContainerSize, checkEnvironment, checkHealthCheck, checkLogConfiguration, checkRestartPolicy, checkLinux, checkTimeouts,
	} {
		if err := check(c); err != nil {
			return err
		}
	}
	return nil
}

func checkContainerNames(c *ecsshape.ContainerDefinition) error {
	image := given(c.Image)
	name, _, _ := strings.Cut(image, "@")
	switch {
	case given(c.Name) == "":
		return ErrClient("Container.name should not be null or empty.")
	case !containerNamePattern.MatchString(*c.Name):
		return ErrClient("Container.name contains invalid characters.")
	case image == "":
		return ErrClient("Container.image should not be null or empty.")
	case !imagePattern.MatchString(image):
		return ErrClient("Container.image contains invalid characters.")
	case len(name) > maxImageName:
		return ErrClient("Container.image should not be longer than %d characters.", maxImageName)
	}
	return nil
}

func checkContainerSize(c *ecsshape.ContainerDefinition) error {
	for _, setting := range []struct {
		name  string
		value *int32
		least int32
	}{{"cpu", c.Cpu, 0}, {"memory", c.Memory, minContainerMemory}, {"memoryReservation", c.MemoryReservation, minContainerMemory}} {
		if setting.value != nil && *setting.value < setting.least {
			return ErrClient("Invalid '%s' setting for container '%s'.", setting.name, *c.Name)
		}
	}
	if c.Memory != nil && c.MemoryReservation != nil && *c.Memory < *c.MemoryReservation {
		return ErrClient("Invalid setting for container '%s'. 'memory' must be greater than or equal to 'memoryReservation'.", *c.Name)
	}
	return nil
}

func checkEnvironment(c *ecsshape.ContainerDefinition) error {
	for i := range c.Environment {
		if given(c.Environment[i].Name) == "" {
			return ErrClient("Environment variable names of container '%s' must not be empty.", *c.Name)
		}
	}
	if err := checkEnvironmentFiles(*c.Name, c.EnvironmentFiles); err != nil {
		return err
	}
	return checkSecrets(c)
}

// checkEnvironmentFiles: EnvironmentFile of the API reference.
func checkEnvironmentFiles(container string, files []ecsshape.EnvironmentFile) error {
	if len(files) > maxEnvironmentFiles {
		return ErrClient("Too many environment files for container '%s'. The maximum is %d.", container, maxEnvironmentFiles)
	}
	for i := range files {
		file := given(files[i].Value)
		if !strings.HasSuffix(file, ".env") {
			return ErrClient("Environment file of container '%s' must use the .env file extension.", container)
		}
		if err := checkS3Object(file); err != nil {
			return err
		}
	}
	return nil
}

func checkSecrets(c *ecsshape.ContainerDefinition) error {
	environment, secrets := map[string]bool{}, map[string]bool{}
	for i := range c.Environment {
		environment[*c.Environment[i].Name] = true
	}
	for i := range c.Secrets {
		name := given(c.Secrets[i].Name)
		switch {
		case secrets[name]:
			return ErrClient("Duplicate secret names found: %s. Each secret name must be unique.", name)
		case environment[name]:
			return ErrClient("The secret name must be unique and not shared with any new or existing environment variables set on the container, such as '%s'.", name)
		case given(c.Secrets[i].ValueFrom) == "":
			return ErrClient("Secret '%s' of container '%s' must have a 'valueFrom'.", name, *c.Name)
		}
		secrets[name] = true
	}
	for _, secret := range allSecrets(c) {
		if err := checkSecretReference(given(secret.ValueFrom)); err != nil {
			return err
		}
	}
	return nil
}

// allSecrets are those of the environment and those of the log driver.
func allSecrets(c *ecsshape.ContainerDefinition) []ecsshape.Secret {
	if c.LogConfiguration == nil {
		return c.Secrets
	}
	return slices.Concat(c.Secrets, c.LogConfiguration.SecretOptions)
}

// checkSecretReference: the name of a parameter, or an ARN of a parameter or of a
// secret; a secret's may go on with json-key:version-stage:version-id, all three
// of which may be empty (specifying-sensitive-data-secrets).
func checkSecretReference(ref string) error {
	if !arn.Is(ref) {
		return nil
	}
	a, err := arn.Parse(ref)
	parts := strings.Split(a.Resource, ":")
	switch {
	case err != nil || a.Region == "" || a.Account == "":
	case a.Service == "ssm" && strings.HasPrefix(a.Resource, "parameter/"):
		return nil
	case a.Service == "secretsmanager" && parts[0] == "secret" && (len(parts) == 2 || len(parts) == 5) && parts[1] != "":
		return nil
	}
	return ErrClient("Invalid arn syntax.")
}

// checkExecutionRole: secrets are looked up with the execution role
// (specifying-sensitive-data).
func checkExecutionRole(d *ecsshape.TaskDefinition) error {
	if given(d.ExecutionRoleArn) != "" {
		return nil
	}
	for i := range d.ContainerDefinitions {
		if len(allSecrets(&d.ContainerDefinitions[i])) > 0 {
			return ErrClient("When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.")
		}
	}
	return nil
}

// checkHealthCheck: the ranges of HealthCheck in the API reference.
func checkHealthCheck(c *ecsshape.ContainerDefinition) error {
	h := c.HealthCheck
	if h == nil {
		return nil
	}
	if len(h.Command) == 0 {
		return ErrClient("healthCheck.command of container '%s' should not be null or empty.", *c.Name)
	}
	for _, setting := range []struct {
		name        string
		value       *int32
		least, most int32
	}{{"interval", h.Interval, 5, 300}, {"timeout", h.Timeout, 2, 60}, {"retries", h.Retries, 1, 10}, {"startPeriod", h.StartPeriod, 0, 300}} {
		if setting.value != nil && (*setting.value < setting.least || *setting.value > setting.most) {
			return ErrClient("The health check %s of container '%s' must be between %d and %d.", setting.name, *c.Name, setting.least, setting.most)
		}
	}
	return nil
}

// checkRestartPolicy: the ranges of ContainerRestartPolicy in the API reference.
func checkRestartPolicy(c *ecsshape.ContainerDefinition) error {
	p := c.RestartPolicy
	if p == nil {
		return nil
	}
	switch {
	case len(p.IgnoredExitCodes) > maxIgnoredExitCodes:
		return ErrClient("Too many ignored exit codes for container '%s'. The maximum is %d.", *c.Name, maxIgnoredExitCodes)
	case p.RestartAttemptPeriod != nil && (*p.RestartAttemptPeriod < minRestartAttemptDelay || *p.RestartAttemptPeriod > maxRestartAttemptDelay):
		return ErrClient("The restartAttemptPeriod of container '%s' must be between %d and %d.", *c.Name, minRestartAttemptDelay, maxRestartAttemptDelay)
	}
	return nil
}

// checkTimeouts: "Valid values are 2-120" of startTimeout on Fargate; elsewhere
// they only may not be negative.
func checkTimeouts(c *ecsshape.ContainerDefinition) error {
	if given(c.StartTimeout) < 0 || given(c.StopTimeout) < 0 {
		return ErrClient("Invalid setting for container '%s'. Timeouts must not be negative.", *c.Name)
	}
	return nil
}

func checkLinux(c *ecsshape.ContainerDefinition) error {
	for i := range c.Ulimits {
		if u := &c.Ulimits[i]; given(u.SoftLimit) > given(u.HardLimit) && given(u.HardLimit) != -1 {
			return ErrClient("Ulimit soft limit must not exceed its hard limit: %s.", given(u.Name))
		}
	}
	for i := range c.SystemControls {
		if given(c.SystemControls[i].Namespace) == "" || c.SystemControls[i].Value == nil {
			return ErrClient("System controls of container '%s' need a namespace and a value.", *c.Name)
		}
	}
	for i := range c.ExtraHosts {
		if given(c.ExtraHosts[i].Hostname) == "" || !utf8.ValidString(given(c.ExtraHosts[i].IpAddress)) {
			return ErrClient("Extra hosts of container '%s' need a hostname and an IP address.", *c.Name)
		}
	}
	l := c.LinuxParameters
	if l == nil {
		return nil
	}
	switch {
	case given(l.SharedMemorySize) < 0:
		return ErrClient("The sharedMemorySize of container '%s' must not be negative.", *c.Name)
	case l.MaxSwap != nil && *l.MaxSwap < 0:
		return ErrClient("The maxSwap of container '%s' must be 0 or any positive integer.", *c.Name)
	case l.Swappiness != nil && (*l.Swappiness < 0 || *l.Swappiness > 100):
		return ErrClient("The swappiness of container '%s' must be between 0 and 100.", *c.Name)
	}
	for i := range l.Tmpfs {
		if given(l.Tmpfs[i].ContainerPath) == "" || given(l.Tmpfs[i].Size) <= 0 {
			return ErrClient("Tmpfs mounts of container '%s' need a containerPath and a size.", *c.Name)
		}
	}
	return nil
}
