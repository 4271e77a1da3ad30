package agentproto

// The desired statuses of a task in a payload.
const (
	DesiredRunning = "RUNNING"
	DesiredStopped = "STOPPED"
)

// Task is one task as the agent is told of it.
type Task struct {
	ARN            string `json:"arn"`
	TaskClusterARN string `json:"taskClusterArn,omitempty"`
	Family         string `json:"family"`
	Version        string `json:"version"` // the revision, as a string
	DesiredStatus  string `json:"desiredStatus"`
	// Overrides is JSON in a string; agents ignore it, the control plane has
	// merged overrides already.
	Overrides   string      `json:"overrides,omitempty"`
	Containers  []Container `json:"containers"`
	Volumes     []Volume    `json:"volumes,omitempty"`
	NetworkMode string      `json:"networkMode,omitempty"` // bridge when empty
	CPU         float64     `json:"cpu,omitempty"`         // vCPUs
	Memory      int64       `json:"memory,omitempty"`      // MiB

	RoleCredentials          *RoleCredentials   `json:"roleCredentials,omitempty"`
	ExecutionRoleCredentials *RoleCredentials   `json:"executionRoleCredentials,omitempty"`
	ElasticNetworkInterfaces []NetworkInterface `json:"elasticNetworkInterfaces,omitempty"`

	PIDMode     string `json:"pidMode,omitempty"`
	IPCMode     string `json:"ipcMode,omitempty"`
	LaunchType  string `json:"launchType,omitempty"`
	ServiceName string `json:"serviceName,omitempty"`
	Group       string `json:"group,omitempty"`
}

// Container is one container of a task.
type Container struct {
	Name        string            `json:"name"`
	Image       string            `json:"image"`
	Command     []string          `json:"command,omitempty"`
	EntryPoint  []string          `json:"entryPoint,omitempty"`
	Environment map[string]string `json:"environment,omitempty"`
	CPU         int64             `json:"cpu"`    // shares; below 2 becomes 2
	Memory      int64             `json:"memory"` // MiB, hard limit; 0 is none
	Essential   bool              `json:"essential"`
	Links       []string          `json:"links,omitempty"`

	PortMappings []PortMapping `json:"portMappings,omitempty"`
	MountPoints  []MountPoint  `json:"mountPoints,omitempty"`
	VolumesFrom  []VolumeFrom  `json:"volumesFrom,omitempty"`
	DependsOn    []Dependency  `json:"dependsOn,omitempty"`
	StartTimeout int64         `json:"startTimeout,omitempty"` // seconds
	StopTimeout  int64         `json:"stopTimeout,omitempty"`  // seconds

	HealthCheckType        string                  `json:"healthCheckType,omitempty"` // "docker" when Healthcheck is in DockerConfig.Config
	RegistryAuthentication *RegistryAuthentication `json:"registryAuthentication,omitempty"`
	RestartPolicy          *RestartPolicy          `json:"restartPolicy,omitempty"`
	Secrets                []Secret                `json:"secrets,omitempty"`
	EnvironmentFiles       []EnvironmentFile       `json:"environmentFiles,omitempty"`
	FirelensConfiguration  *FirelensConfiguration  `json:"firelensConfiguration,omitempty"`
	ManagedAgents          []ManagedAgent          `json:"managedAgents,omitempty"`
	// LogsAuthStrategy is LogsExecutionRole when the log driver calls AWS with
	// the execution role, else empty: with the instance's own credentials.
	LogsAuthStrategy string       `json:"logsAuthStrategy,omitempty"`
	ContainerARN     string       `json:"containerArn,omitempty"`
	DockerConfig     DockerConfig `json:"dockerConfig"`
	// Overrides is JSON in a string, of which agents read only "command".
	Overrides string `json:"overrides,omitempty"`
}

// DockerConfig holds what a container definition says and the message has no
// member for: two strings of Docker Engine API JSON, which win over the rest.
type DockerConfig struct {
	Config     string `json:"config,omitempty"`     // a Config
	HostConfig string `json:"hostConfig,omitempty"` // a HostConfig
	Version    string `json:"version,omitempty"`
}

// PortMapping publishes one container port, or a range of them.
type PortMapping struct {
	ContainerPort      int32  `json:"containerPort,omitempty"`
	HostPort           int32  `json:"hostPort"` // 0: the agent chooses
	Protocol           string `json:"protocol"` // tcp or udp
	ContainerPortRange string `json:"containerPortRange,omitempty"`
}

// MountPoint mounts a volume of the task.
type MountPoint struct {
	SourceVolume  string `json:"sourceVolume"`
	ContainerPath string `json:"containerPath"`
	ReadOnly      bool   `json:"readOnly"`
}

// VolumeFrom mounts all that another container mounts.
type VolumeFrom struct {
	SourceContainer string `json:"sourceContainer"`
	ReadOnly        bool   `json:"readOnly"`
}

// Dependency conditions.
const (
	ConditionStart    = "START"
	ConditionComplete = "COMPLETE"
	ConditionSuccess  = "SUCCESS"
	ConditionHealthy  = "HEALTHY"
)

// Dependency delays a container until another one reached a condition.
type Dependency struct {
	ContainerName string `json:"containerName"`
	Condition     string `json:"condition"`
}

// RestartPolicy restarts a container in place.
type RestartPolicy struct {
	Enabled              bool    `json:"enabled"`
	IgnoredExitCodes     []int32 `json:"ignoredExitCodes,omitempty"`
	RestartAttemptPeriod int64   `json:"restartAttemptPeriod,omitempty"` // seconds
}

// Secret is a value that the agent looks up with the execution role.
type Secret struct {
	Name          string `json:"name"`
	ValueFrom     string `json:"valueFrom"`
	Provider      string `json:"provider"` // ssm or asm
	Type          string `json:"type,omitempty"`
	Region        string `json:"region,omitempty"`
	ContainerPath string `json:"containerPath,omitempty"`
	Target        string `json:"target,omitempty"`
}

// LogsExecutionRole is a Container's LogsAuthStrategy.
const LogsExecutionRole = "ExecutionRole"

// The providers, the type and the target of a Secret. Without a target a secret
// becomes a variable of the container's environment.
const (
	SecretProviderSSM     = "ssm"
	SecretProviderASM     = "asm"
	SecretTypeEnvironment = "ENVIRONMENT_VARIABLE"
	SecretTargetLogDriver = "LOG_DRIVER"
)

// EnvironmentFile is a file of NAME=value lines in Amazon S3.
type EnvironmentFile struct {
	Value string `json:"value"` // ARN of the object
	Type  string `json:"type"`  // s3
}

// FirelensConfiguration makes the container the log router of its task.
type FirelensConfiguration struct {
	Type    string            `json:"type"` // fluentd or fluentbit
	Options map[string]string `json:"options,omitempty"`
}

// ExecuteCommandAgent is the name of the managed agent behind ECS Exec.
const ExecuteCommandAgent = "ExecuteCommandAgent"

// ManagedAgent is a process that the agent runs inside the container.
type ManagedAgent struct {
	Name       string            `json:"name"`
	Properties map[string]string `json:"properties,omitempty"`
}

// RegistryAuthentication says how to log in to the image's registry.
type RegistryAuthentication struct {
	Type        string       `json:"type"` // ecr or asm
	ECRAuthData *ECRAuthData `json:"ecrAuthData,omitempty"`
	ASMAuthData *ASMAuthData `json:"asmAuthData,omitempty"`
}

// ECRAuthData asks for a token from ECR.
type ECRAuthData struct {
	RegistryID       string `json:"registryId,omitempty"`
	Region           string `json:"region,omitempty"`
	EndpointOverride string `json:"endpointOverride,omitempty"`
	UseExecutionRole bool   `json:"useExecutionRole"`
}

// ASMAuthData names a secret holding {"username","password"}.
type ASMAuthData struct {
	CredentialsParameter string `json:"credentialsParameter"`
	Region               string `json:"region,omitempty"`
}

// Volume is a volume of the task.
type Volume struct {
	Name                string        `json:"name"`
	Type                string        `json:"type,omitempty"` // host, docker or efs
	Host                *HostVolume   `json:"host,omitempty"`
	DockerConfiguration *DockerVolume `json:"dockerVolumeConfiguration,omitempty"`
	EFSConfiguration    *EFSVolume    `json:"efsVolumeConfiguration,omitempty"`
}

// HostVolume is a directory of the instance, or a scratch one when the path is
// empty.
type HostVolume struct {
	SourcePath string `json:"sourcePath"`
}

// DockerVolume is a named volume.
type DockerVolume struct {
	Scope         string            `json:"scope"`
	Autoprovision bool              `json:"autoprovision"`
	Driver        string            `json:"driver,omitempty"`
	DriverOpts    map[string]string `json:"driverOpts,omitempty"`
	Labels        map[string]string `json:"labels,omitempty"`
}

// EFSVolume is a directory of an Amazon EFS file system.
type EFSVolume struct {
	FileSystemID          string            `json:"fileSystemId"`
	RootDirectory         string            `json:"rootDirectory,omitempty"`
	TransitEncryption     string            `json:"transitEncryption,omitempty"` // ENABLED or DISABLED
	TransitEncryptionPort int32             `json:"transitEncryptionPort,omitempty"`
	AuthorizationConfig   *EFSAuthorization `json:"authorizationConfig,omitempty"`
}

// EFSAuthorization says how the file system lets the task in.
type EFSAuthorization struct {
	AccessPointID string `json:"accessPointId,omitempty"`
	IAM           string `json:"iam,omitempty"` // ENABLED or DISABLED
}

// RoleCredentials are temporary credentials; CredentialsID is the secret part
// of the URL at which containers fetch them.
type RoleCredentials struct {
	CredentialsID   string `json:"credentialsId"`
	RoleARN         string `json:"roleArn"`
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	SessionToken    string `json:"sessionToken"`
	Expiration      string `json:"expiration"` // RFC 3339
}

// NetworkInterface is an ENI of an awsvpc task.
type NetworkInterface struct {
	EC2ID                    string        `json:"ec2Id"`
	MACAddress               string        `json:"macAddress"`
	AttachmentARN            string        `json:"attachmentArn,omitempty"`
	Name                     string        `json:"name,omitempty"`
	Index                    int           `json:"index,omitempty"`
	IPv4Addresses            []IPv4Address `json:"ipv4Addresses,omitempty"`
	SubnetGatewayIPv4Address string        `json:"subnetGatewayIpv4Address,omitempty"` // addr/prefix
	DomainName               []string      `json:"domainName,omitempty"`
	DomainNameServers        []string      `json:"domainNameServers,omitempty"`
	PrivateDNSName           string        `json:"privateDnsName,omitempty"`
}

// IPv4Address is an address of a NetworkInterface.
type IPv4Address struct {
	PrivateAddress string `json:"privateAddress"`
	Primary        bool   `json:"primary"`
}
