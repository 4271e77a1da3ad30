package agent

import (
	"errors"
	"log/slog"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/agent/image"
	"github.com/slipway/slipway/internal/agent/settings"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

// Config is all that an agent is told. FromEnv fills what AWS's variables say;
// the rest is for whoever starts it.
type Config struct {
	Cluster     string // ECS_CLUSTER; name or ARN
	Backend     string // ECS_BACKEND_HOST; URL of the ECS API
	Region      string // AWS_DEFAULT_REGION
	Credentials sigv4.Credentials
	DataDir     string // ECS_DATADIR; made if absent

	// What the instance says of itself in its identity document and attributes;
	// empty off EC2.
	InstanceID, InstanceType, AvailabilityZone string
	CPU, Memory                                int64 // 1024 per vCPU, MiB; 0: this machine's

	Containerd          string // socket
	ContainerdNamespace string
	CgroupParent        string // absolute; containers are put below it
	RunDir              string // mounts and sockets; need not survive a reboot

	// EFSDir stands in for EFS file systems; instances that are to share them
	// have the same (SLIPWAY_EFS_DIR). Empty: below DataDir.
	EFSDir string

	// S3Dir stands in for S3 in the same way (SLIPWAY_S3_DIR): the object KEY of
	// the bucket BUCKET is S3Dir/BUCKET/KEY. Empty: S3 is asked.
	S3Dir string
	// Endpoints are where other services are asked for settings, if not where the
	// control plane is (AWS_ENDPOINT_URL_SSM, …_SECRETS_MANAGER, …_S3, or
	// AWS_ENDPOINT_URL for all).
	Endpoints settings.Endpoints
	// Metadata is the URL of EC2's instance metadata service
	// (AWS_EC2_METADATA_SERVICE_ENDPOINT); empty: there is none.
	Metadata string

	External                      bool              // ECS_EXTERNAL: not an EC2 instance
	Attributes                    map[string]string // ECS_INSTANCE_ATTRIBUTES
	Tags                          map[string]string // ECS_CONTAINER_INSTANCE_TAGS
	PropagateTags                 bool              // ECS_CONTAINER_INSTANCE_PROPAGATE_TAGS_FROM=ec2_instance
	ReservedMemory                int64             // ECS_RESERVED_MEMORY, MiB
	ReservedPorts                 []int32           // ECS_RESERVED_PORTS
	ReservedUDPPorts              []int32           // ECS_RESERVED_PORTS_UDP
	PortMin, PortMax              uint16            // ECS_DYNAMIC_HOST_PORT_RANGE; 0: the kernel's
	DisablePrivileged             bool              // ECS_DISABLE_PRIVILEGED
	SELinux, AppArmor             bool              // ECS_SELINUX_CAPABLE, ECS_APPARMOR_CAPABLE
	NoRoles, NoRolesOnHostNetwork bool              // ECS_ENABLE_TASK_IAM_ROLE=false, …_NETWORK_HOST=false
	LogDrivers                    []string          // ECS_AVAILABLE_LOGGING_DRIVERS; nil: all

	StopTimeout   time.Duration // ECS_CONTAINER_STOP_TIMEOUT
	StartTimeout  time.Duration // ECS_CONTAINER_START_TIMEOUT
	CreateTimeout time.Duration // ECS_CONTAINER_CREATE_TIMEOUT
	CleanupWait   time.Duration // ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION
	CleanupJitter time.Duration // …_JITTER: each task waits up to this much longer
	NoTaskLimits  bool          // ECS_ENABLE_TASK_CPU_MEM_LIMIT=false
	CPUPeriod     time.Duration // ECS_CGROUP_CPU_PERIOD
	PidsLimit     int64         // ECS_TASK_PIDS_LIMIT, of each task's control group; 0: none

	PullBehavior    string        // ECS_IMAGE_PULL_BEHAVIOR
	PullUpfront     bool          // ECS_PULL_DEPENDENT_CONTAINERS_UPFRONT
	PullInactivity  time.Duration // ECS_IMAGE_PULL_INACTIVITY_TIMEOUT
	PullTimeout     time.Duration // ECS_IMAGE_PULL_TIMEOUT
	ManifestTimeout time.Duration // ECS_MANIFEST_PULL_TIMEOUT
	EngineAuthType  string        // ECS_ENGINE_AUTH_TYPE
	EngineAuthData  string        // ECS_ENGINE_AUTH_DATA
	ImageCleanup    time.Duration // ECS_IMAGE_CLEANUP_INTERVAL; 0: never
	ImageMinAge     time.Duration // ECS_IMAGE_MINIMUM_CLEANUP_AGE
	ImagesPerCycle  int           // ECS_NUM_IMAGES_DELETE_PER_CYCLE
	ImagesExcluded  []string      // ECS_EXCLUDE_UNTRACKED_IMAGE
	Untracked       bool          // ECS_ENABLE_UNTRACKED_IMAGE_CLEANUP
	UntrackedMinAge time.Duration // NON_ECS_IMAGE_MINIMUM_CLEANUP_AGE

	ContainerMetadata   bool          // ECS_ENABLE_CONTAINER_METADATA
	RequestRate, Burst  int           // ECS_TASK_METADATA_RPS_LIMIT, per second and client
	AuditLog            string        // ECS_AUDIT_LOGFILE; empty: ECS_AUDIT_LOGFILE_DISABLED
	DisableMetrics      bool          // ECS_DISABLE_METRICS
	DisableHealthChecks bool          // ECS_DISABLE_DOCKER_HEALTH_CHECK
	SpotDraining        bool          // ECS_ENABLE_SPOT_INSTANCE_DRAINING
	DrainOnTerm         time.Duration // SLIPWAY_DRAIN_ON_TERM: how long at most; 0: not at all
	// Terminate asks the agent, when it is closed, to drain the instance for at
	// most DrainOnTerm and then to end; nil: nobody asks.
	Terminate <-chan struct{}

	// HTTP calls the API and registries; nil: a client that heeds HTTP_PROXY,
	// HTTPS_PROXY and NO_PROXY.
	HTTP     *http.Client
	Log      *slog.Logger
	LogLevel slog.Level // ECS_LOGLEVEL, for whoever makes Log
	// Warnings are what FromEnv has found wrong and done without.
	Warnings []string
}

// Defaults of the ECS agent, and its bounds (amazon-ecs-agent README,
// "Environment Variables"; agent/config).
const (
	defaultStopTimeout     = 30 * time.Second
	minStopTimeout         = time.Second
	defaultStartTimeout    = 3 * time.Minute
	minStartTimeout        = 45 * time.Second
	defaultCreateTimeout   = 4 * time.Minute
	minCreateTimeout       = time.Minute
	defaultCleanupWait     = 3 * time.Hour
	minCleanupWait         = time.Second
	defaultCPUPeriod       = 100 * time.Millisecond
	minCPUPeriod           = 8 * time.Millisecond
	maxPids                = 4 << 20
	defaultPullInactivity  = time.Minute
	minPullInactivity      = time.Minute
	defaultPullTimeout     = 2 * time.Hour
	defaultManifestTimeout = time.Minute
	minManifestTimeout     = 30 * time.Second
	defaultImageCleanup    = 30 * time.Minute
	minImageCleanup        = 10 * time.Minute
	defaultImageMinAge     = time.Hour
	defaultImagesPerCycle  = 5
	defaultRate            = 40
	defaultBurst           = 60

	defaultMetadata = "http://169.254.169.254"
	usualDrain      = 2 * time.Minute
)

// FromEnv reads AWS's variables. Like the ECS agent it goes on without what can't
// be read, and says so in Warnings; the error names variables that must be right.
func FromEnv(getenv func(string) string) (Config, error) {
	e := &env{get: getenv}
	cfg := Config{
		Cluster: e.text("ECS_CLUSTER", "default"),
		Backend: e.text("ECS_BACKEND_HOST", e.endpoint("ECS")),
		Region:  e.text("AWS_DEFAULT_REGION", e.text("AWS_REGION", "")),
		Credentials: sigv4.Credentials{
			AccessKeyID: getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: getenv("AWS_SESSION_TOKEN"),
		},
		DataDir:   e.text("ECS_DATADIR", "/var/lib/ecs/data"),
		EFSDir:    getenv("SLIPWAY_EFS_DIR"),
		S3Dir:     getenv("SLIPWAY_S3_DIR"),
		Endpoints: settings.Endpoints{SSM: e.endpoint("SSM"), SecretsManager: e.endpoint("SECRETS_MANAGER"), S3: e.endpoint("S3")},
		LogLevel:  e.level("ECS_LOGLEVEL"),
	}
	cfg.readInstance(e)
	cfg.readTasks(e)
	cfg.readImages(e)
	cfg.readRest(e)
	for name, value := range map[string]string{
		"ECS_BACKEND_HOST": cfg.Backend, "AWS_DEFAULT_REGION": cfg.Region,
		"AWS_ACCESS_KEY_ID": cfg.Credentials.AccessKeyID, "AWS_SECRET_ACCESS_KEY": cfg.Credentials.SecretAccessKey,
	} {
		if value == "" {
			e.fail(name, errors.New("it is not set"))
		}
	}
	cfg.Warnings = e.warnings
	return cfg, errors.Join(e.errs...)
}

// endpoint is a service's URL, where one is set for it or for all (AWS SDKs,
// "Service-specific endpoints").
func (e *env) endpoint(service string) string {
	if e.flag("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", false) {
		return ""
	}
	return e.text("AWS_ENDPOINT_URL_"+service, e.text("AWS_ENDPOINT_URL", ""))
}

// readInstance reads what the instance is and offers.
func (c *Config) readInstance(e *env) {
	c.External = e.flag("ECS_EXTERNAL", false)
	c.Attributes = e.pairs("ECS_INSTANCE_ATTRIBUTES")
	c.Tags = e.pairs("ECS_CONTAINER_INSTANCE_TAGS")
	c.PropagateTags = e.oneOf("ECS_CONTAINER_INSTANCE_PROPAGATE_TAGS_FROM", "none", "ec2_instance") == "ec2_instance"
	c.ReservedMemory = e.number("ECS_RESERVED_MEMORY", 0, 0, math.MaxUint16)
	c.ReservedPorts = e.ports("ECS_RESERVED_PORTS", []int32{22, 2375, 2376, 51678, 51679})
	c.ReservedUDPPorts = e.ports("ECS_RESERVED_PORTS_UDP", []int32{})
	c.PortMin, c.PortMax = e.portRange("ECS_DYNAMIC_HOST_PORT_RANGE")
	c.DisablePrivileged = e.flag("ECS_DISABLE_PRIVILEGED", false)
	c.SELinux = e.flag("ECS_SELINUX_CAPABLE", false)
	c.AppArmor = e.flag("ECS_APPARMOR_CAPABLE", false)
	c.NoRoles = !e.flag("ECS_ENABLE_TASK_IAM_ROLE", true)
	c.NoRolesOnHostNetwork = !e.flag("ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST", true)
	c.LogDrivers = e.drivers("ECS_AVAILABLE_LOGGING_DRIVERS")
}

// readTasks reads how tasks are run.
func (c *Config) readTasks(e *env) {
	c.StopTimeout = e.atLeast("ECS_CONTAINER_STOP_TIMEOUT", defaultStopTimeout, minStopTimeout)
	c.StartTimeout = e.atLeast("ECS_CONTAINER_START_TIMEOUT", defaultStartTimeout, minStartTimeout)
	c.CreateTimeout = e.atLeast("ECS_CONTAINER_CREATE_TIMEOUT", defaultCreateTimeout, minCreateTimeout)
	c.CleanupWait = e.within("ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION", defaultCleanupWait, minCleanupWait, 0)
	c.CleanupJitter = e.duration("ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION_JITTER", 0)
	c.NoTaskLimits = !e.flag("ECS_ENABLE_TASK_CPU_MEM_LIMIT", true)
	c.CPUPeriod = e.within("ECS_CGROUP_CPU_PERIOD", defaultCPUPeriod, minCPUPeriod, defaultCPUPeriod)
	c.PidsLimit = e.number("ECS_TASK_PIDS_LIMIT", 0, 1, maxPids)
	c.DisableHealthChecks = e.flag("ECS_DISABLE_DOCKER_HEALTH_CHECK", false)
}

// readImages reads how images come and go.
func (c *Config) readImages(e *env) {
	c.PullBehavior = e.oneOf("ECS_IMAGE_PULL_BEHAVIOR", "default", "always", "once", "prefer-cached")
	c.PullUpfront = e.flag("ECS_PULL_DEPENDENT_CONTAINERS_UPFRONT", false)
	c.PullInactivity = e.atLeast("ECS_IMAGE_PULL_INACTIVITY_TIMEOUT", defaultPullInactivity, minPullInactivity)
	c.PullTimeout = e.duration("ECS_IMAGE_PULL_TIMEOUT", defaultPullTimeout)
	c.ManifestTimeout = e.atLeast("ECS_MANIFEST_PULL_TIMEOUT", defaultManifestTimeout, minManifestTimeout)
	c.EngineAuthType = e.text("ECS_ENGINE_AUTH_TYPE", "")
	c.EngineAuthData = e.get("ECS_ENGINE_AUTH_DATA")
	if _, err := image.ParseLogins(c.EngineAuthType, c.EngineAuthData); err != nil {
		e.warnings = append(e.warnings, strings.Split(err.Error(), "\n")...)
	}
	c.ImageCleanup = e.within("ECS_IMAGE_CLEANUP_INTERVAL", defaultImageCleanup, minImageCleanup, 0)
	c.ImageMinAge = e.duration("ECS_IMAGE_MINIMUM_CLEANUP_AGE", defaultImageMinAge)
	c.ImagesPerCycle = int(e.number("ECS_NUM_IMAGES_DELETE_PER_CYCLE", defaultImagesPerCycle, 1, math.MaxInt32))
	c.ImagesExcluded = e.list("ECS_EXCLUDE_UNTRACKED_IMAGE")
	c.Untracked = e.flag("ECS_ENABLE_UNTRACKED_IMAGE_CLEANUP", false)
	c.UntrackedMinAge = e.duration("NON_ECS_IMAGE_MINIMUM_CLEANUP_AGE", defaultImageMinAge)
	// Who prefers cached images wants to keep them (ECS agent).
	if e.flag("ECS_DISABLE_IMAGE_CLEANUP", false) || c.PullBehavior == "prefer-cached" {
		c.ImageCleanup = 0
	}
}

// readRest reads what the agent says and hears.
func (c *Config) readRest(e *env) {
	c.ContainerMetadata = e.flag("ECS_ENABLE_CONTAINER_METADATA", false)
	c.RequestRate, c.Burst = e.rate("ECS_TASK_METADATA_RPS_LIMIT", defaultRate, defaultBurst)
	c.AuditLog = e.text("ECS_AUDIT_LOGFILE", filepath.Join(c.DataDir, "audit.log"))
	if e.flag("ECS_AUDIT_LOGFILE_DISABLED", false) {
		c.AuditLog = ""
	}
	c.DisableMetrics = e.flag("ECS_DISABLE_METRICS", false)
	c.SpotDraining = e.flag("ECS_ENABLE_SPOT_INSTANCE_DRAINING", false)
	c.DrainOnTerm = e.drain("SLIPWAY_DRAIN_ON_TERM")
	if !c.External && !e.flag("AWS_EC2_METADATA_DISABLED", false) {
		c.Metadata = e.text("AWS_EC2_METADATA_SERVICE_ENDPOINT", defaultMetadata)
	}
}

// hostname is the machine's name where nothing better is known of it.
func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "instance"
	}
	return name
}
