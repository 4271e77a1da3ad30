package network

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// A table of our own can forbid but not allow: a packet that another table
// drops is gone. So where the machine's policy drops forwarded packets, as
// Docker sets it, the bridge is let through in that very chain, or in the chain
// that Docker keeps for its users.

const dockerUser = "DOCKER-USER"

// mark tells our rules in other people's chains.
func mark(bridge string) []byte { return []byte("slipway bridge " + bridge + "\x00") }

func allowForward(ns int, bridge string) error {
	conn, err := nftables.New(nftables.WithNetNSFd(ns))
	if err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	accept := []expr.Any{&expr.Counter{}, &expr.Verdict{Kind: expr.VerdictAccept}}
	in, out := device(expr.MetaKeyIIFNAME, expr.CmpOpEq, bridge), device(expr.MetaKeyOIFNAME, expr.CmpOpEq, bridge)
	if err := insertOnce(conn, nftables.ChainHookForward, bridge, join(in, accept), join(out, accept)); err != nil {
		return err
	}
	return legacyForward("-I", bridge)
}

func forbidForward(ns int, bridge string) error {
	conn, err := nftables.New(nftables.WithNetNSFd(ns))
	if err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	return errors.Join(deleteOwn(conn, nftables.ChainHookForward, bridge), legacyForward("-D", bridge))
}

// insertOnce puts the bridge's rules in front of those of every closed chain
// that has none of them.
func insertOnce(conn *nftables.Conn, hook *nftables.ChainHook, bridge string, rules ...[]expr.Any) error {
	chains, err := closedChains(conn, hook)
	if err != nil {
		return err
	}
	for _, c := range chains {
		own, err := ownRules(conn, c, bridge)
		if err != nil {
			return err
		}
		if len(own) > 0 {
			continue
		}
		for _, exprs := range rules {
			conn.InsertRule(&nftables.Rule{Table: c.Table, Chain: c, UserData: mark(bridge), Exprs: exprs})
		}
	}
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("let bridge %s through the machine's firewall: %w", bridge, err)
	}
	return nil
}

func deleteOwn(conn *nftables.Conn, hook *nftables.ChainHook, bridge string) error {
	chains, err := closedChains(conn, hook)
	if err != nil {
		return err
	}
	for _, c := range chains {
		own, err := ownRules(conn, c, bridge)
		if err != nil {
			return err
		}
		for _, r := range own {
			if err := conn.DelRule(r); err != nil {
				return fmt.Errorf("delete rule of bridge %s: %w", bridge, err)
			}
		}
	}
	if err := conn.Flush(); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("delete rules of bridge %s: %w", bridge, err)
	}
	return nil
}

// closedChains are the chains in which the bridge has to be let through: those
// at the hook that drop; of a table with Docker's chain for users, that one
// instead of the forward chain.
func closedChains(conn *nftables.Conn, hook *nftables.ChainHook) ([]*nftables.Chain, error) {
	all, err := conn.ListChains()
	if err != nil {
		return nil, fmt.Errorf("list nftables chains: %w", err)
	}
	forUsers := map[nftables.Table]*nftables.Chain{}
	for _, c := range all {
		if c.Name == dockerUser {
			forUsers[tableKey(c)] = c
		}
	}
	var out []*nftables.Chain
	for _, c := range all {
		if c.Table.Family != nftables.TableFamilyIPv4 && c.Table.Family != nftables.TableFamilyINet {
			continue
		}
		if c.Hooknum == nil || *c.Hooknum != *hook || c.Policy == nil || *c.Policy != nftables.ChainPolicyDrop {
			continue
		}
		if u := forUsers[tableKey(c)]; u != nil && *hook == *nftables.ChainHookForward {
			c = u
		}
		out = append(out, c)
	}
	return out, nil
}

func tableKey(c *nftables.Chain) nftables.Table {
	return nftables.Table{Name: c.Table.Name, Family: c.Table.Family}
}

func ownRules(conn *nftables.Conn, c *nftables.Chain, bridge string) ([]*nftables.Rule, error) {
	rules, err := conn.GetRules(c.Table, c)
	if err != nil {
		return nil, fmt.Errorf("list rules of chain %s: %w", c.Name, err)
	}
	var out []*nftables.Rule
	for _, r := range rules {
		if bytes.Equal(r.UserData, mark(bridge)) {
			out = append(out, r)
		}
	}
	return out, nil
}

// legacyForward does the same for the kernel's older packet filter, which
// nftables does not show. Its one interface for programs is its command.
func legacyForward(op, bridge string) error {
	return legacy(op, "FORWARD", bridge, []string{"-i", bridge, "-j", "ACCEPT"}, []string{"-o", bridge, "-j", "ACCEPT"})
}

func legacyInput(op, bridge string) error {
	return legacy(op, "INPUT", bridge, []string{"-d", linkPrefix.String(), "-i", bridge, "-p", "tcp", "-m", "tcp", "--dport", fmt.Sprint(endpointPort), "-j", "ACCEPT"})
}

func legacy(op, chain, bridge string, rules ...[]string) error {
	names, err := os.ReadFile("/proc/thread-self/net/ip_tables_names")
	if err != nil || !strings.Contains(string(names), "filter") {
		return nil
	}
	command, err := exec.LookPath("iptables-legacy")
	if err != nil {
		return nil // nobody can have set a policy with it
	}
	saved, err := exec.Command(command, "-w", "-S").Output()
	if err != nil {
		return fmt.Errorf("list iptables rules: %w", err)
	}
	if op == "-I" && !strings.Contains(string(saved), "-P "+chain+" DROP") {
		return nil
	}
	if chain == "FORWARD" && strings.Contains(string(saved), "-N "+dockerUser) {
		chain = dockerUser
	}
	for _, r := range rules {
		rule := append([]string{chain}, r...)
		have := strings.Contains(string(saved), "-A "+strings.Join(rule, " "))
		if have == (op == "-I") {
			continue
		}
		if out, err := exec.Command(command, append([]string{"-w", op}, rule...)...).CombinedOutput(); err != nil {
			return fmt.Errorf("change iptables rule of bridge %s: %w: %s", bridge, err, out)
		}
	}
	return nil
}
