package agent

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/agent/journal"
	"github.com/slipway/slipway/internal/agent/link"
	"github.com/slipway/slipway/internal/agent/settings"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

// fromEnv reads variables over the four that must be set.
func fromEnv(variables map[string]string) (Config, error) {
	return FromEnv(func(name string) string {
		if v, ok := variables[name]; ok {
			return v
		}
		return map[string]string{
			"ECS_BACKEND_HOST": "http://127.0.0.1:1", "AWS_DEFAULT_REGION": "us-east-1",
			"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK",
		}[name]
	})
}

// defaults are those of the ECS agent.
func defaults() Config {
	return Config{
		Cluster: "default", Backend: "http://127.0.0.1:1", Region: "us-east-1", Metadata: "http://169.254.169.254",
		Credentials: sigv4.Credentials{AccessKeyID: "AK", SecretAccessKey: "SK"}, DataDir: "/var/lib/ecs/data",
		ReservedPorts: []int32{22, 2375, 2376, 51678, 51679}, ReservedUDPPorts: []int32{},
		StopTimeout: 30 * time.Second, StartTimeout: 3 * time.Minute, CreateTimeout: 4 * time.Minute,
		CleanupWait: 3 * time.Hour, CPUPeriod: 100 * time.Millisecond,
		PullBehavior: "default", PullInactivity: time.Minute, PullTimeout: 2 * time.Hour, ManifestTimeout: time.Minute,
		ImageCleanup: 30 * time.Minute, ImageMinAge: time.Hour, ImagesPerCycle: 5, UntrackedMinAge: time.Hour,
		RequestRate: 40, Burst: 60, AuditLog: "/var/lib/ecs/data/audit.log",
	}
}

func TestFromEnvDefaults(t *testing.T) {
	got, err := fromEnv(nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(defaults(), got); diff != "" {
		t.Error(diff)
	}
}

// Each variable, what it sets, and what a bad value sets.
func TestFromEnv(t *testing.T) {
	const all = "AWS_ENDPOINT_URL"
	for _, c := range []struct {
		name, value string
		want        func(*Config)
		warns       bool
	}{
		{"ECS_CLUSTER", " prod ", func(c *Config) { c.Cluster = "prod" }, false},
		{"ECS_BACKEND_HOST", "https://h", func(c *Config) { c.Backend = "https://h" }, false},
		{"ECS_DATADIR", "/data", func(c *Config) { c.DataDir, c.AuditLog = "/data", "/data/audit.log" }, false},
		{"AWS_SESSION_TOKEN", "T", func(c *Config) { c.Credentials.SessionToken = "T" }, false},
		{"SLIPWAY_EFS_DIR", "/efs", func(c *Config) { c.EFSDir = "/efs" }, false},
		{"SLIPWAY_S3_DIR", "/s3", func(c *Config) { c.S3Dir = "/s3" }, false},
		{all, "http://e", func(c *Config) {
			c.Endpoints = settings.Endpoints{SSM: "http://e", SecretsManager: "http://e", S3: "http://e"}
		}, false},
		{all + "_SSM", "http://e", func(c *Config) { c.Endpoints.SSM = "http://e" }, false},
		{all + "_SECRETS_MANAGER", "http://e", func(c *Config) { c.Endpoints.SecretsManager = "http://e" }, false},
		{all + "_S3", "http://e", func(c *Config) { c.Endpoints.S3 = "http://e" }, false},
		{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://m", func(c *Config) { c.Metadata = "http://m" }, false},
		{"AWS_EC2_METADATA_DISABLED", "true", func(c *Config) { c.Metadata = "" }, false},
		{"ECS_EXTERNAL", "true", func(c *Config) { c.External, c.Metadata = true, "" }, false},
		{"ECS_EXTERNAL", "perhaps", nil, true},
		{"ECS_INSTANCE_ATTRIBUTES", `{"rack":"1"}`, func(c *Config) { c.Attributes = map[string]string{"rack": "1"} }, false},
		{"ECS_CONTAINER_INSTANCE_TAGS", `{"k":"v"}`, func(c *Config) { c.Tags = map[string]string{"k": "v"} }, false},
		{"ECS_CONTAINER_INSTANCE_PROPAGATE_TAGS_FROM", "ec2_instance", func(c *Config) { c.PropagateTags = true }, false},
		{"ECS_CONTAINER_INSTANCE_PROPAGATE_TAGS_FROM", "elsewhere", nil, true},
		{"ECS_RESERVED_MEMORY", "256", func(c *Config) { c.ReservedMemory = 256 }, false},
		{"ECS_RESERVED_MEMORY", "-1", nil, true},
		{"ECS_RESERVED_MEMORY", "65536", nil, true},
		{"ECS_RESERVED_PORTS", "[1,2]", func(c *Config) { c.ReservedPorts = []int32{1, 2} }, false},
		{"ECS_RESERVED_PORTS", "22", nil, true},
		{"ECS_RESERVED_PORTS", "[70000]", nil, true},
		{"ECS_RESERVED_PORTS_UDP", "[3]", func(c *Config) { c.ReservedUDPPorts = []int32{3} }, false},
		{"ECS_DYNAMIC_HOST_PORT_RANGE", "40000-40100", func(c *Config) { c.PortMin, c.PortMax = 40000, 40100 }, false},
		{"ECS_DYNAMIC_HOST_PORT_RANGE", "5-1", nil, true},
		{"ECS_DISABLE_PRIVILEGED", "true", func(c *Config) { c.DisablePrivileged = true }, false},
		{"ECS_SELINUX_CAPABLE", "true", func(c *Config) { c.SELinux = true }, false},
		{"ECS_APPARMOR_CAPABLE", "true", func(c *Config) { c.AppArmor = true }, false},
		{"ECS_ENABLE_TASK_IAM_ROLE", "false", func(c *Config) { c.NoRoles = true }, false},
		{"ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST", "false", func(c *Config) { c.NoRolesOnHostNetwork = true }, false},
		{"ECS_AVAILABLE_LOGGING_DRIVERS", `["awslogs","splunk"]`, func(c *Config) { c.LogDrivers = []string{"awslogs", "splunk"} }, false},
		{"ECS_AVAILABLE_LOGGING_DRIVERS", "awslogs", nil, true},
		{"ECS_CONTAINER_STOP_TIMEOUT", "5s", func(c *Config) { c.StopTimeout = 5 * time.Second }, false},
		{"ECS_CONTAINER_STOP_TIMEOUT", "1ms", func(c *Config) { c.StopTimeout = time.Second }, true},
		{"ECS_CONTAINER_STOP_TIMEOUT", "soon", nil, true},
		{"ECS_CONTAINER_STOP_TIMEOUT", "-5s", nil, true},
		{"ECS_CONTAINER_STOP_TIMEOUT", "0", nil, false},
		{"ECS_CONTAINER_START_TIMEOUT", "1m", func(c *Config) { c.StartTimeout = time.Minute }, false},
		{"ECS_CONTAINER_START_TIMEOUT", "1s", func(c *Config) { c.StartTimeout = 45 * time.Second }, true},
		{"ECS_CONTAINER_CREATE_TIMEOUT", "2m", func(c *Config) { c.CreateTimeout = 2 * time.Minute }, false},
		{"ECS_CONTAINER_CREATE_TIMEOUT", "1s", func(c *Config) { c.CreateTimeout = time.Minute }, true},
		{"ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION", "1m", func(c *Config) { c.CleanupWait = time.Minute }, false},
		{"ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION", "1ms", nil, true},
		{"ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION_JITTER", "10m", func(c *Config) { c.CleanupJitter = 10 * time.Minute }, false},
		{"ECS_ENABLE_TASK_CPU_MEM_LIMIT", "false", func(c *Config) { c.NoTaskLimits = true }, false},
		{"ECS_CGROUP_CPU_PERIOD", "50ms", func(c *Config) { c.CPUPeriod = 50 * time.Millisecond }, false},
		{"ECS_CGROUP_CPU_PERIOD", "1ms", nil, true},
		{"ECS_CGROUP_CPU_PERIOD", "1s", nil, true},
		{"ECS_TASK_PIDS_LIMIT", "100", func(c *Config) { c.PidsLimit = 100 }, false},
		{"ECS_TASK_PIDS_LIMIT", "0", nil, true},
		{"ECS_TASK_PIDS_LIMIT", "4194305", nil, true},
		{"ECS_DISABLE_DOCKER_HEALTH_CHECK", "true", func(c *Config) { c.DisableHealthChecks = true }, false},
		{"ECS_IMAGE_PULL_BEHAVIOR", "once", func(c *Config) { c.PullBehavior = "once" }, false},
		{"ECS_IMAGE_PULL_BEHAVIOR", "always", func(c *Config) { c.PullBehavior = "always" }, false},
		{"ECS_IMAGE_PULL_BEHAVIOR", "prefer-cached", func(c *Config) { c.PullBehavior, c.ImageCleanup = "prefer-cached", 0 }, false},
		{"ECS_IMAGE_PULL_BEHAVIOR", "never", nil, true},
		{"ECS_PULL_DEPENDENT_CONTAINERS_UPFRONT", "true", func(c *Config) { c.PullUpfront = true }, false},
		{"ECS_IMAGE_PULL_INACTIVITY_TIMEOUT", "3m", func(c *Config) { c.PullInactivity = 3 * time.Minute }, false},
		{"ECS_IMAGE_PULL_INACTIVITY_TIMEOUT", "3s", nil, true},
		{"ECS_IMAGE_PULL_TIMEOUT", "1h", func(c *Config) { c.PullTimeout = time.Hour }, false},
		{"ECS_MANIFEST_PULL_TIMEOUT", "2m", func(c *Config) { c.ManifestTimeout = 2 * time.Minute }, false},
		{"ECS_MANIFEST_PULL_TIMEOUT", "1s", func(c *Config) { c.ManifestTimeout = 30 * time.Second }, true},
		{"ECS_ENGINE_AUTH_TYPE", "kerberos", func(c *Config) { c.EngineAuthType = "kerberos" }, true},
		{"ECS_ENGINE_AUTH_DATA", "{}", func(c *Config) { c.EngineAuthData = "{}" }, false},
		{"ECS_IMAGE_CLEANUP_INTERVAL", "20m", func(c *Config) { c.ImageCleanup = 20 * time.Minute }, false},
		{"ECS_IMAGE_CLEANUP_INTERVAL", "1m", nil, true},
		{"ECS_DISABLE_IMAGE_CLEANUP", "true", func(c *Config) { c.ImageCleanup = 0 }, false},
		{"ECS_IMAGE_MINIMUM_CLEANUP_AGE", "2h", func(c *Config) { c.ImageMinAge = 2 * time.Hour }, false},
		{"ECS_NUM_IMAGES_DELETE_PER_CYCLE", "9", func(c *Config) { c.ImagesPerCycle = 9 }, false},
		{"ECS_NUM_IMAGES_DELETE_PER_CYCLE", "0", nil, true},
		{"ECS_EXCLUDE_UNTRACKED_IMAGE", "a:1, b", func(c *Config) { c.ImagesExcluded = []string{"a:1", "b"} }, false},
		{"ECS_ENABLE_UNTRACKED_IMAGE_CLEANUP", "true", func(c *Config) { c.Untracked = true }, false},
		{"NON_ECS_IMAGE_MINIMUM_CLEANUP_AGE", "5h", func(c *Config) { c.UntrackedMinAge = 5 * time.Hour }, false},
		{"ECS_ENABLE_CONTAINER_METADATA", "true", func(c *Config) { c.ContainerMetadata = true }, false},
		{"ECS_TASK_METADATA_RPS_LIMIT", "100, 150", func(c *Config) { c.RequestRate, c.Burst = 100, 150 }, false},
		{"ECS_TASK_METADATA_RPS_LIMIT", "100", nil, true},
		{"ECS_TASK_METADATA_RPS_LIMIT", "0,1", nil, true},
		{"ECS_AUDIT_LOGFILE", "/log/a", func(c *Config) { c.AuditLog = "/log/a" }, false},
		{"ECS_AUDIT_LOGFILE_DISABLED", "true", func(c *Config) { c.AuditLog = "" }, false},
		{"ECS_DISABLE_METRICS", "true", func(c *Config) { c.DisableMetrics = true }, false},
		{"ECS_ENABLE_SPOT_INSTANCE_DRAINING", "true", func(c *Config) { c.SpotDraining = true }, false},
		{"SLIPWAY_DRAIN_ON_TERM", "true", func(c *Config) { c.DrainOnTerm = 2 * time.Minute }, false},
		{"SLIPWAY_DRAIN_ON_TERM", "90s", func(c *Config) { c.DrainOnTerm = 90 * time.Second }, false},
		{"SLIPWAY_DRAIN_ON_TERM", "false", nil, false},
		{"SLIPWAY_DRAIN_ON_TERM", "a while", nil, true},
		{"ECS_LOGLEVEL", "debug", func(c *Config) { c.LogLevel = slog.LevelDebug }, false},
		{"ECS_LOGLEVEL", "crit", func(c *Config) { c.LogLevel = slog.LevelError }, false},
		{"ECS_LOGLEVEL", "loud", nil, true},
	} {
		t.Run(c.name+"="+c.value, func(t *testing.T) {
			got, err := fromEnv(map[string]string{c.name: c.value})
			if err != nil {
				t.Fatal(err)
			}
			if warned := len(got.Warnings) == 1 && strings.HasPrefix(got.Warnings[0], c.name); warned != c.warns || !c.warns && len(got.Warnings) > 0 {
				t.Errorf("warnings: %q", got.Warnings)
			}
			got.Warnings = nil
			want := defaults()
			if c.want != nil {
				c.want(&want)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Without these the agent would be another one than its owner asked for.
func TestFromEnvRefusals(t *testing.T) {
	for name, value := range map[string]string{
		"ECS_BACKEND_HOST": "", "AWS_DEFAULT_REGION": "", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
		"ECS_INSTANCE_ATTRIBUTES": "rack=1", "ECS_CONTAINER_INSTANCE_TAGS": "[]", "ECS_AVAILABLE_LOGGING_DRIVERS": `["carrier-pigeon"]`,
	} {
		if _, err := fromEnv(map[string]string{name: value}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%q: got %v", name, value, err)
		}
	}
}

func TestFromEnvBackend(t *testing.T) {
	got, err := fromEnv(map[string]string{"ECS_BACKEND_HOST": "", "AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_ECS": "http://ecs"})
	if err != nil || got.Backend != "http://ecs" || got.Endpoints.S3 != "http://all" {
		t.Errorf("got %s %+v %v", got.Backend, got.Endpoints, err)
	}
	got, err = fromEnv(map[string]string{"AWS_ENDPOINT_URL": "http://all", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"})
	if err != nil || got.Backend != "http://127.0.0.1:1" || got.Endpoints != (settings.Endpoints{}) {
		t.Errorf("ignored: got %s %+v %v", got.Backend, got.Endpoints, err)
	}
}

func TestCapacity(t *testing.T) {
	cpu, mib, err := capacity(Config{CPU: 2048, Memory: 4000, ReservedMemory: 100})
	if err != nil || cpu != 2048 || mib != 3900 {
		t.Errorf("got %d %d %v", cpu, mib, err)
	}
	if cpu, mib, err = capacity(Config{}); err != nil || cpu < 1024 || mib < 64 {
		t.Errorf("this machine's: got %d %d %v", cpu, mib, err)
	}
	if _, _, err = capacity(Config{Memory: 100, ReservedMemory: 100}); err == nil {
		t.Error("no memory left was accepted")
	}
}

func TestAttributes(t *testing.T) {
	got := attributes(Config{InstanceType: "m5.large", AvailabilityZone: "us-east-1b", DisablePrivileged: true, Attributes: map[string]string{"rack": "1"}}, []string{"json-file"})
	for _, want := range []link.Attribute{
		{Name: "com.amazonaws.ecs.capability.docker-remote-api.1.32"}, {Name: "com.amazonaws.ecs.capability.logging-driver.json-file"},
		{Name: "ecs.os-type", Value: "linux"}, {Name: "ecs.instance-type", Value: "m5.large"}, {Name: "ecs.availability-zone", Value: "us-east-1b"},
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%v is missing", want)
		}
	}
	for _, a := range got {
		if a.Name == "rack" || strings.Contains(a.Name, "privileged") || strings.HasSuffix(a.Name, "1.26") {
			t.Errorf("%v is there", a)
		}
	}
}

func TestAttributesByConfiguration(t *testing.T) {
	const docker = "com.amazonaws.ecs.capability."
	names := func(cfg Config) (out []string) {
		for _, a := range attributes(cfg, []string{"json-file", "awslogs"}) {
			out = append(out, a.Name)
		}
		return out
	}
	usual := names(defaults())
	for name, c := range map[string]struct {
		change         func(*Config)
		added, removed []string
	}{
		"external":         {func(c *Config) { c.External = true }, []string{"ecs.capability.external"}, nil},
		"not privileged":   {func(c *Config) { c.DisablePrivileged = true }, nil, []string{docker + "privileged-container"}},
		"SELinux":          {func(c *Config) { c.SELinux = true }, []string{docker + "selinux"}, nil},
		"AppArmor":         {func(c *Config) { c.AppArmor = true }, []string{docker + "apparmor"}, nil},
		"no roles":         {func(c *Config) { c.NoRoles = true }, nil, []string{docker + "task-iam-role"}},
		"no roles on host": {func(c *Config) { c.NoRolesOnHostNetwork = true }, nil, []string{docker + "task-iam-role-network-host"}},
		"no health checks": {func(c *Config) { c.DisableHealthChecks = true }, nil, []string{"ecs.capability.container-health-check"}},
		"no limits": {func(c *Config) { c.NoTaskLimits = true }, nil,
			[]string{"ecs.capability.task-cpu-mem-limit", "ecs.capability.increased-task-cpu-limit"}},
		"some log drivers": {func(c *Config) { c.LogDrivers = []string{"json-file", "splunk"} }, nil, []string{docker + "logging-driver.awslogs"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := defaults()
			c.change(&cfg)
			got := names(cfg)
			for _, n := range slices.Concat(usual, c.added) {
				if slices.Contains(got, n) == slices.Contains(c.removed, n) {
					t.Errorf("%s is there: %t", n, slices.Contains(got, n))
				}
			}
			if len(got) != len(usual)+len(c.added)-len(c.removed) {
				t.Errorf("%d attributes, usually %d", len(got), len(usual))
			}
		})
	}
}

func TestRegistrationIsRemembered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.db")
	cfg := Config{Cluster: "default", InstanceID: "i-1"}
	open := func() *journal.Journal {
		j, err := journal.Open(path, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	j := open()
	a := &agent{cfg: cfg, journal: j}
	if err := a.remember(t.Context(), "arn"); err != nil {
		t.Fatal(err)
	}
	m, err := loadMarks(j)
	if err != nil || m.Mark() != -1 {
		t.Fatalf("got %v %v", m, err)
	}
	m.SetMark(9)
	if err := j.Put("task", "t", []byte("{}"))(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open()
	defer func() { _ = j.Close() }()
	if r, err := loadRegistered(t.Context(), j, cfg); err != nil || r.ContainerInstanceARN != "arn" {
		t.Errorf("same instance: got %+v, %v", r, err)
	}
	if m, err := loadMarks(j); err != nil || m.Mark() != 9 {
		t.Errorf("mark: got %v, %v", m, err)
	}
	if _, err := loadRegistered(t.Context(), j, Config{Cluster: "other", InstanceID: "i-1"}); !errors.Is(err, errOtherCluster) {
		t.Errorf("other cluster: got %v", err)
	}
	if r, err := loadRegistered(context.Background(), j, Config{Cluster: "default", InstanceID: "i-2"}); err != nil || r.ContainerInstanceARN != "" {
		t.Errorf("other instance: got %+v, %v", r, err)
	}
	if v, err := j.Get("task", "t"); err != nil || v != nil {
		t.Errorf("other instance: its tasks are still there: %s, %v", v, err)
	}
}
