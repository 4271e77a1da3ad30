package ec2

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/store"
)

// VPC is a network of an account.
type VPC struct {
	Scope
	ID      string       `json:"id"`
	CIDR    netip.Prefix `json:"cidr"`
	Default bool         `json:"default"`
}

// Key is the record's store key.
func (v *VPC) Key() string { return v.Scope.Key(v.ID) }

// Subnet is a range of a VPC's addresses in one zone.
type Subnet struct {
	Scope
	ID          string       `json:"id"`
	VPC         string       `json:"vpc"`
	Zone        string       `json:"zone"`   // us-east-1a
	ZoneID      string       `json:"zoneId"` // use1-az1
	CIDR        netip.Prefix `json:"cidr"`
	Default     bool         `json:"default"`     // the default of its zone
	MapPublicIP bool         `json:"mapPublicIp"` // instances get a public address
}

// Key is the record's store key.
func (n *Subnet) Key() string { return n.Scope.Key(n.ID) }

// defaultVPC says which VPC is a scope's default, so that making it twice meets
// the first one.
type defaultVPC struct {
	Scope
	ID string `json:"id"`
}

func (d *defaultVPC) Key() string { return d.Scope.Key() }

// DefaultVPC returns the default VPC of the scope, made now if it is asked for
// the first time.
func (r *Room) DefaultVPC(ctx context.Context, s Scope) (VPC, error) {
	if v, ok := defaultIn(r.st.Snapshot(), s); ok {
		return *v, nil
	}
	var vpc VPC
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		if v, ok := defaultIn(tx, s); ok {
			vpc = *v
			return nil
		}
		vpc = r.putDefault(tx, s)
		return nil
	})
	if err != nil {
		return VPC{}, fmt.Errorf("make default VPC: %w", err)
	}
	return vpc, nil
}

func defaultIn(r store.Reader, s Scope) (*VPC, bool) {
	d, ok := defaults.Get(r, s.Key())
	if !ok {
		return nil, false
	}
	return VPCs.Get(r, s.Key(d.ID))
}

func (r *Room) putDefault(tx *store.Tx, s Scope) VPC {
	vpc := VPC{Scope: s, ID: newID("vpc"), CIDR: r.cidr, Default: true}
	VPCs.Put(tx, &vpc)
	defaults.Put(tx, &defaultVPC{Scope: s, ID: vpc.ID})
	for i, zone := range Zones(s.Region) {
		Subnets.Put(tx, &Subnet{
			Scope: s, ID: newID("subnet"), VPC: vpc.ID, Zone: zone.Name, ZoneID: zone.ID,
			CIDR: carve(r.cidr, i), Default: true, MapPublicIP: true,
		})
	}
	return vpc
}

// carve returns the n-th default subnet of a VPC: a /20, as AWS cuts them, or a
// quarter of a VPC that is too small for that.
func carve(vpc netip.Prefix, n int) netip.Prefix {
	bits := max(20, vpc.Bits()+2)
	return netip.PrefixFrom(addrAt(vpc.Addr(), n<<(32-bits)), bits)
}

// VPCs returns the VPCs of the scope.
func (r *Room) VPCs(ctx context.Context, s Scope) ([]*VPC, error) {
	if _, err := r.DefaultVPC(ctx, s); err != nil {
		return nil, err
	}
	return slices.Collect(VPCs.List(r.st.Snapshot(), s.Prefix())), nil
}

// Subnets returns the subnets of the scope, in order of zones and then of ids.
func (r *Room) Subnets(ctx context.Context, s Scope) ([]*Subnet, error) {
	if _, err := r.DefaultVPC(ctx, s); err != nil {
		return nil, err
	}
	all := slices.Collect(Subnets.List(r.st.Snapshot(), s.Prefix()))
	slices.SortFunc(all, func(a, b *Subnet) int {
		return cmp.Or(strings.Compare(a.Zone, b.Zone), strings.Compare(a.ID, b.ID))
	})
	return all, nil
}

// FreeAddresses returns how many more addresses of the subnet can be given out.
func (r *Room) FreeAddresses(n *Subnet) int {
	used := 0
	for range Addresses.List(r.st.Snapshot(), n.Scope.Prefix(n.ID)) {
		used++
	}
	return usable(n.CIDR) - used
}

// zoneSubnet finds the default subnet of a zone.
func zoneSubnet(all iter.Seq[*Subnet], zone string) (*Subnet, bool) {
	for n := range all {
		if n.Default && n.Zone == zone {
			return n, true
		}
	}
	return nil, false
}
