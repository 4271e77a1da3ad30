package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/slipway/slipway/internal/netns"
)

func checkNetwork(context.Context, Config) Finding {
	f := Finding{Name: "network", Detail: "namespaces, bridges, veth and nftables work"}
	if err := tryNetwork(); err != nil {
		f.Detail, f.Fix = err.Error(), "modprobe -a bridge veth nf_tables nft_nat nft_masq"
		return f
	}
	f.OK = true
	return f
}

// tryNetwork builds a miniature of what an instance needs in a namespace of its
// own, which takes everything with it when it goes.
func tryNetwork() error {
	dir, err := os.MkdirTemp("", "slipway-doctor")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "netns")
	if err := netns.Create(path); err != nil {
		return err
	}
	defer netns.Delete(path)
	return netns.Do(path, func() error {
		br := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "swdoctor0"}}
		if err := netlink.LinkAdd(br); err != nil {
			return fmt.Errorf("add a bridge: %w", err)
		}
		veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "swdoctor1"}, PeerName: "swdoctor2"}
		if err := netlink.LinkAdd(veth); err != nil {
			return fmt.Errorf("add a veth pair: %w", err)
		}
		return tryNAT()
	})
}

// tryNAT adds a rule of each kind that an instance has: source addresses are
// masqueraded, ports lead to containers.
func tryNAT() error {
	c := &nftables.Conn{}
	t := c.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "slipway_doctor"})
	out := c.AddChain(&nftables.Chain{
		Name: "out", Table: t, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource,
	})
	c.AddRule(&nftables.Rule{Table: t, Chain: out, Exprs: []expr.Any{&expr.Masq{}}})
	in := c.AddChain(&nftables.Chain{
		Name: "in", Table: t, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityNATDest,
	})
	c.AddRule(&nftables.Rule{Table: t, Chain: in, Exprs: []expr.Any{
		&expr.Immediate{Register: 1, Data: []byte{127, 0, 0, 1}},
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: 1},
	}})
	if err := c.Flush(); err != nil {
		return fmt.Errorf("add nftables nat rules: %w", err)
	}
	return nil
}
