//go:build integration

package fabric_test

import (
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/fabric"
	"github.com/slipway/slipway/internal/netns"
	"github.com/slipway/slipway/test/machine"
)

// The names are this test's own, so that a Slipway on the same machine is not
// disturbed.
const name = "fabtest"

func TestIntegrationFabric(t *testing.T) {
	before, err := machine.Look()
	if err != nil {
		t.Fatal(err)
	}
	forwarding := readForwarding(t)
	cidr, err := fabric.ChooseCIDR(t.Name())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cfg := fabric.Config{Name: name, CIDR: cidr, RunDir: filepath.Join(dir, "run"), Log: slog.New(slog.DiscardHandler)}
	f, err := fabric.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	space := filepath.Join(dir, "netns")
	t.Cleanup(func() { f.Close(); netns.Delete(space) })
	if err := netns.Create(space); err != nil {
		t.Fatal(err)
	}
	addr := netip.AddrFrom4([4]byte{cidr.Addr().As4()[0], cidr.Addr().As4()[1], 0, 9})
	port := fabric.Port{ID: "i-1", NetNS: space, Addr: addr, MAC: net.HardwareAddr{2, 0, 0, 0, 0, 9}}

	// Twice each, as after a kill -9 in the middle.
	for range 2 {
		if f, err = fabric.Open(cfg); err != nil {
			t.Fatal(err)
		}
		if err := f.Attach(port); err != nil {
			t.Fatal(err)
		}
		reach(t, f.Gateway().String(), space)
	}
	if err := f.Detach("i-1"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := netns.Delete(space); err != nil {
		t.Fatal(err)
	}
	after, err := machine.Look()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range machine.Left(before, after) {
		if ours(l, cidr, dir) {
			t.Errorf("left behind: %s", l)
		}
	}
	// Somebody else's bridge may have come to need forwarding meanwhile.
	if now := readForwarding(t); now != forwarding && !hostHasBridge(t) {
		t.Errorf("ip_forward was %s and is %s", forwarding, now)
	}
}

// ours tells what this test may have left from what others do on the machine at
// the same time.
func ours(line string, cidr netip.Prefix, dir string) bool {
	network := strings.TrimSuffix(cidr.Masked().Addr().String(), "0.0")
	return strings.Contains(line, name) || strings.Contains(line, network) || strings.Contains(line, dir)
}

func hostHasBridge(t *testing.T) bool {
	t.Helper()
	found, err := filepath.Glob("/sys/class/net/*/bridge")
	if err != nil {
		t.Fatal(err)
	}
	return len(found) > 0
}

// reach connects from the namespace to the gateway and back to its address.
func reach(t *testing.T, gateway, space string) {
	t.Helper()
	l, err := net.Listen("tcp", gateway+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = netns.Do(space, func() error {
		c, err := net.Dial("tcp", l.Addr().String())
		if err == nil {
			c.Close()
		}
		return err
	})
	if err != nil {
		t.Fatalf("from the instance to the gateway: %v", err)
	}
}

func readForwarding(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/proc/sys/net/ipv4/ip_forward")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}
