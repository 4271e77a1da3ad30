package network

import (
	"bufio"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/vishvananda/netlink"
)

// candidates are the subnets that Docker takes by default, in its order.
func candidates(yield func(netip.Prefix) bool) {
	for i := range byte(15) {
		if !yield(netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 17 + i, 0, 0}), 16)) {
			return
		}
	}
	for i := range byte(16) {
		if !yield(netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168, 16 * i, 0}), 20)) {
			return
		}
	}
}

func freeSubnet(taken []netip.Prefix) (netip.Prefix, error) {
next:
	for c := range candidates {
		for _, t := range taken {
			if t.Bits() > 0 && t.Overlaps(c) { // a default route takes nothing
				continue next
			}
		}
		return c, nil
	}
	return netip.Prefix{}, errors.New("no private subnet is free; configure one")
}

// reached are the subnets that this namespace has addresses in or routes to,
// and the name servers, which containers must reach too.
func (b *bridge) reached() ([]netip.Prefix, error) {
	var out []netip.Prefix
	addrs, err := b.nl.AddrList(nil, netlink.FAMILY_V4)
	if err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	for _, a := range addrs {
		out = append(out, prefix(a.IPNet.IP, a.IPNet.Mask))
	}
	routes, err := b.nl.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return nil, fmt.Errorf("list routes: %w", err)
	}
	for _, r := range routes {
		if r.Dst != nil {
			out = append(out, prefix(r.Dst.IP, r.Dst.Mask))
		}
	}
	return append(out, nameservers()...), nil
}

func prefix(ip []byte, mask []byte) netip.Prefix {
	addr, _ := netip.AddrFromSlice(ip)
	ones := 0
	for _, m := range mask {
		for ; m&0x80 != 0; m <<= 1 {
			ones++
		}
	}
	return netip.PrefixFrom(addr.Unmap(), ones).Masked()
}

func nameservers() []netip.Prefix {
	f, err := os.Open(resolvConf)
	if err != nil {
		return nil
	}
	defer f.Close()
	var out []netip.Prefix
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Fields(s.Text())
		if len(fields) < 2 || fields[0] != "nameserver" {
			continue
		}
		if a, err := netip.ParseAddr(fields[1]); err == nil && a.Is4() {
			out = append(out, netip.PrefixFrom(a, 32))
		}
	}
	return out
}

// addresses gives out those of a subnet, the one longest unused first, as near
// as going round does that.
type addresses struct {
	subnet netip.Prefix
	used   map[netip.Addr]bool
	last   netip.Addr
}

func (a *addresses) take() (netip.Addr, error) {
	if !a.last.IsValid() {
		a.last = a.subnet.Addr()
	}
	ip := a.last
	for range 1 << (32 - a.subnet.Bits()) {
		ip = ip.Next()
		if !a.subnet.Contains(ip) {
			ip = a.subnet.Addr().Next()
		}
		// The last address of the subnet is its broadcast address.
		if !a.used[ip] && a.subnet.Contains(ip.Next()) {
			a.used[ip], a.last = true, ip
			return ip, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("no available IPv4 addresses on the bridge's subnet %s", a.subnet)
}

func (a *addresses) free(ip netip.Addr) { delete(a.used, ip) }
