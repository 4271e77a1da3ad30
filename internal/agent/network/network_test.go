package network

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFreeSubnet(t *testing.T) {
	p := netip.MustParsePrefix
	for _, c := range []struct {
		name  string
		taken []netip.Prefix
		want  string
	}{
		{"nothing taken", nil, "172.17.0.0/16"},
		{"a default route takes nothing", []netip.Prefix{p("0.0.0.0/0")}, "172.17.0.0/16"},
		{"Docker's bridge", []netip.Prefix{p("172.17.0.0/16")}, "172.18.0.0/16"},
		{"a name server in the middle", []netip.Prefix{p("172.17.3.4/32"), p("172.18.0.0/24")}, "172.19.0.0/16"},
		{"a whole private range", []netip.Prefix{p("172.16.0.0/12")}, "192.168.0.0/20"},
		{"all", []netip.Prefix{p("172.16.0.0/12"), p("192.168.0.0/16")}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := freeSubnet(c.taken)
			if (err != nil) != (c.want == "") || err == nil && got.String() != c.want {
				t.Errorf("got %v, %v; want %s", got, err, c.want)
			}
		})
	}
}

func TestAddressesAreNeverGivenTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		subnet := netip.MustParsePrefix("10.1.2.0/28")
		gateway := subnet.Addr().Next()
		a := addresses{subnet: subnet, used: map[netip.Addr]bool{gateway: true}}
		out := map[netip.Addr]bool{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if len(out) > 0 && rapid.Bool().Draw(t, "free") {
				all := slices.SortedFunc(func(yield func(netip.Addr) bool) {
					for ip := range out {
						if !yield(ip) {
							return
						}
					}
				}, netip.Addr.Compare)
				ip := rapid.SampledFrom(all).Draw(t, "which")
				a.free(ip)
				delete(out, ip)
				continue
			}
			ip, err := a.take()
			if len(out) == 13 { // 16 without network, gateway and broadcast
				if err == nil {
					t.Fatalf("%v was given of a full subnet", ip)
				}
				continue
			}
			if err != nil || out[ip] || ip == gateway || !subnet.Contains(ip) || ip == subnet.Addr() || ip.As4()[3] == 15 {
				t.Fatalf("take = %v, %v with %d out", ip, err, len(out))
			}
			out[ip] = true
		}
	})
}

func TestFreedAddressRests(t *testing.T) {
	a := addresses{subnet: netip.MustParsePrefix("10.1.2.0/24"), used: map[netip.Addr]bool{}}
	first, err := a.take()
	if err != nil {
		t.Fatal(err)
	}
	a.free(first)
	if second, err := a.take(); err != nil || second == first {
		t.Errorf("the freed address came back at once: %v, %v", second, err)
	}
}

func TestResolvText(t *testing.T) {
	const own = "# comment\nnameserver 127.0.0.53\nnameserver 10.0.0.2\nsearch a.example b.example\noptions edns0\n"
	for _, c := range []struct {
		name, own string
		h         HostFiles
		want      string
	}{
		{"loopback servers are dropped", own, HostFiles{}, "nameserver 10.0.0.2\nsearch a.example b.example\noptions edns0\n"},
		{"unless the network is shared", own, HostFiles{SharedNet: true}, "nameserver 127.0.0.53\nnameserver 10.0.0.2\nsearch a.example b.example\noptions edns0\n"},
		{"none is left", "nameserver ::1\n", HostFiles{}, "nameserver 169.254.169.253\n"},
		{"own settings", own, HostFiles{DNSServers: []string{"1.1.1.1"}, DNSSearch: []string{"c.example"}, DNSOptions: []string{"ndots:2"}},
			"nameserver 1.1.1.1\nsearch c.example\noptions ndots:2\n"},
		{"no search list", own, HostFiles{DNSSearch: []string{"."}}, "nameserver 10.0.0.2\noptions edns0\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := resolvText(c.own, c.h); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestWriteFiles(t *testing.T) {
	p, err := WriteFiles(filepath.Join(t.TempDir(), "c1"), HostFiles{
		Hostname: "box", IP: netip.MustParseAddr("172.17.0.2"), ExtraHosts: []string{"db:10.0.0.9", "v6:fd00::1"},
		Links: []Link{{netip.MustParseAddr("172.17.0.3"), []string{"cache", "cache-1"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	hosts, err := os.ReadFile(p.Hosts)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"127.0.0.1\tlocalhost", "10.0.0.9\tdb", "fd00::1\tv6", "172.17.0.3\tcache cache-1", "172.17.0.2\tbox"} {
		if !strings.Contains(string(hosts), line+"\n") {
			t.Errorf("%q is missing in:\n%s", line, hosts)
		}
	}
	if name, err := os.ReadFile(p.Hostname); err != nil || string(name) != "box\n" {
		t.Errorf("hostname = %q, %v", name, err)
	}
	for _, bad := range []string{"nocolon", ":10.0.0.1", "name:", "name:not-an-address"} {
		if _, err := WriteFiles(t.TempDir(), HostFiles{ExtraHosts: []string{bad}}); err == nil {
			t.Errorf("extra host %q was taken", bad)
		}
	}
}

func TestRequestCheck(t *testing.T) {
	for _, c := range []struct {
		name, want string
		r          Request
	}{
		{"no id", "cannot name", Request{Mode: Bridge}},
		{"id that leads away", "cannot name", Request{ContainerID: "../x", Mode: Bridge}},
		{"mode", "is not one of", Request{ContainerID: "c", Mode: "awsvpc"}},
		{"protocol", "invalid proto: sctp", Request{ContainerID: "c", Mode: Bridge, Ports: []Port{{Container: 80, Host: 80, Proto: "sctp"}}}},
		{"range down", "range 9-8 is invalid", Request{ContainerID: "c", Mode: Bridge, Ports: []Port{{Container: 9, ContainerEnd: 8, Proto: "tcp"}}}},
		{"range to a host port", "range 8-9 is invalid", Request{ContainerID: "c", Mode: Bridge, Ports: []Port{{Container: 8, ContainerEnd: 9, Host: 8, Proto: "tcp"}}}},
		{"port", "container port 0", Request{ContainerID: "c", Mode: Bridge, Ports: []Port{{Container: 0, Host: 80, Proto: "tcp"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.r.check(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error = %v, want %q", err, c.want)
			}
		})
	}
}
