package network

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// hostPort names a port of the instance.
type hostPort struct {
	proto string
	port  uint16
}

// ports gives out host ports. Each is held by a bound socket while it is
// published, so that no other program of the instance can take it.
type ports struct {
	min, max uint16
	reserved map[string][]uint16 // by protocol
	next     map[string]uint16   // by protocol: where the search goes on
	held     map[hostPort]held
}

type held struct {
	owner string // container id
	fd    int
}

func newPorts(cfg Config) (*ports, error) {
	p := &ports{
		min: cfg.PortMin, max: cfg.PortMax, reserved: map[string][]uint16{"tcp": cfg.Reserved, "udp": cfg.ReservedUDP},
		next: map[string]uint16{}, held: map[hostPort]held{},
	}
	if p.min == 0 {
		data, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
		if err != nil {
			return nil, fmt.Errorf("read ephemeral port range: %w", err)
		}
		if _, err := fmt.Sscan(string(data), &p.min, &p.max); err != nil {
			return nil, fmt.Errorf("read ephemeral port range: %w", err)
		}
	}
	if p.max < p.min {
		return nil, fmt.Errorf("dynamic host port range %d-%d is empty", p.min, p.max)
	}
	return p, nil
}

// take gives the ports asked for, all or none.
func (p *ports) take(owner string, asked []Port) ([]Binding, error) {
	var out []Binding
	// Fixed ones first, so that a dynamic one cannot take what is asked for; then
	// the ranges, which single ones would break up.
	order := slices.Clone(asked)
	slices.SortStableFunc(order, func(a, b Port) int { return rank(a) - rank(b) })
	for _, a := range order {
		binding, err := p.bind(owner, a)
		if err != nil {
			p.release(owner)
			return nil, err
		}
		out = append(out, binding)
	}
	return out, nil
}

func rank(p Port) int {
	switch {
	case p.Host != 0:
		return 0
	case p.ContainerEnd != 0:
		return 1
	}
	return 2
}

func (p *ports) bind(owner string, a Port) (Binding, error) {
	out := Binding{BindIP: "0.0.0.0", Protocol: a.Proto}
	if a.ContainerEnd != 0 {
		size := int(a.ContainerEnd-a.Container) + 1
		start, err := p.row(owner, a.Proto, size)
		if err != nil {
			return out, err
		}
		out.ContainerPortRange = fmt.Sprintf("%d-%d", a.Container, a.ContainerEnd)
		out.HostPortRange = fmt.Sprintf("%d-%d", start, int(start)+size-1)
		return out, nil
	}
	port, err := p.one(owner, a)
	out.ContainerPort, out.HostPort = a.Container, port
	return out, err
}

// row gives the first of size ports one after the other.
func (p *ports) row(owner, proto string, size int) (uint16, error) {
	for start := int(p.min); start+size-1 <= int(p.max); start++ {
		free := 0
		for free < size && p.try(owner, hostPort{proto, uint16(start + free)}) {
			free++
		}
		if free == size {
			return uint16(start), nil
		}
		for i := range free {
			p.drop(hostPort{proto, uint16(start + i)})
		}
		start += free // the port that is taken cannot be part of any row
	}
	// The ECS agent's words.
	return 0, fmt.Errorf("%d contiguous host ports unavailable: %w", size, ErrNoPorts)
}

// try holds a port of the dynamic range if it may be given out and is free.
func (p *ports) try(owner string, hp hostPort) bool {
	return !slices.Contains(p.reserved[hp.proto], hp.port) && p.hold(owner, hp) == nil
}

func (p *ports) drop(hp hostPort) {
	unix.Close(p.held[hp].fd)
	delete(p.held, hp)
}

func (p *ports) one(owner string, a Port) (uint16, error) {
	if a.Host != 0 {
		return a.Host, p.hold(owner, hostPort{a.Proto, a.Host})
	}
	at := max(p.next[a.Proto], p.min)
	for range int(p.max) - int(p.min) + 1 {
		if at > p.max || at < p.min {
			at = p.min
		}
		port := at
		at++ // wraps to 0 behind 65535, which the check above takes back
		if !p.try(owner, hostPort{a.Proto, port}) {
			continue
		}
		p.next[a.Proto] = at
		return port, nil
	}
	return 0, ErrNoPorts
}

func (p *ports) hold(owner string, hp hostPort) error {
	if h, ok := p.held[hp]; ok {
		return &PortInUseError{Port: hp.port, Proto: hp.proto, Owner: h.owner}
	}
	fd, err := bind(hp)
	if errors.Is(err, unix.EADDRINUSE) {
		return &PortInUseError{Port: hp.port, Proto: hp.proto}
	}
	if err != nil {
		return fmt.Errorf("bind port %d/%s: %w", hp.port, hp.proto, err)
	}
	p.held[hp] = held{owner: owner, fd: fd}
	return nil
}

// bind holds a port without listening: where the table does not lead a packet
// to the container, the kernel refuses it as for a closed port.
func bind(hp hostPort) (int, error) {
	kind := unix.SOCK_STREAM
	if hp.proto == "udp" {
		kind = unix.SOCK_DGRAM
	}
	fd, err := unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: int(hp.port)}); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func (p *ports) release(owner string) {
	for hp, h := range p.held {
		if h.owner == owner {
			p.drop(hp)
		}
	}
}

func (p *ports) close() {
	for _, h := range p.held {
		unix.Close(h.fd)
	}
	clear(p.held)
}
