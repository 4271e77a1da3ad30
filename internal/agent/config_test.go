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

func TestFromEnvDefaults(t *testing.T) {
	got, err := fromEnv(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Cluster: "default", Backend: "http://127.0.0.1:1", Region: "us-east-1",
		Credentials: sigv4.Credentials{AccessKeyID: "AK", SecretAccessKey: "SK"}, DataDir: "/var/lib/ecs/data",
		ReservedPorts: []int32{22, 2375, 2376, 51678, 51679}, ReservedUDPPorts: []int32{},
		StopTimeout: 30 * time.Second, CleanupWait: 3 * time.Hour, PullBehavior: "default", PullInactivity: time.Minute,
		ImageCleanup: 30 * time.Minute, ImageMinAge: time.Hour, ImagesPerCycle: 5,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFromEnvReadsEverything(t *testing.T) {
	got, err := fromEnv(map[string]string{
		"ECS_CLUSTER": "prod", "ECS_DATADIR": "/data", "AWS_SESSION_TOKEN": "T", "ECS_LOGLEVEL": "debug",
		"ECS_INSTANCE_ATTRIBUTES": `{"rack":"1"}`, "ECS_CONTAINER_INSTANCE_TAGS": `{"k":"v"}`, "ECS_RESERVED_MEMORY": "256",
		"ECS_RESERVED_PORTS": "[1,2]", "ECS_RESERVED_PORTS_UDP": "[3]", "ECS_DYNAMIC_HOST_PORT_RANGE": "40000-40100",
		"ECS_CONTAINER_STOP_TIMEOUT": "5s", "ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION": "1m", "ECS_IMAGE_PULL_BEHAVIOR": "once",
		"ECS_PULL_DEPENDENT_CONTAINERS_UPFRONT": "true", "ECS_IMAGE_CLEANUP_INTERVAL": "20m", "ECS_IMAGE_MINIMUM_CLEANUP_AGE": "2h",
		"ECS_NUM_IMAGES_DELETE_PER_CYCLE": "9", "ECS_ENGINE_AUTH_TYPE": "docker", "ECS_ENGINE_AUTH_DATA": "{}", "ECS_DISABLE_PRIVILEGED": "true",
		"ECS_IMAGE_PULL_INACTIVITY_TIMEOUT": "3m",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Cluster: "prod", Backend: "http://127.0.0.1:1", Region: "us-east-1",
		Credentials: sigv4.Credentials{AccessKeyID: "AK", SecretAccessKey: "SK", SessionToken: "T"}, DataDir: "/data",
		Attributes: map[string]string{"rack": "1"}, Tags: map[string]string{"k": "v"}, ReservedMemory: 256,
		ReservedPorts: []int32{1, 2}, ReservedUDPPorts: []int32{3}, PortMin: 40000, PortMax: 40100,
		StopTimeout: 5 * time.Second, CleanupWait: time.Minute, PullBehavior: "once", PullUpfront: true, PullInactivity: 3 * time.Minute,
		ImageCleanup: 20 * time.Minute, ImageMinAge: 2 * time.Hour, ImagesPerCycle: 9,
		EngineAuthType: "docker", EngineAuthData: "{}", DisablePrivileged: true, LogLevel: slog.LevelDebug,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFromEnvRefusals(t *testing.T) {
	for name, value := range map[string]string{
		"ECS_BACKEND_HOST": "", "AWS_DEFAULT_REGION": "", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
		"ECS_RESERVED_MEMORY": "-1", "ECS_RESERVED_PORTS": "22", "ECS_INSTANCE_ATTRIBUTES": "rack=1",
		"ECS_CONTAINER_STOP_TIMEOUT": "soon", "ECS_IMAGE_PULL_BEHAVIOR": "never", "ECS_DISABLE_IMAGE_CLEANUP": "perhaps",
		"ECS_DYNAMIC_HOST_PORT_RANGE": "5-1", "ECS_LOGLEVEL": "loud",
	} {
		if _, err := fromEnv(map[string]string{name: value}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%q: got %v", name, value, err)
		}
	}
}

func TestFromEnvBounds(t *testing.T) {
	got, err := fromEnv(map[string]string{"ECS_CONTAINER_STOP_TIMEOUT": "1ms", "ECS_IMAGE_CLEANUP_INTERVAL": "1m", "ECS_DISABLE_IMAGE_CLEANUP": "true"})
	if err != nil || got.StopTimeout != 30*time.Second || got.ImageCleanup != 0 {
		t.Errorf("got %v %v %v", got.StopTimeout, got.ImageCleanup, err)
	}
	if got, err = fromEnv(map[string]string{"ECS_IMAGE_CLEANUP_INTERVAL": "1m"}); err != nil || got.ImageCleanup != 30*time.Minute {
		t.Errorf("got %v %v", got.ImageCleanup, err)
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
	got := attributes(Config{InstanceType: "m5.large", AvailabilityZone: "us-east-1b", DisablePrivileged: true, Attributes: map[string]string{"rack": "1"}})
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
