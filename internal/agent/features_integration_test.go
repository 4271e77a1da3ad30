//go:build integration

package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/agentproto"
)

// TestContainerFindsItsCredentials asks for the task role's credentials where
// SDKs do, from a network of its own.
func TestContainerFindsItsCredentials(t *testing.T) {
	for _, mode := range []string{"bridge", "host"} {
		t.Run(mode, func(t *testing.T) {
			r := newRig(t)
			task := r.task("1", "get", "http://169.254.170.2/v2/credentials/t-1")
			task.NetworkMode = mode
			task.RoleCredentials = &agentproto.RoleCredentials{
				CredentialsID: "t-1", RoleARN: "arn:aws:iam::123456789012:role/r", AccessKeyID: "AKIATASK", SecretAccessKey: "s",
				SessionToken: "st", Expiration: "2099-01-01T00:00:00Z",
			}
			r.plane.send(r.ws, task)
			c := only(t, r.plane.await(task.ARN, "STOPPED"))
			text, err := os.ReadFile(filepath.Join(r.cfg.DataDir, "logs", *c.RuntimeId+".log"))
			if err != nil || *c.ExitCode != 0 || !strings.Contains(string(text), `"AccessKeyId":"AKIATASK"`) {
				t.Errorf("exit %d, %q, %v", *c.ExitCode, text, err)
			}
		})
	}
}

// TestAgentDrainsBeforeItEnds has it wait for the task of a service, and not for
// another.
func TestAgentDrainsBeforeItEnds(t *testing.T) {
	r := newRig(t)
	r.halt()
	told := make(chan struct{})
	r.cfg.Terminate, r.cfg.DrainOnTerm = told, 10*time.Minute
	r.boot()
	service, job := r.task("1", "wait"), r.task("2", "wait")
	service.ServiceName = "web"
	r.plane.send(r.ws, service, job)
	r.ready(service)
	r.ready(job)
	close(told)
	select {
	case state := <-r.plane.states:
		if state != "DRAINING" {
			t.Errorf("it is set %s", state)
		}
	case <-time.After(time.Minute):
		t.Fatal("it is not drained")
	}
	r.plane.send(r.ws, stopped(service))
	select {
	case err := <-r.over:
		if err != nil {
			t.Error(err)
		}
		r.over <- nil // for those who halt it
	case <-time.After(time.Minute):
		t.Fatal("the agent does not end")
	}
}

// TestHealthyContainerInSharedNamespaces has one container wait for the health of
// another whose processes it sees.
func TestHealthyContainerInSharedNamespaces(t *testing.T) {
	r := newRig(t)
	task := r.task("1", "wait")
	task.PIDMode, task.IPCMode = "task", "task"
	db, app := task.Containers[0], task.Containers[0]
	db.Name, db.HealthCheckType = "db", "docker"
	db.DockerConfig.Config = `{"Healthcheck":{"Test":["CMD","/program","exit","0"],"Interval":200000000,"Timeout":5000000000,"Retries":3}}`
	app.DependsOn = []agentproto.Dependency{{ContainerName: "db", Condition: agentproto.ConditionHealthy}}
	app.Command = []string{"cat", "/proc/1/cmdline"}
	task.Containers = []agentproto.Container{app, db}
	r.plane.send(r.ws, task)
	report := r.plane.await(task.ARN, "STOPPED")
	for _, c := range report.Containers {
		if *c.ContainerName != "main" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(r.cfg.DataDir, "logs", *c.RuntimeId+".log"))
		if err != nil || c.ExitCode == nil || *c.ExitCode != 0 || strings.Contains(string(text), "/proc/1/cmdline") {
			t.Errorf("its process 1 is %q, exit %v, %v", text, c.ExitCode, err)
		}
	}
}
