//go:build integration

package network

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/slipway/slipway/internal/netns"
)

// testNS makes a namespace for the test to work in, with a link to a second one
// that stands for the world outside: 10.99.0.1 outside, 10.99.0.2 inside.
func testNS(t *testing.T) (inside, outside string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("this test needs root")
	}
	dir := t.TempDir()
	inside, outside = filepath.Join(dir, "inside"), filepath.Join(dir, "outside")
	for _, path := range []string{outside, inside} {
		if err := netns.Create(path); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := netns.Delete(path); err != nil {
				t.Error(err)
			}
		})
	}
	inThread(t, inside, func() error {
		peer, err := os.Open(outside)
		if err != nil {
			return err
		}
		defer peer.Close()
		attrs := netlink.NewLinkAttrs()
		attrs.Name = "out0"
		if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "in0", PeerNamespace: netlink.NsFd(int(peer.Fd()))}); err != nil {
			return err
		}
		return up("out0", "10.99.0.2")
	})
	inThread(t, outside, func() error { return up("in0", "10.99.0.1") })
	return inside, outside
}

func up(name, ip string) error {
	for _, n := range []string{"lo", name} {
		l, err := netlink.LinkByName(n)
		if err != nil {
			return err
		}
		if err := netlink.LinkSetUp(l); err != nil {
			return err
		}
		if n == name {
			if err := netlink.AddrAdd(l, &netlink.Addr{IPNet: ipNet(netip.MustParseAddr(ip), 24)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// inThread runs f in a namespace.
func inThread(t *testing.T, ns string, f func() error) {
	t.Helper()
	if err := netns.Do(ns, f); err != nil {
		t.Fatal(err)
	}
}

// answer serves the text over HTTP on port 80 of a namespace, and its upper
// case over UDP on 53.
func answer(t *testing.T, ns, text string) {
	t.Helper()
	inThread(t, ns, func() error {
		l, err := net.Listen("tcp4", "0.0.0.0:80")
		if err != nil {
			return err
		}
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s from %s", text, strings.Split(r.RemoteAddr, ":")[0])
		})}
		go srv.Serve(l)
		t.Cleanup(func() { srv.Close() })
		p, err := net.ListenPacket("udp4", "0.0.0.0:53")
		if err != nil {
			return err
		}
		t.Cleanup(func() { p.Close() })
		go func() {
			var b [512]byte
			for {
				_, from, err := p.ReadFrom(b[:])
				if err != nil {
					return
				}
				p.WriteTo([]byte(strings.ToUpper(text)), from)
			}
		}()
		return nil
	})
}

// get asks over HTTP from within a namespace.
func get(t *testing.T, ns, addr string) (string, error) {
	t.Helper()
	var body string
	var failed error
	inThread(t, ns, func() error {
		conn, err := (&net.Dialer{Timeout: 10 * time.Second}).Dial("tcp4", addr)
		if err != nil {
			failed = err
			return nil
		}
		defer conn.Close()
		if _, failed = fmt.Fprintf(conn, "GET / HTTP/1.0\r\n\r\n"); failed != nil {
			return nil
		}
		data, err := io.ReadAll(conn)
		_, body, _ = strings.Cut(string(data), "\r\n\r\n")
		failed = err
		return nil
	})
	return body, failed
}

func open(t *testing.T, cfg Config) *Network {
	t.Helper()
	n, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Purge(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return n
}

func TestBridge(t *testing.T) {
	inside, outside := testNS(t)
	cfg := Config{RunDir: filepath.Join(t.TempDir(), "run"), NetNS: inside, PortMin: 40000, PortMax: 40002, Reserved: []uint16{40000}, Pool: 2}
	n := open(t, cfg)
	web, err := n.Attach(t.Context(), Request{ContainerID: "web", Mode: Bridge, Ports: []Port{
		{Container: 80, Proto: "tcp"}, {Container: 80, Host: 8080, Proto: "tcp"}, {Container: 53, Host: 5353, Proto: "udp"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := []Binding{{BindIP: "0.0.0.0", ContainerPort: 80, HostPort: 8080, Protocol: "tcp"}, {BindIP: "0.0.0.0", ContainerPort: 53, HostPort: 5353, Protocol: "udp"}, {BindIP: "0.0.0.0", ContainerPort: 80, HostPort: 40001, Protocol: "tcp"}}
	if !slices.Equal(web.Bindings, want) {
		t.Fatalf("bindings = %v, want %v", web.Bindings, want)
	}
	again, err := n.Attach(t.Context(), Request{ContainerID: "web", Mode: Bridge})
	if err != nil || again.NetNS != web.NetNS || !slices.Equal(again.Bindings, want) {
		t.Fatalf("second Attach = %+v, %v", again, err)
	}
	answer(t, web.NetNS, "hello")
	client, err := n.Attach(t.Context(), Request{ContainerID: "client", Mode: Bridge})
	if err != nil {
		t.Fatal(err)
	}

	for _, c := range []struct{ name, ns, addr, want string }{
		{"from outside, fixed port", outside, "10.99.0.2:8080", "hello from 10.99.0.1"},
		{"from outside, dynamic port", outside, "10.99.0.2:40001", "hello from 10.99.0.1"},
		{"from the instance, its address", inside, "10.99.0.2:8080", "hello from " + web.Gateway.String()},
		{"from the instance, loopback", inside, "127.0.0.1:8080", "hello from " + web.Gateway.String()},
		{"from another container, direct", client.NetNS, web.IP.String() + ":80", "hello from " + client.IP.String()},
		{"from another container, published", client.NetNS, "10.99.0.2:8080", "hello from " + web.Gateway.String()},
		{"from itself, published", web.NetNS, "10.99.0.2:8080", "hello from " + web.Gateway.String()},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := get(t, c.ns, c.addr)
			if err != nil || got != c.want {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
	t.Run("datagrams", func(t *testing.T) {
		inThread(t, outside, func() error {
			conn, err := net.Dial("udp4", "10.99.0.2:5353")
			if err != nil {
				return err
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(10 * time.Second))
			if _, err := conn.Write([]byte("x")); err != nil {
				return err
			}
			var b [64]byte
			k, err := conn.Read(b[:])
			if err == nil && string(b[:k]) != "HELLO" {
				err = fmt.Errorf("got %q", b[:k])
			}
			return err
		})
	})
	t.Run("to the world, masqueraded", func(t *testing.T) {
		answer(t, outside, "world")
		got, err := get(t, client.NetNS, "10.99.0.1:80")
		if err != nil || got != "world from 10.99.0.2" {
			t.Errorf("got %q, %v", got, err)
		}
	})
	t.Run("withdrawn port is closed", func(t *testing.T) {
		if err := n.Detach(t.Context(), "web"); err != nil {
			t.Fatal(err)
		}
		if err := n.Detach(t.Context(), "web"); err != nil {
			t.Fatal(err)
		}
		if got, err := get(t, outside, "10.99.0.2:8080"); !errors.Is(err, unix.ECONNREFUSED) {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestPortCollisions(t *testing.T) {
	inside, _ := testNS(t)
	n := open(t, Config{RunDir: filepath.Join(t.TempDir(), "run"), NetNS: inside, PortMin: 40000, PortMax: 40003, Pool: -1})
	inThread(t, inside, func() error {
		l, err := net.Listen("tcp4", "0.0.0.0:40000")
		t.Cleanup(func() { l.Close() })
		return err
	})
	attach := func(id string, ports ...Port) (Attachment, error) {
		return n.Attach(t.Context(), Request{ContainerID: id, Mode: Bridge, Ports: ports})
	}
	if _, err := attach("fixed", Port{Container: 80, Host: 40002, Proto: "tcp"}); err != nil {
		t.Fatal(err)
	}
	_, err := attach("second", Port{Container: 81, Host: 0, Proto: "tcp"}, Port{Container: 80, Host: 40002, Proto: "tcp"})
	if e, ok := errors.AsType[*PortInUseError](err); !ok || e.Owner != "fixed" || !strings.Contains(err.Error(), "Bind for 0.0.0.0:40002 failed: port is already allocated") {
		t.Errorf("port of another container: %v", err)
	}
	_, err = attach("third", Port{Container: 80, Host: 40000, Proto: "tcp"})
	if e, ok := errors.AsType[*PortInUseError](err); !ok || e.Owner != "" || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("port of another program: %v", err)
	}
	// 40000 is a program's, 40002 a container's: two are left.
	a, err := attach("dynamic", Port{Container: 80, Host: 0, Proto: "tcp"}, Port{Container: 81, Host: 0, Proto: "tcp"})
	if err != nil || a.Bindings[0].HostPort != 40001 || a.Bindings[1].HostPort != 40003 {
		t.Fatalf("dynamic ports = %+v, %v", a.Bindings, err)
	}
	if _, err := attach("none left", Port{Container: 80, Host: 0, Proto: "tcp"}); !errors.Is(err, ErrNoPorts) {
		t.Errorf("error = %v, want %v", err, ErrNoPorts)
	}
	if a, err := attach("udp", Port{Container: 53, Host: 0, Proto: "udp"}); err != nil || a.Bindings[0].HostPort != 40000 {
		t.Errorf("udp beside tcp = %+v, %v", a, err)
	}
	inThread(t, inside, func() error {
		if l, err := net.Listen("tcp4", "0.0.0.0:40001"); err == nil {
			l.Close()
			return errors.New("a program could take a published port")
		}
		return nil
	})
}

func TestRestart(t *testing.T) {
	inside, outside := testNS(t)
	cfg := Config{RunDir: filepath.Join(t.TempDir(), "run"), NetNS: inside, Pool: 1}
	n := open(t, cfg)
	req := Request{ContainerID: "stays", Mode: Bridge, Ports: []Port{{Container: 80, Host: 8080, Proto: "tcp"}}}
	stays, err := n.Attach(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Attach(t.Context(), Request{ContainerID: "goes", Mode: Bridge, Ports: []Port{{Container: 80, Host: 8081, Proto: "tcp"}}}); err != nil {
		t.Fatal(err)
	}
	answer(t, stays.NetNS, "alive")
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := get(t, outside, "10.99.0.2:8080"); err != nil || got != "alive from 10.99.0.1" {
		t.Errorf("while no agent runs: %q, %v", got, err)
	}
	n = open(t, cfg)
	if err := n.Recover(t.Context(), []string{"stays"}); err != nil {
		t.Fatal(err)
	}
	if got, err := get(t, outside, "10.99.0.2:8080"); err != nil || got != "alive from 10.99.0.1" {
		t.Errorf("after the restart: %q, %v", got, err)
	}
	again, err := n.Attach(t.Context(), req)
	if err != nil || again.NetNS != stays.NetNS || again.IP != stays.IP || !slices.Equal(again.Bindings, stays.Bindings) {
		t.Errorf("attachment = %+v, %v; want %+v", again, err, stays)
	}
	other, err := n.Attach(t.Context(), Request{ContainerID: "new", Mode: Bridge, Ports: []Port{{Container: 80, Host: 8081, Proto: "tcp"}}})
	if err != nil || other.IP == stays.IP {
		t.Errorf("new attachment = %+v, %v", other, err)
	}
	if _, err := n.Attach(t.Context(), Request{ContainerID: "newer", Mode: Bridge, Ports: []Port{{Container: 80, Host: 8080, Proto: "tcp"}}}); err == nil {
		t.Error("a recovered port was given out again")
	}
}

func TestPurgeLeavesNothing(t *testing.T) {
	inside, _ := testNS(t)
	run := filepath.Join(t.TempDir(), "run")
	n := open(t, Config{RunDir: run, NetNS: inside, Pool: 2})
	for i := range 3 {
		if _, err := n.Attach(t.Context(), Request{ContainerID: fmt.Sprint(i), Mode: Bridge, Ports: []Port{{Container: 80, Host: 0, Proto: "tcp"}}}); err != nil {
			t.Fatal(err)
		}
	}
	if a, err := n.Attach(t.Context(), Request{ContainerID: "host", Mode: Host}); err != nil || !sameFile(a.NetNS, inside) {
		t.Fatalf("host mode = %+v, %v", a, err)
	}
	if err := n.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(run); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("run directory: %v", err)
	}
	mounts, err := os.ReadFile("/proc/thread-self/mountinfo")
	if err != nil || strings.Contains(string(mounts), run) {
		t.Errorf("mounts are left (%v)", err)
	}
	inThread(t, inside, func() error {
		links, err := netlink.LinkList()
		if err != nil {
			return err
		}
		for _, l := range links {
			if name := l.Attrs().Name; name == "ecs0" || strings.HasPrefix(name, "veth") {
				t.Errorf("device %s is left", name)
			}
		}
		conn, err := nftables.New()
		if err != nil {
			return err
		}
		tables, err := conn.ListTables()
		if len(tables) > 0 {
			t.Errorf("%d nftables tables are left", len(tables))
		}
		return err
	})
}

func TestForwardPolicyOfTheMachine(t *testing.T) {
	inside, outside := testNS(t)
	var conn *nftables.Conn
	var forward, user *nftables.Chain
	inThread(t, inside, func() error {
		ns, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			return err
		}
		t.Cleanup(func() { ns.Close() })
		if conn, err = nftables.New(nftables.WithNetNSFd(int(ns.Fd()))); err != nil {
			return err
		}
		filter := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "filter"})
		forward = conn.AddChain(&nftables.Chain{Table: filter, Name: "FORWARD", Type: nftables.ChainTypeFilter,
			Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityFilter, Policy: new(nftables.ChainPolicyDrop)})
		user = conn.AddChain(&nftables.Chain{Table: filter, Name: dockerUser})
		conn.AddRule(jump(forward, user))
		return conn.Flush()
	})
	n := open(t, Config{RunDir: filepath.Join(t.TempDir(), "run"), NetNS: inside})
	web, err := n.Attach(t.Context(), Request{ContainerID: "web", Mode: Bridge, Ports: []Port{{Container: 80, Host: 8080, Proto: "tcp"}}})
	if err != nil {
		t.Fatal(err)
	}
	answer(t, web.NetNS, "through")
	if got, err := get(t, outside, "10.99.0.2:8080"); err != nil || got != "through from 10.99.0.1" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := n.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	for c, want := range map[*nftables.Chain]int{forward: 1, user: 0} {
		rules, err := conn.GetRules(c.Table, c)
		if err != nil || len(rules) != want {
			t.Errorf("chain %s has %d rules, %v; want %d", c.Name, len(rules), err, want)
		}
	}
}
