package agent

import (
	"net/http"
	"net/url"
	"slices"
)

// notByProxy are the addresses of EC2's metadata service and of the agent's own,
// which mean something on this machine only. The ECS agent puts them into an
// empty NO_PROXY; here they hold whatever is in it.
var notByProxy = []string{"169.254.169.254", "fd00:ec2::254", "169.254.170.2"}

// direct keeps a choice of proxies from those addresses.
func direct(choose func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(r *http.Request) (*url.URL, error) {
		if slices.Contains(notByProxy, r.URL.Hostname()) {
			return nil, nil
		}
		return choose(r)
	}
}

// httpClient calls the API and registries, through the proxies that HTTP_PROXY,
// HTTPS_PROXY and NO_PROXY say.
func (c Config) httpClient() *http.Client {
	if c.HTTP != nil {
		return c.HTTP
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = direct(http.ProxyFromEnvironment)
	return &http.Client{Transport: transport}
}
