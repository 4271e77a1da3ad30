package fabric

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

const forwardSysctl = "/proc/sys/net/ipv4/ip_forward"

// ensureEgress lets instances reach what the host reaches: forwarding, source
// address translation, and a way past a FORWARD policy of DROP such as Docker's.
func (f *Fabric) ensureEgress() error {
	if err := f.holdForwarding(); err != nil {
		return err
	}
	if err := f.masquerade(); err != nil {
		return err
	}
	return f.acceptForward()
}

func (f *Fabric) removeEgress() error {
	return errors.Join(f.removeTable(), f.removeForward(), f.releaseForwarding())
}

// masquerade puts the host's address on what instances send out of the VPC.
func (f *Fabric) masquerade() error {
	if err := f.removeTable(); err != nil {
		return err
	}
	c := &nftables.Conn{}
	table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: f.tableName()})
	chain := c.AddChain(&nftables.Chain{
		Name: "postrouting", Table: table, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource,
	})
	c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: f.masqueradeRule()})
	if err := c.Flush(); err != nil {
		return fmt.Errorf("add nftables table %s: %w", f.tableName(), err)
	}
	return nil
}

// masqueradeRule is: ip saddr <VPC> oifname != <bridge> masquerade.
func (f *Fabric) masqueradeRule() []expr.Any {
	addr := f.cfg.CIDR.Masked().Addr().As4()
	mask := net.CIDRMask(f.cfg.CIDR.Bits(), 32)
	name := make([]byte, unix.IFNAMSIZ)
	copy(name, f.bridge)
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 12, Len: 4},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: mask, Xor: binaryutil.NativeEndian.PutUint32(0)},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: addr[:]},
		&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: 1},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: name},
		&expr.Masq{},
	}
}

func (f *Fabric) tableName() string { return "slipway_" + f.cfg.Name }

func (f *Fabric) removeTable() error {
	c := &nftables.Conn{}
	tables, err := c.ListTablesOfFamily(nftables.TableFamilyIPv4)
	if err != nil {
		return fmt.Errorf("list nftables tables: %w", err)
	}
	for _, t := range tables {
		if t.Name == f.tableName() {
			c.DelTable(t)
		}
	}
	if err := c.Flush(); err != nil {
		return fmt.Errorf("remove nftables table %s: %w", f.tableName(), err)
	}
	return nil
}

// acceptForward puts an accept in front of somebody's FORWARD policy of DROP. A
// table of our own cannot overrule a drop elsewhere, so the rule must stand in
// the chain of the one who drops, and the owner's own tool writes it: iptables,
// which may be backed by nftables or not. Hosts without it have no such policy.
func (f *Fabric) acceptForward() error {
	if !forwardDrops() {
		return nil
	}
	for _, rule := range f.forwardRules() {
		if iptables(append([]string{"-C"}, rule...)...) == nil {
			continue
		}
		if err := iptables(append([]string{"-I"}, rule...)...); err != nil {
			return fmt.Errorf("accept forwarding of %s: %w", f.bridge, err)
		}
	}
	return nil
}

func (f *Fabric) removeForward() error {
	if _, err := exec.LookPath("iptables"); err != nil {
		return nil
	}
	for _, rule := range f.forwardRules() {
		for iptables(append([]string{"-C"}, rule...)...) == nil {
			if err := iptables(append([]string{"-D"}, rule...)...); err != nil {
				return fmt.Errorf("remove forwarding of %s: %w", f.bridge, err)
			}
		}
	}
	return nil
}

func (f *Fabric) forwardRules() [][]string {
	comment := []string{"-m", "comment", "--comment", "slipway " + f.cfg.Name, "-j", "ACCEPT"}
	return [][]string{
		append([]string{"FORWARD", "-i", f.bridge}, comment...),
		append([]string{"FORWARD", "-o", f.bridge}, comment...),
	}
}

func forwardDrops() bool {
	out, err := exec.Command("iptables", "-S", "FORWARD").Output()
	return err == nil && strings.Contains(string(out), "-P FORWARD DROP")
}

func iptables(args ...string) error {
	out, err := exec.Command("iptables", append([]string{"-w"}, args...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("iptables %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// holdForwarding switches IPv4 forwarding on and remembers, beside a mark of
// every fabric that needs it, whether it was off before.
func (f *Fabric) holdForwarding() error {
	dir := f.forwardingDir()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("hold forwarding: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, f.cfg.Name), nil, 0o644); err != nil {
		return fmt.Errorf("hold forwarding: %w", err)
	}
	now, err := os.ReadFile(forwardSysctl)
	if err != nil {
		return fmt.Errorf("hold forwarding: %w", err)
	}
	if strings.TrimSpace(string(now)) == "1" {
		return nil
	}
	if err := os.WriteFile(filepath.Join(dir, wasOff), nil, 0o644); err != nil {
		return fmt.Errorf("hold forwarding: %w", err)
	}
	return os.WriteFile(forwardSysctl, []byte("1"), 0o644)
}

// wasOff marks that forwarding was off before the first fabric of this host; a
// dot keeps it apart from the fabrics' names.
const wasOff = ".was-off"

func (f *Fabric) forwardingDir() string { return filepath.Join(f.cfg.RunDir, "forwarding") }

// releaseForwarding switches forwarding off again when the last fabric goes, if
// the first one switched it on and nobody else's bridge has come to need it.
func (f *Fabric) releaseForwarding() error {
	dir := f.forwardingDir()
	if err := os.Remove(filepath.Join(dir, f.cfg.Name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("release forwarding: %w", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		return nil // nobody holds it
	}
	if len(left) != 1 || left[0].Name() != wasOff {
		if len(left) == 0 {
			os.Remove(dir)
		}
		return nil
	}
	if !hostHasBridge() {
		if err := os.WriteFile(forwardSysctl, []byte("0"), 0o644); err != nil {
			return fmt.Errorf("release forwarding: %w", err)
		}
	}
	return os.RemoveAll(dir)
}

// hostHasBridge tells whether any bridge is left, Docker's for instance.
func hostHasBridge() bool {
	found, _ := filepath.Glob("/sys/class/net/*/bridge")
	return len(found) > 0
}
