package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"

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

func tryNAT() error {
	c := &nftables.Conn{}
	t := c.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "slipway_doctor"})
	c.AddChain(&nftables.Chain{
		Name: "nat", Table: t, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource,
	})
	if err := c.Flush(); err != nil {
		return fmt.Errorf("add an nftables nat chain: %w", err)
	}
	return nil
}
