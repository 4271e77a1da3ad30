package endpoint

import (
	"net/http"
	"slices"
)

// The faults that the ECS agent knows, and what can be done with them.
var (
	faults          = []string{"network-blackhole-port", "network-latency", "network-packet-loss"}
	faultOperations = []string{"start", "stop", "status"}
)

// fault answers those who would disturb a task's network. No task is told to
// allow it: Slipway does not take part in AWS's fault injection service.
func (s *server) fault(w http.ResponseWriter, r *http.Request) {
	if !slices.Contains(faults, r.PathValue("kind")) || !slices.Contains(faultOperations, r.PathValue("operation")) {
		http.NotFound(w, r)
		return
	}
	p, ok := s.find(r.PathValue("id"))
	if !ok {
		answer(w, http.StatusNotFound, map[string]string{"Error": noTaskARN + r.PathValue("id")})
		return
	}
	answer(w, http.StatusBadRequest, map[string]string{"Error": "enableFaultInjection is not enabled for task: " + p.Task.ARN})
}
