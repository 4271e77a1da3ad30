//go:build integration

package runtime

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/slipway/slipway/internal/agent/network"
	"github.com/slipway/slipway/internal/netns"
)

// instanceNS makes a namespace that stands for an instance's, and gives a path
// to it and a client that dials from it.
func instanceNS(t *testing.T) (string, *http.Client) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "netns")
	if err := netns.Create(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := netns.Delete(path); err != nil {
			t.Error(err)
		}
	})
	err := netns.Do(path, func() error {
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		return netlink.LinkSetUp(lo)
	})
	if err != nil {
		t.Fatal(err)
	}
	dial := func(_ context.Context, _, addr string) (conn net.Conn, err error) {
		err = netns.Do(path, func() error {
			conn, err = net.Dial("tcp4", addr)
			return err
		})
		return conn, err
	}
	return path, &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
}

func TestContainersOnTheNetwork(t *testing.T) {
	r := newRig(t)
	ns, client := instanceNS(t)
	n, err := network.Open(t.Context(), network.Config{RunDir: filepath.Join(r.daemon.Dir(), "net"), NetNS: ns})
	if err != nil {
		t.Fatal(err)
	}
	// Before the rig checks that no mount is left.
	t.Cleanup(func() {
		if err := r.Purge(context.Background()); err != nil {
			t.Error(err)
		}
		if err := n.Purge(context.Background()); err != nil {
			t.Error(err)
		}
	})
	for _, c := range []struct {
		name, listen, dial string
		req                network.Request
	}{
		{"bridge", ":80", "127.0.0.1:8080", network.Request{Mode: network.Bridge, Ports: []network.Port{{Container: 80, Host: 8080, Proto: "tcp"}}}},
		{"host", ":9090", "127.0.0.1:9090", network.Request{Mode: network.Host}},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := r.spec("serve", c.listen, "hello by "+c.name)
			c.req.ContainerID = spec.ID
			a, err := n.Attach(t.Context(), c.req)
			if err != nil {
				t.Fatal(err)
			}
			spec.NetNS, spec.HostNetwork = a.NetNS, c.req.Mode == network.Host
			r.start(t, spec)
			r.ready(t, spec)
			resp, err := client.Get("http://" + c.dial)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "hello by "+c.name {
				t.Errorf("got %q, %v", body, err)
			}
			if err := r.Remove(t.Context(), spec.ID); err != nil {
				t.Error(err)
			}
			if err := n.Detach(t.Context(), spec.ID); err != nil {
				t.Error(err)
			}
			if resp, err := client.Get("http://" + c.dial); err == nil {
				resp.Body.Close()
				t.Error("it still answers")
			}
		})
	}
}
