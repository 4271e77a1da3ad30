// Package machine looks at what a program may leave behind on a machine:
// processes, mounts, network namespaces, interfaces, addresses, firewall tables
// and control groups. Two looks and their difference say what was left.
package machine

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// State is one look: lines of the form "kind: what".
type State map[string]bool

// Look reads the state of this machine. Processes count if their command line
// contains one of the given words; the looker itself does not.
func Look(words ...string) (State, error) {
	s := State{}
	if err := s.mounts(); err != nil {
		return nil, err
	}
	s.interfaces()
	s.tables()
	s.cgroups()
	return s, s.processes(words)
}

// Left lists what is in after and was not in before.
func Left(before, after State) []string {
	var out []string
	for line := range after {
		if !before[line] {
			out = append(out, line)
		}
	}
	slices.Sort(out)
	return out
}

func (s State) add(kind, what string) { s[kind+": "+what] = true }

func (s State) mounts() error {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return fmt.Errorf("list mounts: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 4 {
			s.add("mount", f[4])
		}
	}
	return nil
}

func (s State) interfaces() {
	for _, args := range [][]string{{"-o", "link"}, {"-o", "addr"}, {"netns"}} {
		out, err := exec.Command("ip", args...).Output()
		if err != nil {
			continue // no iproute2: the other looks remain
		}
		for line := range strings.Lines(string(out)) {
			f := strings.Fields(line)
			switch {
			case len(f) > 3 && args[len(args)-1] == "addr":
				s.add("address", f[1]+" "+f[3])
			case len(f) > 1 && args[len(args)-1] == "link":
				s.add("interface", f[1])
			case len(f) > 0:
				s.add("netns", f[0])
			}
		}
	}
}

// tables adds the firewall's rules, each with the table and chain that it is in.
func (s State) tables() {
	// -s leaves out counters, which change by themselves.
	out, err := exec.Command("nft", "-s", "list", "ruleset").Output()
	if err == nil {
		var in []string
		for line := range strings.Lines(string(out)) {
			line = strings.TrimSpace(line)
			switch {
			case strings.HasSuffix(line, "{"):
				in = append(in, strings.TrimSuffix(line, " {"))
				s.add("nftables", strings.Join(in, ", "))
			case line == "}" && len(in) > 0:
				in = in[:len(in)-1]
			case line != "":
				s.add("nftables", strings.Join(append(in, line), ", "))
			}
		}
	}
	out, err = exec.Command("iptables-save").Output()
	if err == nil {
		for line := range strings.Lines(string(out)) {
			if strings.HasPrefix(line, "-A") {
				s.add("iptables", strings.TrimSpace(line))
			}
		}
	}
}

func (s State) cgroups() {
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.Contains(path, "slipway") {
			s.add("cgroup", path)
		}
		return nil
	})
}

func (s State) processes(words []string) error {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return fmt.Errorf("list processes: %w", err)
	}
	self := fmt.Sprint(os.Getpid())
	for _, d := range dirs {
		pid := filepath.Base(d)
		b, err := os.ReadFile(filepath.Join(d, "cmdline"))
		if err != nil || pid == self {
			continue
		}
		line := strings.ReplaceAll(strings.TrimRight(string(b), "\x00"), "\x00", " ")
		if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(line, w) }) {
			s.add("process", pid+" "+line)
		}
	}
	return nil
}
