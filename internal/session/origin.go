package session

import (
	"net/http"

	"github.com/slipway/slipway/internal/agentproto"
)

// origin is the URL at which the agent reaches this server: the one that it
// dialled.
func origin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// loginAt tells the agent where to get the logins of our registry. An agent that
// is not told asks Amazon's ECR, where nobody knows its key.
func loginAt(task *agentproto.Task, origin string) {
	for i := range task.Containers {
		if auth := task.Containers[i].RegistryAuthentication; auth != nil && auth.ECRAuthData != nil {
			auth.ECRAuthData.EndpointOverride = origin
		}
	}
}
