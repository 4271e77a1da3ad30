package ecr

import (
	"net"
	"regexp"
	"strings"
)

// amazonHost is what the registries of AWS are called.
var amazonHost = regexp.MustCompile(`^([0-9]{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com$`)

// IsOurs tells whether an image name points into this registry: by its public
// host, by a loopback name of the same port, or by the name that it has at AWS.
// Only the last says which account and region; they are "" otherwise. repo is the
// repository without tag and digest.
func (r *Room) IsOurs(imageRef string) (account, region, repo string, ok bool) {
	host, path, found := strings.Cut(imageRef, "/")
	if !found || path == "" {
		return "", "", "", false
	}
	repo, _, _ = strings.Cut(path, "@")
	if colon := strings.LastIndexByte(repo, ':'); colon > strings.LastIndexByte(repo, '/') {
		repo = repo[:colon]
	}
	if m := amazonHost.FindStringSubmatch(host); m != nil {
		return m[1], m[2], repo, true
	}
	return "", "", repo, r.isOurHost(host)
}

func (r *Room) isOurHost(host string) bool {
	if host == r.cfg.RegistryHost {
		return true
	}
	ourName, ourPort, err := net.SplitHostPort(r.cfg.RegistryHost)
	if err != nil || !onThisMachine(ourName) {
		return false
	}
	name, port, err := net.SplitHostPort(host)
	return err == nil && port == ourPort && loopback(name)
}

// onThisMachine tells whether the public name is one under which the loopback
// addresses listen too.
func onThisMachine(name string) bool {
	ip := net.ParseIP(name)
	return loopback(name) || name == "" || ip != nil && ip.IsUnspecified()
}

func loopback(name string) bool {
	ip := net.ParseIP(name)
	return name == "localhost" || ip != nil && ip.IsLoopback()
}
