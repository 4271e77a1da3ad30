package image

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Login is a user's at a registry.
type Login struct{ User, Password string }

// Logins are those that the instance's owner configured. The zero value has none.
type Logins map[string]Login // by registry, perhaps with the beginning of a repository

// hub is how Docker's own client names Docker Hub.
const hub = "index.docker.io/v1/"

// ParseLogins reads ECS_ENGINE_AUTH_TYPE ("", "docker" or "dockercfg") and
// ECS_ENGINE_AUTH_DATA. The error tells what was left out: like the ECS agent,
// an instance goes on with the logins that can be read.
func ParseLogins(kind, data string) (Logins, error) {
	if kind == "" {
		return nil, nil
	}
	if kind != "docker" && kind != "dockercfg" {
		return nil, fmt.Errorf("ECS_ENGINE_AUTH_TYPE: %q is neither docker nor dockercfg", kind)
	}
	var entries map[string]struct{ Username, Password, Auth string }
	if json.Unmarshal([]byte(data), &entries) != nil {
		return nil, fmt.Errorf("ECS_ENGINE_AUTH_DATA: it is not JSON of type %s", kind) // whose text is secret
	}
	logins, errs := make(Logins, len(entries)), []error{}
	for registry, e := range entries {
		login := Login{e.Username, e.Password}
		if kind == "dockercfg" {
			text, err := base64.StdEncoding.DecodeString(e.Auth)
			var ok bool
			if login.User, login.Password, ok = strings.Cut(string(text), ":"); err != nil || !ok {
				errs = append(errs, fmt.Errorf("ECS_ENGINE_AUTH_DATA: the auth of registry %s is not base64 of user:password", registry))
				continue
			}
		}
		registry = strings.TrimPrefix(strings.TrimPrefix(registry, "https://"), "http://")
		logins[registry] = login
	}
	return logins, errors.Join(errs...)
}

// For is the login for an image reference; the zero value if there is none. An
// entry for the beginning of the repository wins over one for the registry alone.
func (l Logins) For(ref string) Login {
	host := registryOf(ref)
	if host == "docker.io" || host == "index.docker.io" || host == "registry-1.docker.io" {
		return l[hub]
	}
	best := ""
	for registry := range l {
		name, _, _ := strings.Cut(registry, "/")
		within := strings.HasPrefix(ref, registry) || strings.TrimRight(registry, "/") == host
		if name == host && within && len(registry) > len(best) {
			best = registry
		}
	}
	return l[best]
}

// registryOf is the registry that a reference names.
func registryOf(ref string) string {
	first, _, ok := strings.Cut(ref, "/")
	if !ok || !strings.ContainsAny(first, ".:") && first != "localhost" {
		return "docker.io"
	}
	return first
}
