package archtest

import (
	"slices"
	"strings"
	"testing"
)

// room says what of this module some packages may import. Packages below Name
// belong to it unless a longer name fits them, and may import each other.
type room struct {
	Name string
	May  []string // with all that is below
	Why  string
}

// ground is what every package may lean on: it knows no service.
var ground = []string{"internal/apierr", "internal/arn", "internal/page", "internal/tag", "internal/wildcard"}

func and(lists ...[]string) []string { return slices.Concat(lists...) }

func the(names ...string) []string { return names }

// house lists all rooms, from the ground up.
var house = []room{
	{"internal/apierr", nil, "the ground floor knows no service and no neighbour"},
	{"internal/arn", nil, "the ground floor knows no service and no neighbour"},
	{"internal/page", nil, "the ground floor knows no service and no neighbour"},
	{"internal/tag", nil, "the ground floor knows no service and no neighbour"},
	{"internal/wildcard", nil, "the ground floor knows no service and no neighbour"},
	{"internal/netns", nil, "the ground floor knows no service and no neighbour"},
	{"internal/agentproto", nil, "the messages are what two sides share that know nothing of each other"},
	{"internal/installation", nil, "a data directory can be read without any part of Slipway"},
	{"internal/store", nil, "the store keeps what it is given and knows no room"},
	{"internal/ssmchannel", nil, "the messages are what both ends of a data channel share that know nothing of each other"},
	{"internal/logstore", nil, "it keeps events and knows no group, no stream and no account"},
	{"internal/seal", the("internal/store"), "it encrypts for every room and knows none"},
	{"internal/wire", the("internal/apierr"), "the protocols know no service: services are bound to them"},
	{"internal/schedule", nil, "placement is pure: it decides over what it is given"},

	{"internal/authz/policy", and(ground), "what a policy says is decided purely, over documents and facts"},
	{"internal/service/iam", and(ground, the("internal/store", "internal/authz/policy")), "floor 1: a room knows its records, no wire and no room above it"},
	{"internal/service/ec2", and(ground, the("internal/store", "internal/service/iam")), "floor 1: a room knows its records, no wire and no room above it"},
	{"internal/service/ecr", and(ground, the("internal/store", "internal/service/iam")), "floor 1: a room knows its records, no wire and no room above it"},
	{"internal/service/logs", and(ground, the("internal/store", "internal/logstore")), "floor 1: a room knows its records, no wire and no room above it"},
	{"internal/service/logs/pattern", nil, "what a pattern matches is decided purely, over text"},
	{"internal/service/ssmmessages", and(ground, the("internal/ssmchannel", "internal/store", "internal/service/ecs", "internal/wire")), "floor 2: it is a web socket's both ends, and enters what the ecs room runs"},
	{"internal/service/secretsmanager", and(ground, the("internal/store", "internal/seal")), "floor 1: a room knows its records, no wire and no room above it"},
	{"internal/service/ssm", and(ground, the("internal/store", "internal/seal")), "floor 1: a room knows its records, no wire and no room above it"},
	{
		"internal/service/ecs",
		and(ground, the("internal/store", "internal/schedule", "internal/agentproto", "internal/service/iam",
			"internal/service/ec2", "internal/service/ecr", "internal/service/ecs/ecsshape")),
		"floor 2: a room knows its records, those of floor 1, and of the shapes those that a user wrote and it only keeps",
	},
	{"internal/service/ec2/ec2api", and(ground, the("internal/wire", "internal/service/ec2")), "a front door translates: it knows the wire and its own room"},
	{"internal/service/ecr/ecrapi", and(ground, the("internal/wire", "internal/service/ecr")), "a front door translates: it knows the wire and its own room"},
	{"internal/service/ecs/ecsapi", and(ground, the("internal/wire", "internal/service/ecs")), "a front door translates: it knows the wire and its own room"},
	{"internal/service/iam/iamapi", and(ground, the("internal/authz/policy", "internal/wire", "internal/service/iam")), "a front door translates: it knows the wire and its own room"},
	{"internal/service/logs/logsapi", and(ground, the("internal/wire", "internal/service/logs")), "a front door translates: it knows the wire and its own room"},
	{"internal/service/secretsmanager/secretsmanagerapi", and(ground, the("internal/wire", "internal/service/secretsmanager")), "a front door translates: it knows the wire and its own room"},
	{"internal/service/ssm/ssmapi", and(ground, the("internal/wire", "internal/service/ssm")), "a front door translates: it knows the wire and its own room"},
	{"internal/service/sts/stsapi", and(ground, the("internal/authz/policy", "internal/wire", "internal/service/sts", "internal/service/iam")), "a front door translates: it knows the wire, and the room of whom sessions are of"},
	{"internal/service/ec2/ec2shape", the("internal/apierr", "internal/wire"), "shapes are the protocols' and nobody's rules"},
	{"internal/service/ecr/ecrshape", the("internal/apierr", "internal/wire"), "shapes are the protocols' and nobody's rules"},
	{"internal/service/ecs/ecsshape", the("internal/apierr", "internal/wire"), "shapes are the protocols' and nobody's rules"},
	{"internal/service/iam/iamshape", the("internal/apierr", "internal/wire"), "shapes are the protocols' and nobody's rules"},
	{"internal/service/logs/logsshape", the("internal/apierr", "internal/wire"), "shapes are the protocols' and nobody's rules"},
	{"internal/service/secretsmanager/secretsmanagershape", the("internal/apierr", "internal/wire"), "shapes are the protocols' and nobody's rules"},
	{"internal/service/ssm/ssmshape", the("internal/apierr", "internal/wire"), "shapes are the protocols' and nobody's rules"},
	{"internal/service/sts/stsshape", the("internal/apierr", "internal/wire"), "shapes are the protocols' and nobody's rules"},

	{"internal/authz", the("internal/apierr", "internal/wildcard", "internal/service/iam", "internal/wire"), "it holds calls against keys and knows nothing of what they call"},
	{"internal/objects", the("internal/apierr", "internal/wire"), "it serves files, and knows no room and no record"},
	{"internal/registry", the("internal/apierr", "internal/service/ecr", "internal/store"), "the registry keeps bytes; which images there are is the ecr room's"},
	{"internal/controller", the("internal/store", "internal/schedule", "internal/service/ecs"), "controllers work on records, not on requests"},
	{"internal/controller/rollout", the("internal/schedule", "internal/service/ecs"), "a deployment's next step is decided purely, over records"},
	{"internal/session", and(ground, the("internal/agentproto", "internal/store", "internal/service/ecs", "internal/wire")), "a session is a watch on the store, and what it sends is the room's"},
	{
		"internal/server",
		and(ground, the("internal/authz", "internal/controller", "internal/logstore", "internal/objects", "internal/registry", "internal/seal", "internal/service", "internal/session", "internal/store", "internal/wire")),
		"the control plane runs without containers: it knows no agent, no instance and no fabric",
	},

	{
		"internal/agent",
		the("internal/agentproto", "internal/netns", "internal/ssmchannel", "internal/wire/sigv4"),
		"the agent could be another company's product: it knows AWS's protocol, no store and no room",
	},
	{
		"internal/agent/link",
		the("internal/agent/awscall", "internal/agent/engine", "internal/agentproto", "internal/wire/shape", "internal/wire/sigv4",
			"internal/service/ecs/ecsshape", "internal/service/ecr/ecrshape"),
		"of the agent, only the link calls AWS operations",
	},
	{"internal/agent/lifecycle", the("internal/agentproto"), "a task's next step is decided purely"},
	{"internal/agent/engine", the("internal/agentproto", "internal/agent/lifecycle", "internal/agent/journal", "internal/agent/logdriver/firelens"), "the engine asks for effects by interfaces, so that a machine of the tests' own can be below it"},
	{"internal/fabric", the("internal/netns"), "the fabric does as it is told; the control plane owns the addresses"},
	{"internal/instance", the("internal/agent/cgroup", "internal/fabric", "internal/netns"), "which instances there are is the caller's decision: no ECS, no store"},
	{"internal/doctor", the("internal/agent/cgroup", "internal/agent/runtime", "internal/netns"), "it examines the machine, with or without a Slipway on it"},
	{"internal/client", the("internal/installation", "internal/service/iam", "internal/wire/sigv4"), "it is a client like any other, but for finding the root key"},
	{
		"internal/up",
		the("internal/agent/cgroup", "internal/agent/runtime", "internal/fabric", "internal/installation", "internal/instance",
			"internal/server", "internal/service/ec2", "internal/service/ecs", "internal/store"),
		"it starts the roles and makes their instances; requests, shapes and protocols are not its business",
	},
	{"internal/archtest", nil, "it reads the others as text"},

	{"cmd/slipway", the("internal"), "flags and wiring: it may start whatever there is"},
	{"demo", the("test/harness", "test/image", "test/machine"), "a demo is a client that we could not have written"},
	{"test", nil, "end-to-end tests see what a client sees"},
	{
		"test/bench",
		the("internal/agent/cgroup", "internal/agentproto", "internal/installation", "internal/wire/sigv4", "test/harness", "test/image"),
		"benchmarks see what a client sees, play agents, and read what the machine counts",
	},
}

// roomOf returns the room of a package: the longest name that fits.
func roomOf(pkg string) (room, bool) {
	best, found := room{}, false
	for _, r := range house {
		if under(pkg, r.Name) && len(r.Name) >= len(best.Name) {
			best, found = r, true
		}
	}
	return best, found
}

// allowed tells whether the packages of r may import a package of this module.
func (r room) allowed(name string) bool {
	own, _ := roomOf(name)
	switch {
	case own.Name == r.Name:
		return true
	case isFrontDoor(name):
		return r.Name == "internal/server"
	case isShape(name):
		return slices.ContainsFunc(r.May, func(may string) bool {
			return under(name, may) && (isShape(may) || isFrontDoor(r.Name) || under(r.Name, "cmd"))
		})
	case under(name, r.Name):
		return true // a part that has rules of its own, such as agent/link below agent
	}
	return slices.ContainsFunc(r.May, func(may string) bool { return under(name, may) })
}

func isShape(name string) bool {
	return under(name, "internal/service") && strings.HasSuffix(name, "shape")
}

func isFrontDoor(name string) bool {
	return under(name, "internal/service") && strings.HasSuffix(name, "api")
}

func TestImportsGoDownward(t *testing.T) {
	for _, p := range packages(t) {
		r, ok := roomOf(p.name())
		if !ok {
			t.Errorf("%s is in no room: say in house what it may import, and why", p.name())
			continue
		}
		for _, imp := range p.Imports {
			if name, ours := strings.CutPrefix(imp, module); ours && !r.allowed(name) {
				t.Errorf("%s imports %s: %s", p.name(), name, r.Why)
			}
		}
	}
}

func TestTheHouseHasWalls(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"internal/service/ecs/ecsapi", "internal/service/ecs/ecsshape", true},
		{"internal/service/ecs/ecsapi", "internal/service/ecr", false},
		{"internal/service/ecs/ecsapi", "internal/store", false},
		{"internal/service/ecs", "internal/wire", false},
		{"internal/service/ecs", "internal/service/ecs/ecsapi", false},
		{"internal/service/ecr", "internal/service/ecs", false},
		{"internal/service/ecr", "internal/service/ecr/ecrshape", false},
		{"internal/service/iam/iamtest", "internal/service/iam", true},
		{"internal/controller", "internal/service/ecs", true},
		{"internal/controller", "internal/service/ecs/ecsapi", false},
		{"internal/controller/loop", "internal/service/ecs/ecsshape", false},
		{"internal/server", "internal/service/ecs/ecsapi", true},
		{"internal/server", "internal/service/ecs/ecsshape", false},
		{"internal/server", "internal/agent", false},
		{"internal/session", "internal/service/ecs/ecsshape", false},
		{"internal/agent", "internal/agent/link", true},
		{"internal/agent/image", "internal/service/ecr/ecrshape", false},
		{"internal/agent/link", "internal/service/ecr/ecrshape", true},
		{"internal/agent/link", "internal/service/ecr", false},
		{"internal/agent/link", "internal/wire", false},
		{"internal/agent/engine", "internal/agent/runtime", false},
		{"internal/agent/lifecycle", "internal/agent/engine", false},
		{"internal/store", "internal/service/iam", false},
		{"internal/wire/sigv4", "internal/wire", true},
		{"internal/wire/sigv4", "internal/service/iam", false},
		{"internal/schedule/query", "internal/schedule", true},
		{"internal/schedule/query", "internal/store", false},
		{"cmd/slipway", "internal/service/ecs/ecsshape", true},
		{"cmd/slipway", "test/harness", false},
		{"internal/up", "internal/service/ecs/ecsshape", false},
	} {
		if r, ok := roomOf(c.from); !ok || r.allowed(c.to) != c.want {
			t.Errorf("%s may import %s: %v, want %v", c.from, c.to, !c.want, c.want)
		}
	}
}

func TestEveryRoomIsThere(t *testing.T) {
	all := packages(t)
	for _, r := range house {
		for _, name := range append(r.May, r.Name) {
			if !slices.ContainsFunc(all, func(p pkg) bool { return under(p.name(), name) }) {
				t.Errorf("house names %s, which is no package", name)
			}
		}
		if r.Why == "" {
			t.Errorf("house gives no reason for %s", r.Name)
		}
	}
}

func under(name, dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") }
