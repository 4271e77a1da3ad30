// Package fabric is the VPC on this host: one bridge per Slipway, on which every
// container instance has a port with an address that the control plane owns.
//
// It owns the bridge, the veth pairs on it, the nftables table that lets
// instances reach the world, and the forwarding that this needs. It promises
// that every step may be repeated, so that a Slipway which was killed finds and
// adopts what it left behind, and that Close removes all of it and changes
// nothing that it did not make. Several fabrics with different names and CIDRs
// stand side by side.
//
// It refuses to decide: addresses come from the ec2 room. It never flushes or
// reorders anybody else's rules.
package fabric

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
)

// Config names one fabric.
type Config struct {
	// Name makes the fabric's names on this host unique; at most 8 characters.
	Name string
	// CIDR is the VPC's. Its first address is the gateway: the host itself.
	CIDR netip.Prefix
	// RunDir keeps what must be undone later and does not survive a reboot.
	RunDir string
	Log    *slog.Logger
}

// Fabric is the VPC on this host. Its methods are safe for concurrent use by
// callers that name different ports.
type Fabric struct {
	cfg    Config
	bridge string
}

// Open makes the bridge and the rules around it, or adopts them.
func Open(cfg Config) (*Fabric, error) {
	f := &Fabric{cfg: cfg, bridge: "sw" + cfg.Name}
	if err := f.ensureBridge(); err != nil {
		return nil, fmt.Errorf("open fabric %s: %w", cfg.Name, err)
	}
	if err := f.ensureEgress(); err != nil {
		return nil, fmt.Errorf("open fabric %s: %w", cfg.Name, err)
	}
	return f, nil
}

// Gateway is the host's own address in the VPC.
func (f *Fabric) Gateway() netip.Addr { return f.cfg.CIDR.Masked().Addr().Next() }

// CIDR is the VPC's.
func (f *Fabric) CIDR() netip.Prefix { return f.cfg.CIDR }

// Close removes the bridge with every port that is left on it, and the rules.
func (f *Fabric) Close() error {
	return errors.Join(f.removePorts(), f.removeBridge(), f.removeEgress())
}

func (f *Fabric) ensureBridge() error {
	link, err := netlink.LinkByName(f.bridge)
	if err != nil {
		br := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: f.bridge}}
		if err := netlink.LinkAdd(br); err != nil {
			return fmt.Errorf("add bridge %s: %w", f.bridge, err)
		}
		link = br
	}
	// The stand-alone IPv6 of a bridge that carries IPv4 only would send router
	// solicitations and wait for duplicate address detection.
	writeSysctl("net/ipv6/conf/"+f.bridge+"/disable_ipv6", "1")
	addr := &netlink.Addr{IPNet: &net.IPNet{
		IP: f.Gateway().AsSlice(), Mask: net.CIDRMask(f.cfg.CIDR.Bits(), 32),
	}}
	if err := netlink.AddrReplace(link, addr); err != nil {
		return fmt.Errorf("address bridge %s: %w", f.bridge, err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("raise bridge %s: %w", f.bridge, err)
	}
	return nil
}

func (f *Fabric) removeBridge() error {
	link, err := netlink.LinkByName(f.bridge)
	if err != nil {
		return nil // gone already
	}
	if err := netlink.LinkDel(link); err != nil {
		return fmt.Errorf("remove bridge %s: %w", f.bridge, err)
	}
	return nil
}

func (f *Fabric) removePorts() error {
	br, err := netlink.LinkByName(f.bridge)
	if err != nil {
		return nil
	}
	links, err := netlink.LinkList()
	if err != nil {
		return fmt.Errorf("list links: %w", err)
	}
	var errs []error
	for _, l := range links {
		if l.Attrs().MasterIndex == br.Attrs().Index {
			errs = append(errs, netlink.LinkDel(l))
		}
	}
	return errors.Join(errs...)
}

// writeSysctl sets a kernel setting that may be missing on this kernel, in which
// case there is nothing to set.
func writeSysctl(name, value string) {
	_ = os.WriteFile("/proc/sys/"+name, []byte(value), 0o644)
}
