package network

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseRange reads a port range such as "8000-8010".
func ParseRange(s string) (first, last uint16, err error) {
	low, high, ok := strings.Cut(s, "-")
	a, aerr := strconv.ParseUint(strings.TrimSpace(low), 10, 16)
	b, berr := strconv.ParseUint(strings.TrimSpace(high), 10, 16)
	if !ok || aerr != nil || berr != nil || a == 0 || b < a {
		return 0, 0, fmt.Errorf("invalid port range %q", s)
	}
	return uint16(a), uint16(b), nil
}

// pairs yields each published port of the binding with the container's.
func (b Binding) pairs(yield func(host, container uint16) bool) {
	if b.HostPortRange == "" {
		yield(b.HostPort, b.ContainerPort)
		return
	}
	host, last, err := ParseRange(b.HostPortRange)
	container, _, cerr := ParseRange(b.ContainerPortRange)
	if err != nil || cerr != nil {
		return // we write them ourselves
	}
	for i := range int(last-host) + 1 {
		if !yield(host+uint16(i), container+uint16(i)) {
			return
		}
	}
}
