package fabric

import (
	"fmt"
	"hash/fnv"
	"net/netip"

	"github.com/vishvananda/netlink"
)

// ChooseCIDR picks a /16 of 10.64.0.0/10 for a VPC that no route of this host
// overlaps. The seed decides the order of the candidates: a VPC keeps its CIDR for
// life, so two of one host that do not run at the same time today should not
// have taken the same one (AWS's own default, 172.31.0.0/16, would be it).
func ChooseCIDR(seed string) (netip.Prefix, error) {
	taken, err := routedPrefixes()
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("choose a VPC CIDR: %w", err)
	}
	for _, c := range candidates(seed) {
		if !overlapsAny(c, taken) {
			return c, nil
		}
	}
	return netip.Prefix{}, fmt.Errorf("choose a VPC CIDR: every candidate overlaps a route of this host")
}

func candidates(seed string) []netip.Prefix {
	var out []netip.Prefix
	h := fnv.New32a()
	h.Write([]byte(seed))
	start := h.Sum32()
	for i := range uint32(64) {
		out = append(out, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(64 + (start+i)%64), 0, 0}), 16))
	}
	return out
}

func overlapsAny(c netip.Prefix, taken []netip.Prefix) bool {
	for _, t := range taken {
		if t.Bits() > 0 && t.Overlaps(c) {
			return true
		}
	}
	return false
}

func routedPrefixes() ([]netip.Prefix, error) {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return nil, fmt.Errorf("list routes: %w", err)
	}
	var out []netip.Prefix
	for _, r := range routes {
		if r.Dst == nil {
			continue
		}
		addr, ok := netip.AddrFromSlice(r.Dst.IP.To4())
		if !ok {
			continue
		}
		bits, _ := r.Dst.Mask.Size()
		out = append(out, netip.PrefixFrom(addr, bits))
	}
	return out, nil
}
