package network

import (
	"net"
	"net/netip"
	"slices"

	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Registers: a concatenation lies in 32-bit registers one after the other, of
// which the first shares its place with the 128-bit register 1.
const first, second = 1, 9

// publish leads what is addressed to this instance to the container that has
// the port.
func (t *table) publish() []expr.Any {
	return join(local(true), []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: first},
		&expr.Payload{DestRegister: second, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Lookup{SourceRegister: first, DestRegister: first, IsDestRegSet: true, SetName: t.ports.Name, SetID: t.ports.ID},
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: first, RegProtoMin: second, Specified: true},
	})
}

// local matches a destination, or source, address of this instance.
func local(destination bool) []expr.Any {
	return []expr.Any{
		&expr.Fib{Register: first, FlagDADDR: destination, FlagSADDR: !destination, ResultADDRTYPE: true},
		&expr.Cmp{Op: expr.CmpOpEq, Register: first, Data: binaryutil.NativeEndian.PutUint32(unix.RTN_LOCAL)},
	}
}

// device matches the name of the incoming or outgoing device.
func device(key expr.MetaKey, op expr.CmpOp, name string) []expr.Any {
	padded := make([]byte, unix.IFNAMSIZ)
	copy(padded, name)
	return []expr.Any{
		&expr.Meta{Key: key, Register: first},
		&expr.Cmp{Op: op, Register: first, Data: padded},
	}
}

// Offsets in the IPv4 header.
const sourceOffset, destinationOffset = 12, 16

func (t *table) source() []expr.Any      { return within(sourceOffset, t.subnet) }
func (t *table) destination() []expr.Any { return within(destinationOffset, t.subnet) }

// within matches an address of a subnet.
func within(offset uint32, p netip.Prefix) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: first, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: 4},
		&expr.Bitwise{SourceRegister: first, DestRegister: first, Len: 4, Mask: net.CIDRMask(p.Bits(), 32), Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpEq, Register: first, Data: p.Masked().Addr().AsSlice()},
	}
}

// translated matches connections whose destination was changed.
func translated() []expr.Any {
	const dnat = 1 << 5 // IPS_DST_NAT
	return []expr.Any{
		&expr.Ct{Key: expr.CtKeySTATUS, Register: first},
		&expr.Bitwise{SourceRegister: first, DestRegister: first, Len: 4, Mask: binaryutil.NativeEndian.PutUint32(dnat), Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: first, Data: make([]byte, 4)},
	}
}

func masquerade() []expr.Any { return []expr.Any{&expr.Masq{}} }

func join(parts ...[]expr.Any) []expr.Any { return slices.Concat(parts...) }
