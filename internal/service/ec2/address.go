package ec2

import (
	"encoding/binary"
	"net/netip"

	"github.com/slipway/slipway/internal/store"
)

// Address is a private address that somebody has. Its record is the claim: two
// transactions cannot both put it.
type Address struct {
	Scope
	Subnet string     `json:"subnet"`
	IP     netip.Addr `json:"ip"`
	Owner  string     `json:"owner"` // id of the instance or network interface
}

// Key is the record's store key.
func (a *Address) Key() string { return a.Scope.Key(a.Subnet, a.IP.String()) }

// AWS keeps the first four addresses of a subnet (network, router, DNS, future
// use) and the last (broadcast) for itself: user guide, "Subnet CIDR blocks".
const (
	reservedFirst = 4
	reservedLast  = 1
)

func usable(subnet netip.Prefix) int {
	return 1<<(32-subnet.Bits()) - reservedFirst - reservedLast
}

// claimAddress gives the owner the lowest free address of the subnet.
func claimAddress(tx *store.Tx, n *Subnet, owner string) (netip.Addr, error) {
	taken := map[netip.Addr]bool{}
	for a := range Addresses.List(tx, n.Scope.Prefix(n.ID)) {
		taken[a.IP] = true
	}
	for i := range usable(n.CIDR) {
		ip := addrAt(n.CIDR.Addr(), reservedFirst+i)
		if !taken[ip] {
			Addresses.Put(tx, &Address{Scope: n.Scope, Subnet: n.ID, IP: ip, Owner: owner})
			return ip, nil
		}
	}
	return netip.Addr{}, &NoAddressError{Subnet: n.ID}
}

func releaseAddress(tx *store.Tx, s Scope, subnet string, ip netip.Addr) {
	a := Address{Scope: s, Subnet: subnet, IP: ip}
	Addresses.Delete(tx, a.Key())
}

// addrAt is the IPv4 address n after base.
func addrAt(base netip.Addr, n int) netip.Addr {
	b := base.As4()
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])+uint32(n))
	return netip.AddrFrom4(b)
}
