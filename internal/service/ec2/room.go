package ec2

import (
	"crypto/rand"
	"encoding/hex"
	"net/netip"

	"github.com/slipway/slipway/internal/store"
)

// The tables of the room.
var (
	VPCs      = store.NewTable(store.Spec[VPC]{Name: "ec2.vpcs", Key: (*VPC).Key})
	Subnets   = store.NewTable(store.Spec[Subnet]{Name: "ec2.subnets", Key: (*Subnet).Key})
	Addresses = store.NewTable(store.Spec[Address]{Name: "ec2.addresses", Key: (*Address).Key})
	Instances = store.NewTable(store.Spec[Instance]{Name: "ec2.instances", Key: (*Instance).Key})
	defaults  = store.NewTable(store.Spec[defaultVPC]{Name: "ec2.defaultvpcs", Key: (*defaultVPC).Key})
)

// Tables lists all tables of the room, for store.Open.
func Tables() []store.AnyTable {
	return []store.AnyTable{VPCs, Subnets, Addresses, Instances, defaults}
}

// DefaultCIDR is what AWS gives every default VPC.
var DefaultCIDR = netip.MustParsePrefix("172.31.0.0/16")

// Config is what the room needs to know of its surroundings.
type Config struct {
	// CIDR is given to default VPCs that are made from now on; those that are
	// there already keep theirs. IPv4, /16 to /26; the zero value is DefaultCIDR.
	CIDR netip.Prefix
}

// Room holds the records of EC2 in one store. It is safe for concurrent use; all
// state is in the store.
type Room struct {
	st   *store.Store
	cidr netip.Prefix
}

// New returns the room over st, which was opened with Tables().
func New(st *store.Store, cfg Config) *Room {
	cidr := cfg.CIDR
	if !cidr.IsValid() {
		cidr = DefaultCIDR
	}
	return &Room{st: st, cidr: cidr.Masked()}
}

// Scope is the account and the region that own a record. It begins every key.
type Scope struct {
	Account string `json:"account"`
	Region  string `json:"region"`
}

// Key is a store key under the scope.
func (s Scope) Key(parts ...string) string {
	return store.Key(append([]string{s.Account, s.Region}, parts...)...)
}

// Prefix is the prefix of all store keys under the scope and the given parents.
func (s Scope) Prefix(parts ...string) string { return s.Key(parts...) + "/" }

// newID returns an id as EC2 makes them: the prefix and 17 hexadecimal digits.
func newID(prefix string) string {
	b := make([]byte, 9)
	rand.Read(b) // never fails: it ends the program instead
	return prefix + "-" + hex.EncodeToString(b)[:17]
}
