package network

import (
	"bufio"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

const resolvConf = "/etc/resolv.conf"

// HostFiles say what a container finds in its name service files.
type HostFiles struct {
	Hostname  string
	IP        netip.Addr // of the container; zero = none in its hosts file
	SharedNet bool       // it shares the instance's network: take its files as they are
	// DNSServers, DNSSearch and DNSOptions replace the instance's.
	DNSServers, DNSSearch, DNSOptions []string
	ExtraHosts                        []string // "name:address"
	Links                             []Link
}

// Link makes another container known by names.
type Link struct {
	IP    netip.Addr
	Names []string
}

// FilePaths are the written files, to be mounted over the container's.
type FilePaths struct{ ResolvConf, Hosts, Hostname string }

// WriteFiles makes resolv.conf, hosts and hostname in dir, which is the
// container's own.
func WriteFiles(dir string, h HostFiles) (FilePaths, error) {
	p := FilePaths{filepath.Join(dir, "resolv.conf"), filepath.Join(dir, "hosts"), filepath.Join(dir, "hostname")}
	own, err := os.ReadFile(resolvConf)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return p, fmt.Errorf("read name servers: %w", err)
	}
	hosts, err := hostsText(h)
	if err != nil {
		return p, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return p, fmt.Errorf("create container directory: %w", err)
	}
	for path, text := range map[string]string{p.ResolvConf: resolvText(string(own), h), p.Hosts: hosts, p.Hostname: h.Hostname + "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return p, fmt.Errorf("write %s: %w", filepath.Base(path), err)
		}
	}
	return p, nil
}

// fallbackServers are asked where the instance has none that a container can
// reach: the link-local address of Amazon's resolver.
var fallbackServers = []string{"169.254.169.253"}

// resolvText is the container's resolv.conf. Servers on loopback addresses are
// dropped unless the container shares the network: it could not reach them.
func resolvText(own string, h HostFiles) string {
	servers, search, options := parseResolv(own)
	if !h.SharedNet {
		kept := servers[:0]
		for _, s := range servers {
			if a, err := netip.ParseAddr(s); err != nil || !a.IsLoopback() {
				kept = append(kept, s)
			}
		}
		if servers = kept; len(servers) == 0 {
			servers = fallbackServers
		}
	}
	if len(h.DNSServers) > 0 {
		servers = h.DNSServers
	}
	if len(h.DNSSearch) > 0 {
		search = h.DNSSearch
	}
	if len(h.DNSOptions) > 0 {
		options = h.DNSOptions
	}
	var b strings.Builder
	for _, s := range servers {
		fmt.Fprintln(&b, "nameserver", s)
	}
	// "." alone asks for no search list, as in Docker.
	if len(search) > 0 && !(len(search) == 1 && search[0] == ".") {
		fmt.Fprintln(&b, "search", strings.Join(search, " "))
	}
	if len(options) > 0 {
		fmt.Fprintln(&b, "options", strings.Join(options, " "))
	}
	return b.String()
}

func parseResolv(text string) (servers, search, options []string) {
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		f := strings.Fields(s.Text())
		if len(f) < 2 {
			continue
		}
		switch f[0] {
		case "nameserver":
			servers = append(servers, f[1])
		case "search", "domain":
			search = f[1:]
		case "options":
			options = append(options, f[1:]...)
		}
	}
	return servers, search, options
}

func hostsText(h HostFiles) (string, error) {
	var b strings.Builder
	b.WriteString("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\n" +
		"ff00::0\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n")
	for _, e := range h.ExtraHosts {
		name, addr, ok := strings.Cut(e, ":")
		if !ok || name == "" || addr == "" {
			return "", fmt.Errorf("bad format for add-host: %q", e)
		}
		if _, err := netip.ParseAddr(addr); err != nil {
			return "", fmt.Errorf("invalid IP address in add-host: %q", addr)
		}
		fmt.Fprintf(&b, "%s\t%s\n", addr, name)
	}
	for _, l := range h.Links {
		fmt.Fprintf(&b, "%s\t%s\n", l.IP, strings.Join(l.Names, " "))
	}
	switch {
	case h.IP.IsValid() && h.Hostname != "":
		fmt.Fprintf(&b, "%s\t%s\n", h.IP, h.Hostname)
	case h.SharedNet && h.Hostname != "":
		fmt.Fprintf(&b, "127.0.1.1\t%s\n", h.Hostname)
	}
	return b.String(), nil
}
