package endpoint

import (
	"net/http"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/agent/engine"
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
	Image        string
	ImageID      string
	CreatedAt    *time.Time `json:",omitempty"`
	StartedAt    *time.Time `json:",omitempty"`
	Ports        []Binding  `json:",omitempty"`
	Networks     []Network  `json:",omitempty"`
	Volumes      []Volume   `json:",omitempty"`
	RestartCount *int       `json:",omitempty"`
}

const license = "Licensed under the Apache License, Version 2.0: http://www.apache.org/licenses/LICENSE-2.0\n"

// Introspection answers the introspection API.
func Introspection(id func() Identity, tasks func() []engine.View) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/metadata", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, id()) })
	mux.HandleFunc("/v1/tasks", func(w http.ResponseWriter, r *http.Request) { serveTasks(w, r, tasks()) })
	mux.HandleFunc("/license", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte(license)) // the reader may have gone
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string][]string{"AvailableCommands": {"/v1/metadata", "/v1/tasks", "/license"}})
	})
	return mux
}

// serveTasks answers with all tasks, or one of them. Whoever asks for none or for
// several gets an empty one, as from the ECS agent.
func serveTasks(w http.ResponseWriter, r *http.Request, views []engine.View) {
	query := r.URL.Query()
	if !query.Has("taskarn") && !query.Has("dockerid") {
		tasks := make([]Task, len(views))
		for i, v := range views {
			tasks[i] = task(v)
		}
		answer(w, http.StatusOK, map[string][]Task{"Tasks": tasks})
		return
	}
	if query.Has("taskarn") && query.Has("dockerid") {
		answer(w, http.StatusBadRequest, Task{})
		return
	}
	var found []engine.View
	for _, v := range views {
		if query.Has("taskarn") && v.Task.ARN == query.Get("taskarn") || query.Has("dockerid") && has(v, query.Get("dockerid")) {
			found = append(found, v)
		}
	}
	switch len(found) {
	case 0:
		answer(w, http.StatusNotFound, Task{})
	case 1:
		answer(w, http.StatusOK, task(found[0]))
	default:
		answer(w, http.StatusBadRequest, Task{})
	}
}

// longest is the length of Docker's short ids; a longer one is a whole id.
const longest = 12

// has finds a container by its id, long or short.
func has(v engine.View, id string) bool {
	for _, c := range v.Containers {
		if created(c) && (c.ID == id || len(id) <= longest && strings.HasPrefix(c.ID, id)) {
			return true
		}
	}
	return false
}

// task renders a task in the words of the control plane.
func task(v engine.View) Task {
	t := Task{
		Arn: v.Task.ARN, DesiredStatus: v.Desired, KnownStatus: v.Known.Reported(),
		Family: v.Task.Family, Version: v.Task.Version, Containers: []Container{},
	}
	if t.KnownStatus == "STOPPED" && t.DesiredStatus != "STOPPED" {
		t.DesiredStatus = ""
	}
	for i, c := range v.Containers {
		if created(c) {
			t.Containers = append(t.Containers, container(place{v, i}))
		}
	}
	return t
}

func container(p place) Container {
	c, spec := p.container(), p.Task.Containers[p.i]
	out := Container{
		DockerID: c.ID, DockerName: c.Name, Name: spec.Name, Image: spec.Image, ImageID: c.Image.Digest,
		CreatedAt: moment(c.CreatedAt), StartedAt: moment(c.StartedAt),
		Ports: bindings(p, v3), Networks: networks(p, v3), Volumes: volumes(p), RestartCount: restarts(p),
	}
	if out.Ports == nil { // before they are bound: those that are wanted
		for _, m := range spec.PortMappings {
			out.Ports = append(out.Ports, Binding{ContainerPort: int(m.ContainerPort), Protocol: m.Protocol, HostPort: int(m.HostPort)})
		}
	}
	return out
}
