package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

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

	Attributes        map[string]string // ECS_INSTANCE_ATTRIBUTES
	Tags              map[string]string // ECS_CONTAINER_INSTANCE_TAGS
	ReservedMemory    int64             // ECS_RESERVED_MEMORY, MiB
	ReservedPorts     []int32           // ECS_RESERVED_PORTS
	ReservedUDPPorts  []int32           // ECS_RESERVED_PORTS_UDP
	PortMin, PortMax  uint16            // ECS_DYNAMIC_HOST_PORT_RANGE; 0: the kernel's
	StopTimeout       time.Duration     // ECS_CONTAINER_STOP_TIMEOUT
	CleanupWait       time.Duration     // ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION
	PullBehavior      string            // ECS_IMAGE_PULL_BEHAVIOR
	PullUpfront       bool              // ECS_PULL_DEPENDENT_CONTAINERS_UPFRONT
	PullInactivity    time.Duration     // ECS_IMAGE_PULL_INACTIVITY_TIMEOUT
	ImageCleanup      time.Duration     // ECS_IMAGE_CLEANUP_INTERVAL; 0: ECS_DISABLE_IMAGE_CLEANUP
	ImageMinAge       time.Duration     // ECS_IMAGE_MINIMUM_CLEANUP_AGE
	ImagesPerCycle    int               // ECS_NUM_IMAGES_DELETE_PER_CYCLE
	EngineAuthType    string            // ECS_ENGINE_AUTH_TYPE
	EngineAuthData    string            // ECS_ENGINE_AUTH_DATA
	DisablePrivileged bool              // ECS_DISABLE_PRIVILEGED
	Log               *slog.Logger
	LogLevel          slog.Level // ECS_LOGLEVEL, for whoever makes Log
}

// Defaults of the ECS agent, and its lower bounds (amazon-ecs-agent README,
// "Environment Variables").
const (
	defaultStopTimeout    = 30 * time.Second
	minStopTimeout        = time.Second
	defaultCleanupWait    = 3 * time.Hour
	minCleanupWait        = time.Second
	defaultImageCleanup   = 30 * time.Minute
	minImageCleanup       = 10 * time.Minute
	defaultImageMinAge    = time.Hour
	defaultImagesPerCycle = 5
	defaultPullInactivity = time.Minute
)

// FromEnv reads AWS's variables. A value that can't be read is an error that
// names its variable.
func FromEnv(getenv func(string) string) (Config, error) {
	e := env{get: getenv}
	cfg := Config{
		Cluster: e.text("ECS_CLUSTER", "default"),
		Backend: getenv("ECS_BACKEND_HOST"),
		Region:  e.text("AWS_DEFAULT_REGION", getenv("AWS_REGION")),
		Credentials: sigv4.Credentials{
			AccessKeyID: getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: getenv("AWS_SESSION_TOKEN"),
		},
		DataDir:           e.text("ECS_DATADIR", "/var/lib/ecs/data"),
		Attributes:        e.pairs("ECS_INSTANCE_ATTRIBUTES"),
		Tags:              e.pairs("ECS_CONTAINER_INSTANCE_TAGS"),
		ReservedMemory:    e.number("ECS_RESERVED_MEMORY", 0),
		ReservedPorts:     e.ports("ECS_RESERVED_PORTS", []int32{22, 2375, 2376, 51678, 51679}),
		ReservedUDPPorts:  e.ports("ECS_RESERVED_PORTS_UDP", []int32{}),
		StopTimeout:       e.duration("ECS_CONTAINER_STOP_TIMEOUT", defaultStopTimeout, minStopTimeout),
		CleanupWait:       e.duration("ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION", defaultCleanupWait, minCleanupWait),
		PullBehavior:      e.oneOf("ECS_IMAGE_PULL_BEHAVIOR", "default", "always", "once", "prefer-cached"),
		PullUpfront:       e.flag("ECS_PULL_DEPENDENT_CONTAINERS_UPFRONT"),
		PullInactivity:    e.duration("ECS_IMAGE_PULL_INACTIVITY_TIMEOUT", defaultPullInactivity, time.Second),
		ImageCleanup:      e.duration("ECS_IMAGE_CLEANUP_INTERVAL", defaultImageCleanup, minImageCleanup),
		ImageMinAge:       e.duration("ECS_IMAGE_MINIMUM_CLEANUP_AGE", defaultImageMinAge, time.Second),
		ImagesPerCycle:    int(e.number("ECS_NUM_IMAGES_DELETE_PER_CYCLE", defaultImagesPerCycle)),
		EngineAuthType:    getenv("ECS_ENGINE_AUTH_TYPE"),
		EngineAuthData:    getenv("ECS_ENGINE_AUTH_DATA"),
		DisablePrivileged: e.flag("ECS_DISABLE_PRIVILEGED"),
		LogLevel:          e.level("ECS_LOGLEVEL"),
	}
	cfg.PortMin, cfg.PortMax = e.portRange("ECS_DYNAMIC_HOST_PORT_RANGE")
	if e.flag("ECS_DISABLE_IMAGE_CLEANUP") {
		cfg.ImageCleanup = 0
	}
	for name, value := range map[string]string{
		"ECS_BACKEND_HOST": cfg.Backend, "AWS_DEFAULT_REGION": cfg.Region,
		"AWS_ACCESS_KEY_ID": cfg.Credentials.AccessKeyID, "AWS_SECRET_ACCESS_KEY": cfg.Credentials.SecretAccessKey,
	} {
		if value == "" {
			e.fail(name, errors.New("it is not set"))
		}
	}
	return cfg, errors.Join(e.errs...)
}

// env reads variables and gathers what is wrong with them.
type env struct {
	get  func(string) string
	errs []error
}

func (e *env) fail(name string, err error) {
	e.errs = append(e.errs, fmt.Errorf("%s: %w", name, err))
}

func (e *env) text(name, otherwise string) string {
	if v := e.get(name); v != "" {
		return v
	}
	return otherwise
}

func (e *env) number(name string, otherwise int64) int64 {
	v := e.get(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 {
		e.fail(name, fmt.Errorf("%q is not a whole number", v))
	}
	return n
}

// duration reads Go's notation. The ECS agent takes its default for what is
// below its bound, and so do we.
func (e *env) duration(name string, otherwise, least time.Duration) time.Duration {
	v := e.get(name)
	if v == "" {
		return otherwise
	}
	d, err := time.ParseDuration(v)
	if err != nil {
		e.fail(name, err)
		return otherwise
	}
	if d < least {
		return otherwise
	}
	return d
}

func (e *env) flag(name string) bool {
	v := e.get(name)
	if v == "" {
		return false
	}
	b, err := strconv.ParseBool(v)
	if err != nil {
		e.fail(name, fmt.Errorf("%q is neither true nor false", v))
	}
	return b
}

func (e *env) oneOf(name string, values ...string) string {
	v := e.text(name, values[0])
	for _, known := range values {
		if v == known {
			return v
		}
	}
	e.fail(name, fmt.Errorf("%q is not one of %s", v, strings.Join(values, ", ")))
	return values[0]
}

func (e *env) pairs(name string) map[string]string {
	v := e.get(name)
	if v == "" {
		return nil
	}
	var out map[string]string
	if err := json.Unmarshal([]byte(v), &out); err != nil {
		e.fail(name, err)
	}
	return out
}

func (e *env) ports(name string, otherwise []int32) []int32 {
	v := e.get(name)
	if v == "" {
		return otherwise
	}
	out := []int32{}
	if err := json.Unmarshal([]byte(v), &out); err != nil {
		e.fail(name, err)
	}
	return out
}

// portRange reads "49153-65535".
func (e *env) portRange(name string) (first, last uint16) {
	v := e.get(name)
	if v == "" {
		return 0, 0
	}
	lo, hi, _ := strings.Cut(v, "-")
	a, aerr := strconv.ParseUint(lo, 10, 16)
	b, berr := strconv.ParseUint(hi, 10, 16)
	if aerr != nil || berr != nil || a == 0 || b < a {
		e.fail(name, fmt.Errorf("%q is not a range of ports", v))
		return 0, 0
	}
	return uint16(a), uint16(b)
}

// level reads the ECS agent's names of log levels.
func (e *env) level(name string) slog.Level {
	switch v := strings.ToLower(e.text(name, "info")); v {
	case "debug":
		return slog.LevelDebug
	case "info":
		return slog.LevelInfo
	case "warn":
		return slog.LevelWarn
	case "error", "crit", "none":
		return slog.LevelError
	default:
		e.fail(name, fmt.Errorf("%q is not a log level", v))
		return slog.LevelInfo
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
