package fabric

import (
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/slipway/slipway/internal/netns"
)

// InterfaceName is what a port's end is called inside its namespace.
const InterfaceName = "eth0"

// Port is one interface in the VPC.
type Port struct {
	ID    string     // the instance id, or whatever else makes it unique
	NetNS string     // path of the namespace that gets the inner end
	Addr  netip.Addr // within the VPC's CIDR
	MAC   net.HardwareAddr
}

// Attach gives the namespace an interface with the port's address, a default
// route through the gateway, and a loopback that is up. An interface that the
// namespace has already is kept.
func (f *Fabric) Attach(p Port) error {
	if !f.cfg.CIDR.Contains(p.Addr) {
		return fmt.Errorf("attach %s: %s is outside the VPC %s", p.ID, p.Addr, f.cfg.CIDR)
	}
	outer := f.portName(p.ID)
	if !f.attached(p, outer) {
		if err := f.plug(p, outer); err != nil {
			return fmt.Errorf("attach %s: %w", p.ID, err)
		}
	}
	if err := netns.Do(p.NetNS, func() error { return f.configure(p) }); err != nil {
		return fmt.Errorf("attach %s: %w", p.ID, err)
	}
	return nil
}

// Detach removes the port; its inner end disappears with it.
func (f *Fabric) Detach(id string) error {
	link, err := netlink.LinkByName(f.portName(id))
	if err != nil {
		return nil
	}
	if err := netlink.LinkDel(link); err != nil {
		return fmt.Errorf("detach %s: %w", id, err)
	}
	return nil
}

func (f *Fabric) attached(p Port, outer string) bool {
	if _, err := netlink.LinkByName(outer); err != nil {
		return false
	}
	inside := false
	_ = netns.Do(p.NetNS, func() error {
		_, err := netlink.LinkByName(InterfaceName)
		inside = err == nil
		return nil
	})
	return inside
}

// plug makes the veth pair, on the bridge with one end and in the namespace with
// the other. A half-made pair of an earlier attempt is removed first.
func (f *Fabric) plug(p Port, outer string) error {
	if old, err := netlink.LinkByName(outer); err == nil {
		_ = netlink.LinkDel(old)
	}
	br, err := netlink.LinkByName(f.bridge)
	if err != nil {
		return fmt.Errorf("find bridge %s: %w", f.bridge, err)
	}
	fd, err := unix.Open(p.NetNS, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open netns %s: %w", p.NetNS, err)
	}
	defer unix.Close(fd)
	err = netlink.LinkAdd(&netlink.Veth{
		LinkAttrs:        netlink.LinkAttrs{Name: outer, MasterIndex: br.Attrs().Index},
		PeerName:         InterfaceName,
		PeerHardwareAddr: p.MAC,
		PeerNamespace:    netlink.NsFd(fd),
	})
	if err != nil {
		return fmt.Errorf("add veth %s: %w", outer, err)
	}
	link, err := netlink.LinkByName(outer)
	if err != nil {
		return fmt.Errorf("find veth %s: %w", outer, err)
	}
	writeSysctl("net/ipv6/conf/"+outer+"/disable_ipv6", "1")
	return netlink.LinkSetUp(link)
}

// configure runs inside the namespace.
func (f *Fabric) configure(p Port) error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	eth, err := netlink.LinkByName(InterfaceName)
	if err != nil {
		return err
	}
	addr := &netlink.Addr{IPNet: &net.IPNet{IP: p.Addr.AsSlice(), Mask: net.CIDRMask(f.cfg.CIDR.Bits(), 32)}}
	err = errors.Join(netlink.LinkSetUp(lo), netlink.AddrReplace(eth, addr), netlink.LinkSetUp(eth))
	if err != nil {
		return err
	}
	return netlink.RouteReplace(&netlink.Route{LinkIndex: eth.Attrs().Index, Gw: f.Gateway().AsSlice()})
}

// portName is the outer end's name: at most 15 characters, unique per port.
func (f *Fabric) portName(id string) string {
	h := fnv.New32a()
	h.Write([]byte(f.cfg.Name + "/" + id))
	return fmt.Sprintf("swp%08x", h.Sum32())
}
