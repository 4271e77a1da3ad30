package network

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/slipway/slipway/internal/netns"
)

// nsDir, below the run directory, holds the mounts of the namespaces.
const nsDir = "netns"

// endpoint is a connected namespace that a container can join.
type endpoint struct {
	Name  string // of the namespace's mount and of the instance's end of the link
	NetNS string
	IP    netip.Addr
}

// spare makes one more endpoint for the pool; false when it is full.
func (b *bridge) spare() bool {
	if b.stuck || len(b.pool) >= b.cfg.Pool {
		return false
	}
	e, err := b.makeEndpoint()
	if err != nil {
		b.stuck = true // the next Attach will tell its caller
		b.cfg.Log.Warn("no spare network namespace", "error", err)
		return false
	}
	b.pool = append(b.pool, e)
	return true
}

func (b *bridge) takeEndpoint() (*endpoint, error) {
	b.stuck = false
	if n := len(b.pool); n > 0 {
		e := b.pool[0]
		b.pool = b.pool[1:]
		return e, nil
	}
	return b.makeEndpoint()
}

func (b *bridge) makeEndpoint() (*endpoint, error) {
	ip, err := b.addrs.take()
	if err != nil {
		return nil, err
	}
	name := linkName()
	e := &endpoint{Name: name, NetNS: filepath.Join(b.cfg.RunDir, nsDir, name), IP: ip}
	err = b.inNewNS(e.NetNS, func() error { return b.wireInside(e) })
	if err == nil {
		err = b.wireOutside(e)
	}
	if err != nil {
		return nil, errors.Join(err, b.dropEndpoint(e))
	}
	return e, nil
}

func linkName() string {
	var b [4]byte
	rand.Read(b[:]) // never fails
	return "veth" + hex.EncodeToString(b[:])
}

// inNewNS runs f on this thread in a fresh namespace that is mounted at path,
// and comes back.
func (b *bridge) inNewNS(path string, f func() error) error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("make network namespace: %w", err)
	}
	err := netns.Bind(path)
	if err == nil {
		err = f()
	}
	if back := unix.Setns(b.ns, unix.CLONE_NEWNET); back != nil {
		// This thread must not touch anything in a namespace it cannot leave.
		panic("leave network namespace: " + back.Error())
	}
	return err
}

// wireInside makes both ends of the link and sets up the container's.
func (b *bridge) wireInside(e *endpoint) error {
	nl, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer nl.Close()
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.HardwareAddr, attrs.MTU = "eth0", hardware(e.IP), b.link.Attrs().MTU
	veth := &netlink.Veth{LinkAttrs: attrs, PeerName: e.Name, PeerNamespace: netlink.NsFd(b.ns)}
	if err := nl.LinkAdd(veth); err != nil {
		return fmt.Errorf("make link %s: %w", e.Name, err)
	}
	eth, err := nl.LinkByName("eth0")
	if err != nil {
		return fmt.Errorf("find container's link: %w", err)
	}
	if err := nl.AddrAdd(eth, &netlink.Addr{IPNet: ipNet(e.IP, b.subnet.Bits())}); err != nil {
		return fmt.Errorf("set container's address: %w", err)
	}
	if err := noIPv6(nl, eth); err != nil {
		return err
	}
	lo := &netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: 1}} // loopback is always the first
	for _, l := range []netlink.Link{lo, eth} {
		if err := nl.LinkSetUp(l); err != nil {
			return fmt.Errorf("bring container's link up: %w", err)
		}
	}
	if err := nl.RouteAdd(&netlink.Route{LinkIndex: eth.Attrs().Index, Gw: b.gateway.AsSlice()}); err != nil {
		return fmt.Errorf("set container's route: %w", err)
	}
	return nil
}

func (b *bridge) wireOutside(e *endpoint) error {
	link, err := b.nl.LinkByName(e.Name)
	if err != nil {
		return fmt.Errorf("find link %s: %w", e.Name, err)
	}
	if err := noIPv6(b.nl, link); err != nil {
		return err
	}
	if err := b.nl.LinkSetMaster(link, b.link); err != nil {
		return fmt.Errorf("join link %s to bridge: %w", e.Name, err)
	}
	if err := b.nl.LinkSetUp(link); err != nil {
		return fmt.Errorf("bring link %s up: %w", e.Name, err)
	}
	return nil
}

// noIPv6 keeps a device from giving itself a link-local address, which would
// cost a search for duplicates per device and serve nobody.
func noIPv6(nl *netlink.Handle, link netlink.Link) error {
	const none = 1 // IN6_ADDR_GEN_MODE_NONE
	err := nl.LinkSetIP6AddrGenMode(link, none)
	if err != nil && !errors.Is(err, unix.EAFNOSUPPORT) && !errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("turn off IPv6 addresses of %s: %w", link.Attrs().Name, err)
	}
	return nil
}

// reflect lets a container reach itself by a port that it publishes: the bridge
// then sends a frame back to where it came from.
func (b *bridge) reflect(e *endpoint) error {
	link, err := b.nl.LinkByName(e.Name)
	if err == nil {
		err = b.nl.LinkSetHairpin(link, true)
	}
	if err != nil {
		return fmt.Errorf("set hairpin mode of %s: %w", e.Name, err)
	}
	return nil
}

// dropEndpoint deletes the link and the namespace's mount. The link is deleted
// by hand because the kernel clears a namespace only some time after its end.
func (b *bridge) dropEndpoint(e *endpoint) error {
	err := b.dropLink(e.Name)
	if uerr := netns.Delete(e.NetNS); uerr != nil || err != nil {
		return errors.Join(err, uerr)
	}
	b.addrs.free(e.IP)
	return nil
}

func (b *bridge) dropLink(name string) error {
	link, err := b.nl.LinkByName(name)
	if _, missing := errors.AsType[netlink.LinkNotFoundError](err); missing {
		return nil
	}
	if err == nil {
		err = b.nl.LinkDel(link)
	}
	if err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("delete link %s: %w", name, err)
	}
	return nil
}

// drain empties the pool.
func (b *bridge) drain() error {
	var errs []error
	for _, e := range b.pool {
		errs = append(errs, b.dropEndpoint(e))
	}
	b.pool = nil
	b.stuck = true // no new ones: the worker is about to end
	return errors.Join(errs...)
}
