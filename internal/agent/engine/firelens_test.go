package engine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/agent/logdriver/firelens"
	"github.com/slipway/slipway/internal/agentproto"
)

// Files, Write and Remove implement Routers.
func (m *routerFiles) Files(task string) firelens.Files {
	return firelens.Files{Config: "/fl/" + task + "/config", Sockets: "/fl/" + task + "/s"}
}
func (m *routerFiles) Write(task, config string, _ []byte) error {
	m.set(func() { m.configs[task] = config })
	return nil
}
func (m *routerFiles) Remove(task string) error {
	m.set(func() { delete(m.configs, task) })
	return nil
}

func TestLogRouter(t *testing.T) {
	each(t, func(t *testing.T, m *machine, a *agent) {
		m.set(func() { m.secrets = map[string]string{"s": "hunter2"} })
		app, router := container("app"), container("router")
		app.DockerConfig.HostConfig = `{"LogConfig":{"Type":"awsfirelens","Config":{"Name":"http"}}}`
		app.Secrets = []agentproto.Secret{{Name: "password", ValueFrom: "s", Target: agentproto.SecretTargetLogDriver}}
		router.FirelensConfiguration = &agentproto.FirelensConfiguration{Type: "fluentbit"}
		task := runTask("1", app, router)
		task.ExecutionRoleCredentials = new(executionRole)
		a.apply(t, task)
		settleFor(time.Second)
		now := m.now()
		spec := now.containers[containerID(task.ARN, "app")].spec
		if l := spec.Host.LogConfig; l.Type != "fluentd" || l.Config["tag"] != "app-firelens-1" || l.Config["fluentd-address"] != "unix:///fl/1/s/fluent.sock" ||
			!slices.Contains(spec.Env, "FLUENT_HOST=172.17.0.2") {
			t.Errorf("app: %+v %v", l, spec.Env)
		}
		spec = now.containers[containerID(task.ARN, "router")].spec
		if !slices.Contains(spec.Env, "password_0=hunter2") || !slices.ContainsFunc(spec.Mounts, func(m Mount) bool { return m.Target == "/var/run" }) {
			t.Errorf("router: %v %v", spec.Env, spec.Mounts)
		}
		if config := m.routers.configs["1"]; !strings.Contains(config, "password ${password_0}") || strings.Contains(config, "hunter2") {
			t.Errorf("configuration: %s", config)
		}
		if i, j := slices.Index(now.log, "start router"), slices.Index(now.log, "start app"); i < 0 || j < i {
			t.Errorf("order of starts: %v", now.log)
		}
		a.apply(t, stopTask("1"))
		settleFor(time.Minute)
		now = m.now()
		if i, j := slices.Index(now.log, "stop app"), slices.Index(now.log, "stop router"); i < 0 || j < i {
			t.Errorf("order of stops: %v", now.log)
		}
		settleFor(2 * testConfig.CleanupWait)
		if len(m.routers.configs) != 0 {
			t.Error("the router's files are still there")
		}
	})
}
