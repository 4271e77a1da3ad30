// Package endpoint serves what the agent tells operators about itself: the
// introspection API of the ECS agent on port 51678.
//
// It owns the shapes of that API and nothing else: it reads views of the engine
// and changes nothing. It promises the paths, members and answers of the ECS
// agent (ECS Developer Guide, "Amazon ECS container introspection").
package endpoint

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agent/lifecycle"
)

// Port is where the ECS agent is asked.
const Port = 51678

// Identity is what /v1/metadata answers.
type Identity struct {
	Cluster              string
	ContainerInstanceArn string
	Version              string
}

// Task is a task of /v1/tasks.
type Task struct {
	Arn           string
	DesiredStatus string `json:",omitempty"`
	KnownStatus   string
	Family        string
	Version       string
	Containers    []Container
}

// Container is a container of a Task.
type Container struct {
	DockerID     string `json:"DockerId"`
	DockerName   string
	Name         string
	Image        string     `json:",omitempty"`
	ImageID      string     `json:",omitempty"`
	CreatedAt    *time.Time `json:",omitempty"`
	StartedAt    *time.Time `json:",omitempty"`
	Ports        []Binding  `json:",omitempty"`
	Networks     []Network  `json:",omitempty"`
	Volumes      []Volume   `json:",omitempty"`
	RestartCount *int       `json:",omitempty"`
}

// Binding is a published port.
type Binding struct {
	ContainerPort int
	Protocol      string
	HostPort      int `json:",omitempty"`
}

// Network is how a container is connected.
type Network struct {
	NetworkMode   string
	IPv4Addresses []string `json:",omitempty"`
	IPv6Addresses []string `json:",omitempty"`
}

// Volume is a mounted volume.
type Volume struct {
	DockerName  string `json:",omitempty"`
	Source      string `json:",omitempty"`
	Destination string
}

// Introspection answers the introspection API.
func Introspection(id func() Identity, tasks func() []engine.View) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/metadata", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, id()) })
	mux.HandleFunc("/v1/tasks", func(w http.ResponseWriter, r *http.Request) { serveTasks(w, r, tasks()) })
	mux.HandleFunc("/license", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "Licensed under the Apache License, Version 2.0: http://www.apache.org/licenses/LICENSE-2.0")
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string][]string{"AvailableCommands": {"/v1/metadata", "/v1/tasks", "/license"}})
	})
	return mux
}

func serveTasks(w http.ResponseWriter, r *http.Request, views []engine.View) {
	arn, docker := r.URL.Query().Get("taskarn"), r.URL.Query().Get("dockerid")
	if arn == "" && docker == "" {
		tasks := make([]Task, len(views))
		for i, v := range views {
			tasks[i] = task(v)
		}
		answer(w, http.StatusOK, map[string][]Task{"Tasks": tasks})
		return
	}
	for _, v := range views {
		if arn != "" && v.Task.ARN == arn || arn == "" && has(v, docker) {
			answer(w, http.StatusOK, task(v))
			return
		}
	}
	answer(w, http.StatusNotFound, Task{}) // as the ECS agent was seen to do
}

// shortest is the length of Docker's short ids.
const shortest = 12

// has finds a container by its id, long or short.
func has(v engine.View, id string) bool {
	for _, c := range v.Containers {
		if c.ID == id || len(id) >= shortest && strings.HasPrefix(c.ID, id) {
			return true
		}
	}
	return false
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // an error means that the reader has gone
}

func task(v engine.View) Task {
	t := Task{
		Arn: v.Task.ARN, DesiredStatus: v.Desired, KnownStatus: v.Known.String(),
		Family: v.Task.Family, Version: v.Task.Version, Containers: []Container{},
	}
	if v.Known < lifecycle.Running {
		t.KnownStatus = v.Known.Reported()
	}
	for i, c := range v.Containers {
		if !c.CreatedAt.IsZero() {
			t.Containers = append(t.Containers, container(v, i, c))
		}
	}
	return t
}

func container(v engine.View, i int, c engine.ContainerView) Container {
	spec := v.Task.Containers[i]
	out := Container{
		DockerID: c.ID, DockerName: c.Name, Name: spec.Name, Image: spec.Image, ImageID: c.Image.Digest,
		CreatedAt: moment(c.CreatedAt), StartedAt: moment(c.StartedAt),
	}
	if spec.RestartPolicy != nil && spec.RestartPolicy.Enabled {
		out.RestartCount = new(c.Restarts)
	}
	for _, m := range spec.MountPoints {
		out.Volumes = append(out.Volumes, Volume{DockerName: m.SourceVolume, Destination: m.ContainerPath})
	}
	if c.Network == nil {
		return out
	}
	for _, b := range c.Network.Bindings {
		out.Ports = append(out.Ports, Binding{ContainerPort: b.ContainerPort, Protocol: b.Protocol, HostPort: b.HostPort})
	}
	network := Network{NetworkMode: c.Mode}
	if c.Network.IP.IsValid() {
		network.IPv4Addresses = []string{c.Network.IP.String()}
	}
	out.Networks = []Network{network}
	return out
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
