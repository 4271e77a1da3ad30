//go:build integration

package network

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
)

// serveEndpoint answers at the address that ServeLink names.
func serveEndpoint(t *testing.T, ns, addr string) {
	t.Helper()
	inThread(t, ns, func() error {
		l, err := net.Listen("tcp4", addr)
		if err != nil {
			return err
		}
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "metadata for %s", strings.Split(r.RemoteAddr, ":")[0])
		})}
		go srv.Serve(l)
		t.Cleanup(func() { srv.Close() })
		return nil
	})
}

func TestServeLink(t *testing.T) {
	inside, outside := testNS(t)
	var conn *nftables.Conn
	var input *nftables.Chain
	inThread(t, inside, func() error {
		ns, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			return err
		}
		t.Cleanup(func() { ns.Close() })
		if conn, err = nftables.New(nftables.WithNetNSFd(int(ns.Fd()))); err != nil {
			return err
		}
		// A machine that lets nothing through and only loopback in.
		filter := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "filter"})
		input = conn.AddChain(&nftables.Chain{Table: filter, Name: "INPUT", Type: nftables.ChainTypeFilter,
			Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter, Policy: new(nftables.ChainPolicyDrop)})
		conn.AddChain(&nftables.Chain{Table: filter, Name: "FORWARD", Type: nftables.ChainTypeFilter,
			Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityFilter, Policy: new(nftables.ChainPolicyDrop)})
		conn.AddRule(&nftables.Rule{Table: filter, Chain: input, Exprs: join(device(expr.MetaKeyIIFNAME, expr.CmpOpEq, "lo"), []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}})})
		return conn.Flush()
	})
	cfg := Config{RunDir: filepath.Join(t.TempDir(), "run"), NetNS: inside, Pool: -1}
	n := open(t, cfg)
	for range 2 {
		addr, err := n.ServeLink(t.Context())
		if err != nil || addr.String() != "169.254.170.2:51679" {
			t.Fatalf("ServeLink = %v, %v", addr, err)
		}
	}
	serveEndpoint(t, inside, "169.254.170.2:51679")
	// Port 80 of all addresses is a container's all the same.
	web, err := n.Attach(t.Context(), Request{ContainerID: "web", Mode: Bridge, Ports: []Port{{Container: 80, Host: 80, Proto: "tcp"}}})
	if err != nil {
		t.Fatal(err)
	}
	answer(t, web.NetNS, "web")
	for _, c := range []struct{ name, ns, addr, want string }{
		{"a bridge container", web.NetNS, "169.254.170.2:80", "metadata for " + web.IP.String()},
		{"a host container", inside, "169.254.170.2:80", "metadata for 169.254.170.2"},
		{"a published port 80", outside, "10.99.0.2:80", "web from 10.99.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := get(t, c.ns, c.addr); err != nil || got != c.want {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
	t.Run("from outside", func(t *testing.T) {
		var failed error
		inThread(t, outside, func() error {
			link, err := netlink.LinkByName("in0")
			if err != nil {
				return err
			}
			to := ipNet(linkAddress, 32)
			if err := netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: to, Gw: net.ParseIP("10.99.0.2")}); err != nil {
				return err
			}
			for _, port := range []string{"80", "51679"} {
				var c net.Conn
				if c, failed = (&net.Dialer{Timeout: 300 * time.Millisecond}).Dial("tcp4", "169.254.170.2:"+port); failed == nil {
					return c.Close()
				}
			}
			return nil
		})
		if failed == nil {
			t.Error("the world outside reaches the credentials")
		}
	})
	if err := n.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rules, err := conn.GetRules(input.Table, input); err != nil || len(rules) != 1 {
		t.Errorf("the machine's chain has %d rules, %v; want its own", len(rules), err)
	}
	inThread(t, inside, func() error {
		addrs, err := netlink.AddrList(loopback(), netlink.FAMILY_V4)
		for _, a := range addrs {
			if a.IP.Equal(linkAddress.AsSlice()) {
				t.Error("the address is left")
			}
		}
		return err
	})
}

func TestPortRange(t *testing.T) {
	inside, outside := testNS(t)
	cfg := Config{RunDir: filepath.Join(t.TempDir(), "run"), NetNS: inside, PortMin: 40000, PortMax: 40009, Reserved: []uint16{40001}, ReservedUDP: []uint16{40000, 40008}, Pool: -1}
	n := open(t, cfg)
	one, err := n.Attach(t.Context(), Request{ContainerID: "one", Mode: Bridge, Ports: []Port{
		{Container: 90, Proto: "tcp"}, {Container: 79, ContainerEnd: 82, Proto: "tcp"}, {Container: 70, Host: 40003, Proto: "tcp"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := Binding{BindIP: "0.0.0.0", Protocol: "tcp", ContainerPortRange: "79-82", HostPortRange: "40004-40007"}
	if len(one.Bindings) != 3 || one.Bindings[1] != want || one.Bindings[2].HostPort != 40000 {
		t.Fatalf("bindings = %+v", one.Bindings)
	}
	udp, err := n.Attach(t.Context(), Request{ContainerID: "udp", Mode: Bridge, Ports: []Port{{Container: 53, Proto: "udp"}, {Container: 60, ContainerEnd: 66, Proto: "udp"}}})
	if err != nil || udp.Bindings[0].HostPortRange != "40001-40007" || udp.Bindings[1].HostPort != 40009 {
		t.Fatalf("beside reserved ports of UDP: %+v, %v", udp.Bindings, err)
	}
	answer(t, one.NetNS, "range")
	if _, err := n.Attach(t.Context(), Request{ContainerID: "two", Mode: Bridge, Ports: []Port{{Container: 79, ContainerEnd: 82, Proto: "tcp"}}}); err == nil || !strings.Contains(err.Error(), "4 contiguous host ports unavailable") {
		t.Errorf("a range that is not there: %v", err)
	}
	// The next agent knows the whole range.
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	n = open(t, cfg)
	if got, err := get(t, outside, "10.99.0.2:40005"); err != nil || got != "range from 10.99.0.1" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := n.Attach(t.Context(), Request{ContainerID: "three", Mode: Bridge, Ports: []Port{{Container: 1, Host: 40007, Proto: "tcp"}}}); err == nil {
		t.Error("a port of the range is given out twice")
	}
	if err := n.Detach(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	two, err := n.Attach(t.Context(), Request{ContainerID: "two", Mode: Bridge, Ports: []Port{{Container: 79, ContainerEnd: 82, Proto: "tcp"}}})
	if err != nil || two.Bindings[0].HostPortRange != "40002-40005" {
		t.Errorf("when it is free again: %+v, %v", two, err)
	}
}
