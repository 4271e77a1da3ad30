package session

import "net/http"

// origin is the URL at which the agent reaches this server: the one that it
// dialled. It is told to the agent where it would ask Amazon otherwise.
func origin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
