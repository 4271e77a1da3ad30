package image

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/containerd/containerd/v2/core/remotes"
	"github.com/containerd/containerd/v2/core/remotes/docker"
)

// resolver makes a containerd resolver for one pull.
func (s *Store) resolver(o PullOptions) remotes.Resolver {
	r := &registries{opts: o, http: s.cfg.HTTP, authorizers: map[string]docker.Authorizer{}}
	return docker.NewResolver(docker.ResolverOptions{Hosts: r.hosts})
}

// registries says where and how the registries of one pull are reached.
type registries struct {
	opts PullOptions
	http *http.Client

	mu          sync.Mutex
	authorizers map[string]docker.Authorizer // by registry host: they keep tokens
}

func (r *registries) hosts(host string) ([]docker.RegistryHost, error) {
	authorizer := r.authorizer(host)
	endpoint := ""
	if r.opts.Endpoint != nil {
		endpoint = r.opts.Endpoint(host)
	}
	if endpoint == "" {
		return docker.ConfigureDefaultRegistries(
			docker.WithAuthorizer(authorizer),
			docker.WithClient(r.http),
			docker.WithPlainHTTP(func(h string) (bool, error) { return isLoopback(h), nil }),
		)(host)
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("endpoint %q of registry %s is not an http or https URL", endpoint, host)
	}
	return []docker.RegistryHost{{
		Client:       r.http,
		Authorizer:   authorizer,
		Scheme:       u.Scheme,
		Host:         u.Host,
		Path:         strings.TrimSuffix(u.Path, "/") + "/v2",
		Capabilities: docker.HostCapabilityPull | docker.HostCapabilityResolve,
	}}, nil
}

// authorizer asks for the credentials of the registry that the reference
// names, whatever address it is reached at.
func (r *registries) authorizer(host string) docker.Authorizer {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a, ok := r.authorizers[host]; ok {
		return a
	}
	a := docker.NewDockerAuthorizer(docker.WithAuthClient(r.http), docker.WithAuthCreds(func(string) (string, string, error) {
		if r.opts.Auth == nil {
			return "", "", nil
		}
		return r.opts.Auth(host)
	}))
	r.authorizers[host] = a
	return a
}
