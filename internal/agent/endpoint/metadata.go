package endpoint

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/slipway/slipway/internal/agent/engine"
)

// The texts below are the ECS agent's, of which each version has its own.
const (
	noDockerID = "unable to get container ID from request: unable to get docker ID from v3 endpoint ID: "
	noTaskARN  = "unable to get task arn from request: unable to get task Arn from v3 endpoint ID: "
)

func (s *server) metadataV2(w http.ResponseWriter, r *http.Request, tags bool) {
	v, err := s.caller(r)
	if err != nil {
		answer(w, http.StatusBadRequest, "Unable to get task arn from request: "+err.Error())
		return
	}
	id := r.PathValue("container")
	if id == "" {
		s.answerTask(w, r, v, v2, tags)
		return
	}
	for i, c := range v.Containers {
		if created(c) && same(c.ID, id) {
			answer(w, http.StatusOK, renderContainer(place{v, i}, v2))
			return
		}
	}
	answer(w, http.StatusBadRequest, "Unable to generate metadata for container '"+id+"'")
}

func (s *server) answerTask(w http.ResponseWriter, r *http.Request, v engine.View, as version, tags bool) {
	t := s.task(v, as)
	if tags {
		s.addTags(r.Context(), &t, as)
	}
	answer(w, http.StatusOK, t)
}

func (s *server) containerV3(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if p, ok := s.find(id); ok {
		answer(w, http.StatusOK, renderContainer(p, v3))
		return
	}
	answer(w, http.StatusInternalServerError, "V3 container metadata handler: "+noDockerID+id)
}

// belowV3 answers what is below an id. Errors of the metadata are 500 here, as
// the ECS agent's are.
func (s *server) belowV3(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	p, ok := s.find(id)
	switch path := r.PathValue("path"); path {
	case "task", "taskWithTags":
		if !ok {
			answer(w, http.StatusInternalServerError, "V3 task metadata handler: "+noTaskARN+id)
			return
		}
		s.answerTask(w, r, p.View, v3, path == "taskWithTags")
	case "stats":
		if !ok {
			answer(w, http.StatusBadRequest, "V3 container stats handler: "+noTaskARN+id)
			return
		}
		s.containerStats(w, p, v3)
	case "task/stats":
		if !ok {
			answer(w, http.StatusBadRequest, "V3 task stats handler: "+noTaskARN+id)
			return
		}
		answer(w, http.StatusOK, s.taskStats(p.View, v3))
	default:
		associations(w, r, path, "V3", ok)
	}
}

func (s *server) containerV4(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if p, ok := s.find(id); ok {
		answer(w, http.StatusOK, renderContainer(p, v4))
		return
	}
	answer(w, http.StatusNotFound, "V4 container metadata handler: "+noDockerID+id)
}

func (s *server) belowV4(w http.ResponseWriter, r *http.Request) {
	p, ok := s.find(r.PathValue("id"))
	path := r.PathValue("path")
	if who := handlersV4[path]; who != "" && !ok {
		answer(w, http.StatusNotFound, "V4 "+who+" handler: "+noTaskARN+r.PathValue("id"))
		return
	}
	switch path {
	case "task", "taskWithTags":
		s.answerTask(w, r, p.View, v4, path == "taskWithTags")
	case "stats":
		s.containerStats(w, p, v4)
	case "task/stats":
		answer(w, http.StatusOK, s.taskStats(p.View, v4))
	// The tasks of others are nobody's business on an instance that many share:
	// the ECS agent refuses so outside of Fargate.
	case "tasks":
		answer(w, http.StatusInternalServerError, "failed to get tasks metadata")
	case "tasks/stats":
		answer(w, http.StatusInternalServerError, "tasks stats endpoint not supported")
	default:
		associations(w, r, path, "V4", ok)
	}
}

// handlersV4 are the names by which version 4 introduces its errors.
var handlersV4 = map[string]string{
	"task": "task metadata", "taskWithTags": "task metadata", "tasks": "task metadata",
	"stats": "container stats", "task/stats": "task stats", "tasks/stats": "tasks stats",
}

// associations answers for the accelerators of a task, which it has none of: AWS
// has ended the service. Everything else that has come here is unknown.
func associations(w http.ResponseWriter, r *http.Request, path, name string, found bool) {
	rest, ok := strings.CutPrefix(path, "associations/")
	if !ok {
		http.NotFound(w, r)
		return
	}
	kind, association, one := strings.Cut(rest, "/")
	id := r.PathValue("id")
	switch {
	case !found && !one:
		text := "unable to get container id from request: unable to get docker ID from v3 endpoint ID: "
		answer(w, http.StatusBadRequest, name+" container associations handler: "+text+id)
	case !found:
		answer(w, http.StatusBadRequest, name+" container associations handler: "+noTaskARN+id)
	case !one:
		answer(w, http.StatusOK, map[string][]string{"Associations": nil})
	default:
		answer(w, http.StatusBadRequest, fmt.Sprintf("Unable to write container association response: "+
			"unable to get association from association type %s and association name %s", kind, association))
	}
}
