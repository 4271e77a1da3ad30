//go:build e2e

package e2e

import (
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// networkRows: networkMode, portMappings and names (task_definition_parameters).
var networkRows = []row{{
	name: "hostname", check: seesItself(func(t *testing.T, p inspected) {
		if p.Hostname != "mine" {
			t.Errorf("hostname %q", p.Hostname)
		}
	}),
	def: of(with(box("main", "inspect"), func(c *types.ContainerDefinition) { c.Hostname = aws.String("mine") })),
}, {
	name: "extraHosts", check: sees("/etc/hosts", "10.1.2.3\tdatabase\n", "fd00::1\tsixth\n"),
	def: of(with(box("main", "read", "/etc/hosts"), func(c *types.ContainerDefinition) {
		c.ExtraHosts = []types.HostEntry{
			{Hostname: aws.String("database"), IpAddress: aws.String("10.1.2.3")}, {Hostname: aws.String("sixth"), IpAddress: aws.String("fd00::1")},
		}
	})),
}, {
	name: "dnsServers and dnsSearchDomains", check: func(t *testing.T, r *ran) {
		if got := r.saw(t)["/etc/resolv.conf"]; !strings.HasPrefix(got, "nameserver 10.9.8.7\nnameserver 10.9.8.6\nsearch a.example b.example\n") {
			t.Errorf("resolv.conf %q", got)
		}
	},
	def: of(with(box("main", "read", "/etc/resolv.conf"), func(c *types.ContainerDefinition) {
		c.DnsServers, c.DnsSearchDomains = []string{"10.9.8.7", "10.9.8.6"}, []string{"a.example", "b.example"}
	})),
}, {
	name: "networkMode bridge: an address of its own and a name for it", check: func(t *testing.T, r *ran) {
		seen := r.saw(t)
		if !strings.Contains(seen["/proc/net/dev"], "eth0") || strings.TrimSpace(seen["/etc/hostname"]) == "" ||
			!strings.Contains(seen["/etc/hosts"], "\t"+strings.TrimSpace(seen["/etc/hostname"])+"\n") {
			t.Errorf("saw %q", seen)
		}
	},
	def: of(box("main", "read", "/proc/net/dev", "/etc/hosts", "/etc/hostname")),
}, {
	name: "networkMode none", check: func(t *testing.T, r *ran) {
		if dev := r.saw(t)["/proc/net/dev"]; !strings.Contains(dev, "lo:") || strings.Count(dev, ":") != 1 {
			t.Errorf("devices %q", dev)
		}
	},
	def: definition{NetworkMode: types.NetworkModeNone, ContainerDefinitions: []types.ContainerDefinition{box("main", "read", "/proc/net/dev")}},
}, {
	name: "networkMode host: the ports of the instance",
	def: definition{NetworkMode: types.NetworkModeHost, ContainerDefinitions: []types.ContainerDefinition{
		with(box("main", "serve"), func(c *types.ContainerDefinition) {
			c.Environment = []types.KeyValuePair{pair("PORT", "18210")}
			c.PortMappings = []types.PortMapping{{ContainerPort: aws.Int32(18210)}}
		}),
		with(beside("other", "do", "get http://127.0.0.1:18210/healthz"), func(c *types.ContainerDefinition) {
			c.DependsOn = []types.ContainerDependency{{ContainerName: aws.String("main"), Condition: onStart}}
		}),
	}},
	check: func(t *testing.T, r *ran) {
		task := r.running(t)
		m := r.machines(t)[*task.ContainerInstanceArn]
		fetch(t, hostPort(m.address, 18210), "/healthz")
		b := container(t, task, "main").NetworkBindings
		if len(b) != 1 || *b[0].HostPort != 18210 || *b[0].ContainerPort != 18210 {
			t.Errorf("bindings %+v", b)
		}
	},
}, {
	name: "portMappings: fixed and dynamic",
	def: of(with(box("main", "serve"), func(c *types.ContainerDefinition) {
		c.PortMappings = []types.PortMapping{{ContainerPort: aws.Int32(80), HostPort: aws.Int32(18200)}}
	}), with(box("other", "serve"), func(c *types.ContainerDefinition) {
		c.PortMappings = []types.PortMapping{{ContainerPort: aws.Int32(80)}, {ContainerPort: aws.Int32(53), Protocol: types.TransportProtocolUdp}}
	})),
	check: func(t *testing.T, r *ran) {
		task := r.running(t)
		m := r.machines(t)[*task.ContainerInstanceArn]
		fetch(t, hostPort(m.address, 18200), "/healthz")
		bindings := container(t, task, "other").NetworkBindings
		if len(bindings) != 2 {
			t.Fatalf("bindings %+v", bindings)
		}
		for _, b := range bindings {
			if *b.HostPort < 32768 || *b.BindIP != "0.0.0.0" {
				t.Errorf("binding %+v", b)
			}
			if b.Protocol == types.TransportProtocolTcp {
				fetch(t, hostPort(m.address, *b.HostPort), "/healthz")
			}
		}
	},
}, {
	name: "portMappings: containerPortRange",
	def: of(with(box("main", "serve"), func(c *types.ContainerDefinition) {
		c.Environment = []types.KeyValuePair{pair("PORT", "9003")}
		c.PortMappings = []types.PortMapping{{ContainerPortRange: aws.String("9001-9005")}}
	})),
	check: func(t *testing.T, r *ran) {
		task := r.running(t)
		bindings := container(t, task, "main").NetworkBindings
		if len(bindings) != 1 || aws.ToString(bindings[0].ContainerPortRange) != "9001-9005" {
			t.Fatalf("bindings %+v", bindings)
		}
		first, last, _ := strings.Cut(aws.ToString(bindings[0].HostPortRange), "-")
		low, err := strconv.Atoi(first)
		if high, herr := strconv.Atoi(last); err != nil || herr != nil || high != low+4 {
			t.Fatalf("range of the host %q", *bindings[0].HostPortRange)
		}
		fetch(t, hostPort(r.machines(t)[*task.ContainerInstanceArn].address, int32(low+2)), "/healthz")
	},
}, {
	name: "disableNetworking", check: func(t *testing.T, r *ran) {
		if dev := r.saw(t)["/proc/net/dev"]; strings.Contains(dev, "eth0") {
			t.Errorf("devices %q", dev)
		}
	},
	def: of(with(box("main", "read", "/proc/net/dev"), func(c *types.ContainerDefinition) { c.DisableNetworking = aws.Bool(true) })),
}}
