package agent

import (
	"testing"
	"time"

	"github.com/slipway/slipway/internal/agent/cgroup"
	"github.com/slipway/slipway/internal/agent/engine"
)

func TestTaskLimits(t *testing.T) {
	for name, c := range map[string]struct {
		groups groups
		want   cgroup.Limits
	}{
		"of the task and the instance": {
			groups{pids: 100, period: 20 * time.Millisecond},
			cgroup.Limits{CPUMillis: 500, CPUPeriod: 20 * time.Millisecond, MemoryBytes: 64 << 20, Pids: 100},
		},
		"none": {groups{unlimited: true, pids: 100, period: 20 * time.Millisecond}, cgroup.Limits{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.groups.limits(0.5, 64); got != c.want {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestConfiguredLogins(t *testing.T) {
	data := `{"good.example":{"auth":"dTpw"},"bad.example":{"auth":"!"}}`
	for name, c := range map[string]struct {
		kind, ref string
		want      engine.RegistryAuth
	}{
		"one that can be read": {"dockercfg", "good.example/app", engine.RegistryAuth{User: "u", Password: "p"}},
		"one that cannot":      {"dockercfg", "bad.example/app", engine.RegistryAuth{}},
		"unknown type":         {"other", "good.example/app", engine.RegistryAuth{}},
		"none":                 {"", "good.example/app", engine.RegistryAuth{}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{EngineAuthType: c.kind, EngineAuthData: data}
			if got := configuredLogins(cfg)(c.ref); got != c.want {
				t.Errorf("got %+v", got)
			}
		})
	}
}
