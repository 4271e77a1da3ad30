package network

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// mapping leads a port of the instance to a port of a container.
type mapping struct {
	proto string
	host  uint16
	ip    netip.Addr
	port  uint16
}

// table is this agent's nftables table:
//
//	map ports { protocol . port : address . port }
//	prerouting, output: to a local address: destination from @ports
//	postrouting: masquerade what leaves the subnet, what the instance itself
//	             sends to a container, and what comes back to the same bridge
//	prerouting, output, before that: port 80 of the link address leads to the
//	             agent's endpoint, whoever publishes port 80
//	guard: containers do not reach the instance's loopback addresses, and nobody
//	             outside reaches the link address
//
// Publishing a port is one map element, whatever their number.
type table struct {
	conn   *nftables.Conn
	table  *nftables.Table
	ports  *nftables.Set
	bridge string
	subnet netip.Prefix
}

func openTable(name string, ns int, bridge string, subnet netip.Prefix) (*table, error) {
	conn, err := nftables.New(nftables.WithNetNSFd(ns), nftables.AsLasting())
	if err != nil {
		return nil, fmt.Errorf("open nftables: %w", err)
	}
	t := &table{conn: conn, table: &nftables.Table{Family: nftables.TableFamilyIPv4, Name: name}, bridge: bridge, subnet: subnet}
	t.ports = &nftables.Set{
		Table: t.table, Name: "ports", IsMap: true, Concatenation: true,
		KeyType:  nftables.MustConcatSetType(nftables.TypeInetProto, nftables.TypeInetService),
		DataType: nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeInetService),
	}
	return t, nil
}

func (t *table) close() { _ = t.conn.CloseLasting() }

// rebuild replaces the whole table in one transaction.
func (t *table) rebuild(all []mapping) error {
	t.conn.AddTable(t.table)
	t.conn.DelTable(t.table)
	t.conn.AddTable(t.table)
	if err := t.conn.AddSet(t.ports, elements(all)); err != nil {
		return err
	}
	for _, hook := range []struct {
		name string
		hook *nftables.ChainHook
	}{{"prerouting", nftables.ChainHookPrerouting}, {"output", nftables.ChainHookOutput}} {
		c := t.chain(hook.name, nftables.ChainTypeNAT, hook.hook, nftables.ChainPriorityNATDest)
		t.rule(c, linkRedirect()...)
		t.rule(c, t.publish()...)
	}
	post := t.chain("postrouting", nftables.ChainTypeNAT, nftables.ChainHookPostrouting, nftables.ChainPriorityNATSource)
	t.rule(post, join(t.source(), device(expr.MetaKeyOIFNAME, expr.CmpOpNeq, t.bridge), masquerade())...)
	t.rule(post, join(local(false), device(expr.MetaKeyOIFNAME, expr.CmpOpEq, t.bridge), masquerade())...)
	t.rule(post, join(t.source(), t.destination(), translated(), masquerade())...)
	guard := t.chain("guard", nftables.ChainTypeFilter, nftables.ChainHookPrerouting, nftables.ChainPriorityRaw)
	t.rule(guard, join(device(expr.MetaKeyIIFNAME, expr.CmpOpEq, t.bridge), within(destinationOffset, netip.MustParsePrefix("127.0.0.0/8")),
		[]expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}})...)
	t.rule(guard, join(within(destinationOffset, linkPrefix), device(expr.MetaKeyIIFNAME, expr.CmpOpNeq, t.bridge),
		device(expr.MetaKeyIIFNAME, expr.CmpOpNeq, "lo"), []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}})...)
	return t.conn.Flush()
}

func (t *table) add(list []mapping) error {
	if len(list) == 0 {
		return nil
	}
	if err := t.conn.SetAddElements(t.ports, elements(list)); err != nil {
		return err
	}
	if err := t.conn.Flush(); err != nil {
		return fmt.Errorf("publish ports: %w", err)
	}
	return nil
}

func (t *table) remove(list []mapping) error {
	for _, e := range elements(list) {
		// One by one: an element that is gone already must not keep the others.
		if err := t.conn.SetDeleteElements(t.ports, []nftables.SetElement{e}); err != nil {
			return err
		}
		if err := t.conn.Flush(); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("withdraw port: %w", err)
		}
	}
	return nil
}

func (t *table) delete() error {
	t.conn.DelTable(t.table)
	if err := t.conn.Flush(); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("delete nftables table: %w", err)
	}
	return nil
}

func (t *table) chain(name string, kind nftables.ChainType, hook *nftables.ChainHook, priority *nftables.ChainPriority) *nftables.Chain {
	return t.conn.AddChain(&nftables.Chain{Table: t.table, Name: name, Type: kind, Hooknum: hook, Priority: priority})
}

func (t *table) rule(c *nftables.Chain, exprs ...expr.Any) {
	t.conn.AddRule(&nftables.Rule{Table: t.table, Chain: c, Exprs: exprs})
}

// elements are the map's: each part is padded to four bytes.
func elements(list []mapping) []nftables.SetElement {
	out := make([]nftables.SetElement, 0, len(list))
	for _, m := range list {
		key := make([]byte, 8)
		key[0] = unix.IPPROTO_TCP
		if m.proto == "udp" {
			key[0] = unix.IPPROTO_UDP
		}
		binary.BigEndian.PutUint16(key[4:], m.host)
		val := append(m.ip.AsSlice(), 0, 0, 0, 0)
		binary.BigEndian.PutUint16(val[4:], m.port)
		out = append(out, nftables.SetElement{Key: key, Val: val})
	}
	return out
}
