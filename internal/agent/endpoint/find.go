package endpoint

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"

	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agent/lifecycle"
)

// place is a container of a task.
type place struct {
	engine.View
	i int
}

func (p place) container() engine.ContainerView { return p.Containers[p.i] }

// find looks for the container whose metadata the id unlocks. It compares with
// every one, in constant time each.
func (s *server) find(id string) (place, bool) {
	var found place
	ok := false
	for _, v := range s.cfg.Tasks() {
		for i, c := range v.Containers {
			if same(c.EndpointID, id) {
				found, ok = place{v, i}, true
			}
		}
	}
	return found, ok
}

// same compares secrets; nothing equals an empty one.
func same(a, b string) bool {
	return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// caller finds the awsvpc task that a request comes from, by its address.
func (s *server) caller(r *http.Request) (engine.View, error) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return engine.View{}, fmt.Errorf("unable to parse request's ip address: %w", err)
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		for _, v := range s.cfg.Tasks() {
			if v.Known < lifecycle.Stopped && awsvpc(v) && owns(v, ip.Unmap()) {
				return v, nil
			}
		}
	}
	return engine.View{}, errors.New("unable to associate '" + host + "' with task")
}

// awsvpc tells whether the task has a network interface of its own.
func awsvpc(v engine.View) bool { return v.Task.NetworkMode == "awsvpc" }

func owns(v engine.View, ip netip.Addr) bool {
	for _, c := range v.Containers {
		if c.Network != nil && c.Network.IP == ip {
			return true
		}
	}
	for _, eni := range v.Task.ElasticNetworkInterfaces {
		for _, a := range eni.IPv4Addresses {
			if a.PrivateAddress == ip.String() {
				return true
			}
		}
	}
	return false
}
