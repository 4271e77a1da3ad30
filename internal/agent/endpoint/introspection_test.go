package endpoint

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agent/lifecycle"
	"github.com/slipway/slipway/internal/agentproto"
)

const taskARN = "arn:aws:ecs:us-east-1:123456789012:task/default/1f"

func running() engine.View {
	id := strings.Repeat("0123456789abcdef", 4)
	at := time.Date(2026, 11, 22, 3, 55, 45, 0, time.UTC)
	return engine.View{
		Task: agentproto.Task{ARN: taskARN, Family: "demo", Version: "3", Containers: []agentproto.Container{
			{Name: "web", Image: "web:1", MountPoints: []agentproto.MountPoint{{SourceVolume: "data", ContainerPath: "/data"}}},
			{Name: "later"},
		}},
		Desired: "RUNNING", Known: lifecycle.Pulled,
		Containers: []engine.ContainerView{
			{Name: "ecs-demo-3-web-0123", Mode: "bridge", ContainerRecord: engine.ContainerRecord{
				ID: id, Image: engine.Image{Digest: "sha256:12"}, CreatedAt: at, StartedAt: at.Add(time.Second),
				Network: &engine.Attachment{IP: netip.MustParseAddr("172.17.0.2"), Bindings: []engine.Binding{{ContainerPort: 80, HostPort: 32768, Protocol: "tcp"}}},
			}},
			{Name: "ecs-demo-3-later-0123"},
		},
	}
}

const runningJSON = `{"Arn":"` + taskARN + `","DesiredStatus":"RUNNING","KnownStatus":"PENDING","Family":"demo","Version":"3","Containers":[` +
	`{"DockerId":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","DockerName":"ecs-demo-3-web-0123","Name":"web","Image":"web:1","ImageID":"sha256:12",` +
	`"CreatedAt":"2026-11-22T03:55:45Z","StartedAt":"2026-11-22T03:55:46Z","Ports":[{"ContainerPort":80,"Protocol":"tcp","HostPort":32768}],` +
	`"Networks":[{"NetworkMode":"bridge","IPv4Addresses":["172.17.0.2"]}],"Volumes":[{"DockerName":"data","Destination":"/data"}]}]}`

func TestIntrospection(t *testing.T) {
	const none = `{"Arn":"","KnownStatus":"","Family":"","Version":"","Containers":null}`
	cases := map[string]struct {
		path   string
		status int
		body   string
	}{
		"commands":      {"/", 200, `{"AvailableCommands":["/v1/metadata","/v1/tasks","/license"]}`},
		"metadata":      {"/v1/metadata", 200, `{"Cluster":"default","ContainerInstanceArn":"arn:i","Version":"v"}`},
		"all tasks":     {"/v1/tasks", 200, `{"Tasks":[` + runningJSON + `]}`},
		"by ARN":        {"/v1/tasks?taskarn=" + taskARN, 200, runningJSON},
		"by long id":    {"/v1/tasks?dockerid=" + strings.Repeat("0123456789abcdef", 4), 200, runningJSON},
		"by short id":   {"/v1/tasks?dockerid=0123456789ab", 200, runningJSON},
		"id too short":  {"/v1/tasks?dockerid=0123", 404, none},
		"unknown ARN":   {"/v1/tasks?taskarn=x", 404, none},
		"the license's": {"/license", 200, "Licensed under the Apache License, Version 2.0: http://www.apache.org/licenses/LICENSE-2.0"},
	}
	h := Introspection(
		func() Identity { return Identity{Cluster: "default", ContainerInstanceArn: "arn:i", Version: "v"} },
		func() []engine.View { return []engine.View{running()} },
	)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, c.path, nil))
			if diff := cmp.Diff(c.body, strings.TrimSpace(w.Body.String())); diff != "" || w.Code != c.status {
				t.Error(w.Code, diff)
			}
		})
	}
}

func TestNoTasksIsAnEmptyList(t *testing.T) {
	w := httptest.NewRecorder()
	Introspection(nil, func() []engine.View { return nil }).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/tasks", nil))
	if got := strings.TrimSpace(w.Body.String()); got != `{"Tasks":[]}` {
		t.Errorf("got %s", got)
	}
}
