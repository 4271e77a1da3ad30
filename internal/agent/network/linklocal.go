package network

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Containers find credentials and metadata at http://169.254.170.2 (AWS's
// address). The agent listens at another port of it and the table leads port 80
// there, as Amazon's agent has it: a listener at port 80 of any address would
// keep containers from port 80 of all addresses.
var (
	linkAddress = netip.MustParseAddr("169.254.170.2")
	linkPrefix  = netip.PrefixFrom(linkAddress, 32)
)

const (
	linkPort     = 80
	endpointPort = 51679
)

// ServeLink gives the instance the link address, until Purge or a Close without
// attachments, and says where in it the endpoint is to listen for what containers
// send to http://169.254.170.2. It may be repeated. Bridge and host containers
// reach it, and processes of the instance; nobody else does.
func (n *Network) ServeLink(ctx context.Context) (netip.AddrPort, error) {
	err := n.w.do(ctx, func(b *bridge) error {
		if err := b.nl.AddrReplace(loopback(), linkAddr()); err != nil {
			return fmt.Errorf("set address %s: %w", linkAddress, err)
		}
		if err := b.nl.LinkSetUp(loopback()); err != nil {
			return fmt.Errorf("bring loopback device up: %w", err)
		}
		return allowLink(b.ns, b.cfg.Bridge)
	})
	return netip.AddrPortFrom(linkAddress, endpointPort), err
}

// dropLinkAddress gives the address back.
func (b *bridge) dropLinkAddress() error {
	err := b.nl.AddrDel(loopback(), linkAddr())
	if err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
		return fmt.Errorf("remove address %s: %w", linkAddress, err)
	}
	return nil
}

// loopback is always the first device of a namespace.
func loopback() netlink.Link { return &netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: 1}} }

func linkAddr() *netlink.Addr {
	return &netlink.Addr{IPNet: ipNet(linkAddress, linkPrefix.Bits()), Scope: unix.RT_SCOPE_HOST}
}

// linkRedirect leads the link address's port 80 to the endpoint.
func linkRedirect() []expr.Any {
	const address, port = 1, 2
	return join(within(destinationOffset, linkPrefix), tcpPort(linkPort), []expr.Any{
		&expr.Immediate{Register: address, Data: linkAddress.AsSlice()},
		&expr.Immediate{Register: port, Data: bigEndian(endpointPort)},
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: address, RegProtoMin: port, Specified: true},
	})
}

func tcpPort(port uint16) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: first},
		&expr.Cmp{Op: expr.CmpOpEq, Register: first, Data: []byte{unix.IPPROTO_TCP}},
		&expr.Payload{DestRegister: first, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: first, Data: bigEndian(port)},
	}
}

func bigEndian(port uint16) []byte { return binary.BigEndian.AppendUint16(nil, port) }

// allowLink lets containers through where the machine's policy drops what comes
// in; a table of our own could not.
func allowLink(ns int, bridge string) error {
	rule := join(device(expr.MetaKeyIIFNAME, expr.CmpOpEq, bridge), within(destinationOffset, linkPrefix), tcpPort(endpointPort),
		[]expr.Any{&expr.Counter{}, &expr.Verdict{Kind: expr.VerdictAccept}})
	conn, err := nftables.New(nftables.WithNetNSFd(ns))
	if err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	if err := insertOnce(conn, nftables.ChainHookInput, bridge, rule); err != nil {
		return err
	}
	return legacyInput("-I", bridge)
}

// forbidLink takes those rules back.
func forbidLink(ns int, bridge string) error {
	conn, err := nftables.New(nftables.WithNetNSFd(ns))
	if err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	return errors.Join(deleteOwn(conn, nftables.ChainHookInput, bridge), legacyInput("-D", bridge))
}
