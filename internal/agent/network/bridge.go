package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/slipway/slipway/internal/netns"
)

// bridge is the kernel state of one instance. Only the worker's thread uses it.
type bridge struct {
	cfg     Config
	ns      int             // file descriptor of the instance's namespace
	nl      *netlink.Handle // in it
	link    netlink.Link
	subnet  netip.Prefix
	gateway netip.Addr
	table   *table
	ports   *ports
	addrs   addresses
	records map[string]*record // by container id
	pool    []*endpoint
	stuck   bool // a spare could not be made: wait for the next job
}

func openBridge(cfg Config, hostNS string) (_ *bridge, err error) {
	b := &bridge{cfg: cfg, ns: -1, records: map[string]*record{}}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.ns, err = unix.Open(hostNS, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		return nil, fmt.Errorf("open own network namespace: %w", err)
	}
	if b.nl, err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	if err = b.ensureLink(); err != nil {
		return nil, fmt.Errorf("make bridge %s: %w", cfg.Bridge, err)
	}
	if b.ports, err = newPorts(cfg); err != nil {
		return nil, err
	}
	if b.table, err = openTable(cfg.Table, b.ns, cfg.Bridge, b.subnet); err != nil {
		return nil, err
	}
	if err = b.load(); err != nil {
		return nil, err
	}
	if err = b.table.rebuild(b.bindings()); err != nil {
		return nil, fmt.Errorf("write nftables table %s: %w", cfg.Table, err)
	}
	if err = allowForward(b.ns, cfg.Bridge); err != nil {
		return nil, err
	}
	return b, b.ensureSysctls()
}

func (b *bridge) close() {
	if b.ports != nil {
		b.ports.close()
	}
	if b.table != nil {
		b.table.close()
	}
	if b.nl != nil {
		b.nl.Close()
	}
	if b.ns >= 0 {
		unix.Close(b.ns)
	}
}

// ensureLink makes the bridge, or takes the existing one with its subnet.
func (b *bridge) ensureLink() error {
	link, err := b.nl.LinkByName(b.cfg.Bridge)
	if _, missing := errors.AsType[netlink.LinkNotFoundError](err); missing {
		return b.makeLink()
	}
	if err != nil {
		return err
	}
	if link.Type() != "bridge" {
		return fmt.Errorf("a %s device has this name", link.Type())
	}
	b.link = link
	list, err := b.nl.AddrList(link, netlink.FAMILY_V4)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return b.address()
	}
	ones, _ := list[0].Mask.Size()
	ip, _ := netip.AddrFromSlice(list[0].IP.To4())
	b.setSubnet(netip.PrefixFrom(ip, ones).Masked(), ip)
	return b.nl.LinkSetUp(link)
}

func (b *bridge) makeLink() error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = b.cfg.Bridge
	if err := b.nl.LinkAdd(&netlink.Bridge{LinkAttrs: attrs}); err != nil {
		return err
	}
	link, err := b.nl.LinkByName(b.cfg.Bridge)
	if err != nil {
		return err
	}
	b.link = link
	return b.address()
}

// address gives the bridge its subnet.
func (b *bridge) address() error {
	subnet := b.cfg.Subnet
	if !subnet.IsValid() {
		taken, err := b.reached()
		if err != nil {
			return err
		}
		if subnet, err = freeSubnet(append(taken, b.cfg.Avoid...)); err != nil {
			return err
		}
	}
	gateway := subnet.Masked().Addr().Next()
	b.setSubnet(subnet.Masked(), gateway)
	// A fixed hardware address: else it changes with every port that joins,
	// and containers talk to a wrong one until they ask again.
	if err := b.nl.LinkSetHardwareAddr(b.link, hardware(gateway)); err != nil {
		return err
	}
	if err := b.nl.AddrAdd(b.link, &netlink.Addr{IPNet: ipNet(gateway, subnet.Bits())}); err != nil {
		return err
	}
	return b.nl.LinkSetUp(b.link)
}

func (b *bridge) setSubnet(subnet netip.Prefix, gateway netip.Addr) {
	b.subnet, b.gateway = subnet, gateway
	b.addrs = addresses{subnet: subnet, used: map[netip.Addr]bool{gateway: true}}
}

// hardware is an address made from the IP address, as Docker's: one that moves
// to the next container brings no stale neighbour entry.
func hardware(ip netip.Addr) net.HardwareAddr {
	a := ip.As4()
	return net.HardwareAddr{0x02, 0x42, a[0], a[1], a[2], a[3]}
}

func ipNet(ip netip.Addr, bits int) *net.IPNet {
	return &net.IPNet{IP: ip.AsSlice(), Mask: net.CIDRMask(bits, 32)}
}

// ensureSysctls lets packets pass. Both are per namespace or device; nothing is
// written per container.
func (b *bridge) ensureSysctls() error {
	for _, name := range []string{
		"ip_forward",
		// Published ports answer on 127.0.0.1 too; the table guards against the
		// reverse, containers reaching the loopback addresses.
		filepath.Join("conf", b.cfg.Bridge, "route_localnet"),
	} {
		path := filepath.Join("/proc/sys/net/ipv4", name)
		if have, err := os.ReadFile(path); err == nil && len(have) > 0 && have[0] == '1' {
			continue
		}
		if err := os.WriteFile(path, []byte("1"), 0); err != nil {
			return fmt.Errorf("set sysctl net.ipv4.%s: %w", name, err)
		}
	}
	return nil
}

// purge deletes all of it.
func (b *bridge) purge() error {
	var errs []error
	for id := range b.records {
		errs = append(errs, b.detach(id))
	}
	errs = append(errs, b.drain(), b.sweep(), b.table.delete(), forbidForward(b.ns, b.cfg.Bridge), forbidLink(b.ns, b.cfg.Bridge), b.dropLinkAddress())
	if err := b.nl.LinkDel(b.link); err != nil && !errors.Is(err, unix.ENODEV) {
		errs = append(errs, fmt.Errorf("delete bridge: %w", err))
	}
	errs = append(errs, netns.Delete(filepath.Join(b.cfg.RunDir, "host")))
	for _, dir := range []string{nsDir, stateDir, ""} {
		err := os.Remove(filepath.Join(b.cfg.RunDir, dir))
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, unix.ENOTEMPTY) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
