package engine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/agentproto"
)

var taskRole, executionRole = agentproto.RoleCredentials{CredentialsID: "t-1", AccessKeyID: "AKIATASK"}, agentproto.RoleCredentials{CredentialsID: "e-1", AccessKeyID: "AKIAEXEC"}

// settled is a task that takes a secret and a file from elsewhere.
func settled() agentproto.Task {
	c := container("main")
	c.Environment = map[string]string{"OWN": "own", "BOTH": "definition"}
	c.EnvironmentFiles = []agentproto.EnvironmentFile{{Value: "file-1", Type: "s3"}, {Value: "file-2", Type: "s3"}}
	c.Secrets = []agentproto.Secret{
		{Name: "PASSWORD", ValueFrom: "secret-1", Provider: "asm", Type: agentproto.SecretTypeEnvironment},
		{Name: "splunk-token", ValueFrom: "secret-2", Provider: "ssm", Target: agentproto.SecretTargetLogDriver},
	}
	c.LogsAuthStrategy = agentproto.LogsExecutionRole
	c.DockerConfig.HostConfig = `{"LogConfig":{"Type":"awslogs","Config":{"awslogs-group":"g"}}}`
	other := container("other")
	other.Secrets = []agentproto.Secret{{Name: "ALSO", ValueFrom: "secret-1", Provider: "asm"}}
	task := runTask("1", c, other)
	task.RoleCredentials, task.ExecutionRoleCredentials = new(taskRole), new(executionRole)
	return task
}

func (m *machine) hasSettings() {
	m.secrets = map[string]string{"secret-1": "hunter2", "secret-2": "t0k3n"}
	m.texts = map[string]string{"file-1": "# no\nBOTH=file\nTWICE=first\n\nEMPTY=\n", "file-2": "TWICE=second\nLAST=a=b\n"}
}

func TestSettingsBecomeEnvironmentAndLogOptions(t *testing.T) {
	each(t, func(t *testing.T, m *machine, a *agent) {
		m.set(m.hasSettings)
		task := settled()
		a.apply(t, task)
		settleFor(time.Second)
		id := containerID(task.ARN, "main")
		spec := m.now().containers[id].spec
		at := a.Tasks()[0].Containers[0].EndpointID
		want := []string{
			"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/credentials/t-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_REGION=us-east-1",
			"BOTH=definition", "ECS_AGENT_URI=http://169.254.170.2/api/" + at,
			"ECS_CONTAINER_METADATA_URI=http://169.254.170.2/v3/" + at, "ECS_CONTAINER_METADATA_URI_V4=http://169.254.170.2/v4/" + at,
			"LAST=a=b", "OWN=own", "PASSWORD=hunter2", "TWICE=first",
		}
		if diff := cmp.Diff(want, spec.Env); diff != "" {
			t.Error(diff)
		}
		options := map[string]string{"awslogs-group": "g", "splunk-token": "t0k3n", "awslogs-credentials-endpoint": "/v2/credentials/e-1"}
		if diff := cmp.Diff(options, spec.Host.LogConfig.Config); diff != "" {
			t.Error(diff)
		}
		if got := m.now().containers[containerID(task.ARN, "other")].spec.Env; !slices.Contains(got, "ALSO=hunter2") {
			t.Errorf("got %v", got)
		}
		if m.asked != 3 { // the secrets once for both containers, and each file
			t.Errorf("asked %d times", m.asked)
		}
		for _, role := range m.roles {
			if role == nil || role.AccessKeyID != executionRole.AccessKeyID {
				t.Errorf("asked as %v", role)
			}
		}
		for key, record := range m.now().durable {
			for _, secret := range []string{"hunter2", "t0k3n", "AKIA"} {
				if strings.Contains(string(record), secret) {
					t.Errorf("the journal's %s holds %q", key, secret)
				}
			}
		}
	})
}

func TestSettingsThatFailStopTheTask(t *testing.T) {
	cases := map[string]struct {
		change func(m *machine, task *agentproto.Task)
		reason string
	}{
		"no such secret": {
			func(m *machine, _ *agentproto.Task) { delete(m.secrets, "secret-2") },
			"ResourceInitializationError: unable to pull secrets or registry auth: no secret secret-2",
		},
		"no such file": {
			func(m *machine, _ *agentproto.Task) { delete(m.texts, "file-2") },
			"ResourceInitializationError: failed to download env files: no file file-2",
		},
		"nobody answers": {
			func(m *machine, task *agentproto.Task) { m.silent, task.Containers[0].EnvironmentFiles = true, nil },
			"ResourceInitializationError: unable to pull secrets or registry auth: " + ErrUnavailable.Error(),
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, m *machine, a *agent) {
				task := settled()
				task.Containers[0].Essential = false
				m.set(func() { m.hasSettings(); c.change(m, &task) })
				a.apply(t, task)
				settleFor(settingsPatience + time.Minute)
				last := m.now().reports[len(m.now().reports)-1]
				if last.Status != "STOPPED" || last.Reason != c.reason {
					t.Errorf("got %+v", last)
				}
				if len(m.now().starts) != 0 {
					t.Errorf("started %v", m.now().starts)
				}
			})
		})
	}
}

// TestSettingsAfterARestart kills the agent while images are pulled: the
// credentials are lost, and the settings are asked for when they are back.
func TestSettingsAfterARestart(t *testing.T) {
	each(t, func(t *testing.T, m *machine, first *agent) {
		m.set(func() { m.hasSettings(); m.delay = func() time.Duration { return time.Second } })
		task := settled()
		first.apply(t, task)
		settleFor(100 * time.Millisecond)
		first.die()
		a := boot(t, m, testConfig)
		defer a.die()
		settleFor(10 * time.Second)
		if m.asked != 0 || len(m.now().containers) != 0 {
			t.Fatalf("asked %d times without credentials", m.asked)
		}
		a.SetCredentials(task.ARN, agentproto.RoleExecution, executionRole)
		settleFor(time.Minute)
		if got := m.now().containers[containerID(task.ARN, "main")].spec.Env; !slices.Contains(got, "PASSWORD=hunter2") ||
			!slices.Contains(got, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/credentials/t-1") {
			t.Errorf("got %v", got)
		}
	})
}

func TestCredentialsByID(t *testing.T) {
	each(t, func(t *testing.T, m *machine, a *agent) {
		m.set(m.hasSettings)
		task := settled()
		a.apply(t, task)
		newer := executionRole
		newer.AccessKeyID = "AKIANEW"
		a.SetCredentials(task.ARN, agentproto.RoleExecution, newer)
		if c, ok := a.Credentials("t-1"); !ok || c != taskRole {
			t.Errorf("task role: %v %v", c, ok)
		}
		if c, ok := a.Credentials("e-1"); !ok || c != newer {
			t.Errorf("execution role: %v %v", c, ok)
		}
		for _, id := range []string{"", "t-2"} {
			if _, ok := a.Credentials(id); ok {
				t.Errorf("%q has credentials", id)
			}
		}
		a.apply(t, stopTask("1"))
		settleFor(testConfig.CleanupWait + time.Minute)
		if _, ok := a.Credentials("t-1"); ok {
			t.Error("a task that is forgotten has credentials")
		}
	})
}

func TestEndpointOfContainers(t *testing.T) {
	cases := map[string]struct{ endpoint, network, want string }{
		"VPC address":          {"http://10.0.0.1:4566", "bridge", "http://10.0.0.1:4566"},
		"name":                 {"https://slipway.example.com", "bridge", "https://slipway.example.com"},
		"AWS":                  {"https://ecs.us-east-1.amazonaws.com", "bridge", ""},
		"none said":            {"", "bridge", ""},
		"loopback":             {"http://127.0.0.1:4566", "bridge", ""},
		"loopback by name":     {"http://localhost:4566", "bridge", ""},
		"loopback of the host": {"http://127.0.0.1:4566", "host", "http://127.0.0.1:4566"},
		"no network":           {"http://10.0.0.1:4566", "none", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := reachable(c.endpoint, c.network); got != c.want {
				t.Errorf("got %q", got)
			}
		})
	}
}
