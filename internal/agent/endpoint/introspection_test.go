package endpoint

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/agent/engine"
)

func TestIntrospection(t *testing.T) {
	h := Introspection(
		func() Identity { return Identity{Cluster: "default", ContainerInstanceArn: "arn:i", Version: "v"} },
		func() []engine.View { return []engine.View{bridged(), ownNetwork()} },
	)
	for name, path := range map[string]string{
		"commands":        "/",
		"metadata":        "/v1/metadata",
		"tasks":           "/v1/tasks",
		"task-by-arn":     "/v1/tasks?taskarn=" + taskARN,
		"task-by-id":      "/v1/tasks?dockerid=" + docker,
		"task-by-short":   "/v1/tasks?dockerid=0123456789ab",
		"task-by-shorter": "/v1/tasks?dockerid=fe",
		"task-too-long":   "/v1/tasks?dockerid=0123456789abc",
		"task-ambiguous":  "/v1/tasks?dockerid=",
		"task-to-come":    "/v1/tasks?dockerid=" + strings.Repeat("9", 64),
		"task-unknown":    "/v1/tasks?taskarn=x",
		"task-by-both":    "/v1/tasks?taskarn=" + taskARN + "&dockerid=" + docker,
		"license":         "/license",
	} {
		t.Run(name, func(t *testing.T) { golden(t, "v1-"+name+".txt", ask(t, h, request{path: path})) })
	}
}

func TestNoTasksIsAnEmptyList(t *testing.T) {
	w := httptest.NewRecorder()
	Introspection(nil, func() []engine.View { return nil }).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/tasks", nil))
	if got := w.Body.String(); got != `{"Tasks":[]}` {
		t.Errorf("got %s", got)
	}
}
