package session

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/service/ecs"
)

// The errors that agents know on the way to a socket, besides
// agentproto.TypeInactiveInstance.
const (
	invalidInstance = "InvalidInstanceException"
	invalidCluster  = "InvalidClusterException"
	accessDenied    = "AccessDeniedException"
)

// refusal is why a socket is not opened.
type refusal struct {
	status     int
	kind, text string
}

// refuse answers in the place of an upgrade, in the form that agents look
// through for the name of the error.
func refuse(w http.ResponseWriter, status int, kind, text string) {
	body, _ := json.Marshal(agentproto.Envelope{Type: kind, Message: mustMarshal(map[string]string{"message": text})})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body) // the agent may be gone already
}

// mustMarshal encodes a map of strings, which cannot fail.
func mustMarshal(m map[string]string) json.RawMessage {
	b, _ := json.Marshal(m)
	return b
}

// admit finds out which instance opens a socket and whether it may. It answers
// the request itself when it may not. The members of the query are named
// differently on the two sockets.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, action, clusterMember, instanceMember string) (Instance, bool) {
	call, cred, err := s.cfg.Mux.Authenticate(r, nil, "ecs")
	if err != nil {
		s.cfg.Mux.WriteError(w, r, err)
		return Instance{}, false
	}
	q := r.URL.Query()
	scope := ecs.Scope{Account: call.Account, Region: call.Region}
	of, no := s.instance(scope, q.Get(clusterMember), q.Get(instanceMember), call.Principal.ARN)
	if no != nil {
		refuse(w, no.status, no.kind, no.text)
		return Instance{}, false
	}
	if err := s.cfg.Mux.Authorize(r.Context(), call, cred, action, []string{of.ARN()}); err != nil {
		s.cfg.Mux.WriteError(w, r, err)
		return Instance{}, false
	}
	return of, true
}

func (s *Server) instance(scope ecs.Scope, cluster, ref, principal string) (Instance, *refusal) {
	name, ok := scope.ClusterName(cluster)
	id, inCluster := instanceID(scope, ref)
	switch {
	case !ok:
		return Instance{}, &refusal{http.StatusBadRequest, invalidCluster, "Cluster not found."}
	case id == "":
		return Instance{}, &refusal{http.StatusBadRequest, invalidInstance, "The container instance is not an ARN of this account and Region."}
	case inCluster != "":
		name = inCluster // the agent's cluster is what it was configured with, perhaps a name of old
	}
	snap := s.cfg.Room.Store().Snapshot()
	if _, found := ecs.Clusters.Get(snap, scope.Key(name)); !found {
		return Instance{}, &refusal{http.StatusBadRequest, invalidCluster, "Cluster not found."}
	}
	inst, found := ecs.Instances.Get(snap, scope.Key(name, id))
	if !found || inst.Status == ecs.StatusInactive {
		return Instance{}, &refusal{http.StatusBadRequest, agentproto.TypeInactiveInstance,
			"The container instance is not registered or has been deregistered."}
	}
	if !(ecs.Caller{ARN: principal}).MaySpeakFor(inst) {
		return Instance{}, &refusal{http.StatusForbidden, accessDenied, "The credentials are those of another instance."}
	}
	return Instance{scope, name, id}, nil
}

// instanceID takes the id, and the cluster where it is named, out of a container
// instance's ARN.
func instanceID(s ecs.Scope, ref string) (id, cluster string) {
	a, err := arn.Parse(ref)
	if err != nil || a.Service != "ecs" || a.Account != s.Account || a.Region != s.Region {
		return "", ""
	}
	path := strings.Split(a.Resource, "/")
	switch {
	case path[0] != "container-instance":
		return "", ""
	case len(path) == 3:
		return path[2], path[1]
	case len(path) == 2:
		return path[1], ""
	}
	return "", ""
}
