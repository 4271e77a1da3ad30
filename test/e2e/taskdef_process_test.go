//go:build e2e

package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/namespaces"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// processRows: what a container's process is told (ecs-behaviour: containers).
var processRows = []row{{
	name: "command absent: the image's", check: prints("the image's command\nthe image's command\n"),
	def: of(box("main")),
}, {
	name: "command replaces the image's", check: prints("mine\nmine\n"),
	def: of(box("main", "print", "mine")),
}, {
	name: "entryPoint drops the image's command", check: seesItself(func(t *testing.T, p inspected) {
		if !slices.Equal(p.Args, []string{"/web", "inspect"}) {
			t.Errorf("arguments %q", p.Args)
		}
	}),
	def: of(with(box("main"), func(c *types.ContainerDefinition) { c.EntryPoint = []string{"/web", "inspect"} })),
}, {
	name: "entryPoint through a shell", check: prints("{\"/tmp\":\"\"}\n{\"/stuff\":\"given\"}\n"),
	def: of(with(box("main", "read /tmp && read /stuff"), func(c *types.ContainerDefinition) { c.EntryPoint = []string{"/bin/sh", "-c"} })),
}, {
	name: "workingDirectory that the image does not have is made", check: seesItself(func(t *testing.T, p inspected) {
		if p.Dir != "/made/for/it" {
			t.Errorf("directory %q", p.Dir)
		}
	}),
	def: of(with(box("main", "inspect"), func(c *types.ContainerDefinition) { c.WorkingDirectory = aws.String("/made/for/it") })),
}, {
	name: "environment of the definition and of the agent",
	def: of(with(box("main", "inspect"), func(c *types.ContainerDefinition) {
		c.Environment = []types.KeyValuePair{pair("A", "1"), pair("EMPTY", ""), pair("SPACED", " a  b "), pair("PATH", "/mine")}
	})),
	check: seesItself(func(t *testing.T, p inspected) {
		for _, want := range []string{"A=1", "EMPTY=", "SPACED= a  b ", "PATH=/mine", "AWS_EXECUTION_ENV=AWS_ECS_EC2"} {
			if !slices.Contains(p.Env, want) {
				t.Errorf("environment %q lacks %q", p.Env, want)
			}
		}
		for _, name := range []string{"ECS_CONTAINER_METADATA_URI=", "ECS_CONTAINER_METADATA_URI_V4=", "ECS_AGENT_URI="} {
			if !slices.ContainsFunc(p.Env, func(e string) bool { return strings.HasPrefix(e, name+"http://169.254.170.2/") }) {
				t.Errorf("environment %q lacks %s", p.Env, name)
			}
		}
	}),
}, {
	name: "overrides of environment, command, cpu and memory",
	def: of(with(box("main", "exit", "1"), func(c *types.ContainerDefinition) {
		c.Environment = []types.KeyValuePair{pair("KEPT", "1"), pair("CHANGED", "1")}
	})),
	run: func(in *ecs.RunTaskInput) {
		in.Overrides = &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{
			Name: aws.String("main"), Command: []string{"inspect"}, Cpu: aws.Int32(256), Memory: aws.Int32(96),
			Environment: []types.KeyValuePair{pair("CHANGED", "2"), pair("ADDED", "3")},
		}}}
	},
	check: seesItself(func(t *testing.T, p inspected) {
		for _, want := range []string{"KEPT=1", "CHANGED=2", "ADDED=3"} {
			if !slices.Contains(p.Env, want) {
				t.Errorf("environment %q lacks %q", p.Env, want)
			}
		}
	}),
}, {
	name: "user by name, with the groups of the image", check: sees("/proc/self/status", "Uid:\t1234\t1234", "Gid:\t2345\t2345", "Groups:\t2345 3456"),
	def: of(as(box("main", "read", "/proc/self/status"), "alice")),
}, {
	name: "user by uid and gid", check: sees("/proc/self/status", "Uid:\t77\t77", "Gid:\t88\t88"),
	def: of(as(box("main", "read", "/proc/self/status"), "77:88")),
}, {
	name: "user by uid and group name", check: sees("/proc/self/status", "Uid:\t77\t77", "Gid:\t2345\t2345"),
	def: of(as(box("main", "read", "/proc/self/status"), "77:staff")),
}, {
	name: "user without rights has no capabilities", check: sees("/proc/self/status", "CapEff:\t0000000000000000"),
	def: of(as(box("main", "read", "/proc/self/status"), "alice")),
}, {
	name:  "user that the image does not have",
	def:   of(as(box("main", "exit", "0"), "nobody")),
	check: fails("CannotStartContainerError: Error response from daemon: unable to find user nobody: no matching entries in passwd file"),
}, {
	name:  "group that the image does not have",
	def:   of(as(box("main", "exit", "0"), "alice:nobodies")),
	check: fails("CannotStartContainerError: Error response from daemon: unable to find group nobodies: no matching entries in group file"),
}, {
	name: "pseudoTerminal", check: prints("terminals: 0 1 2\r\n"),
	def: of(with(box("main", "terminal"), func(c *types.ContainerDefinition) { c.PseudoTerminal = aws.Bool(true) })),
}, {
	name: "pseudoTerminal absent", check: prints("terminals: \n"),
	def: of(box("main", "terminal")),
}, {
	name: "interactive keeps the input open", check: prints("input is open\n"),
	def: of(with(box("main", "input"), func(c *types.ContainerDefinition) { c.Interactive = aws.Bool(true) })),
}, {
	name: "interactive absent: the input has ended", check: prints("input ended\n"),
	def: of(box("main", "input")),
}, {
	name: "dockerLabels and the labels of ECS",
	def:  of(with(box("main", "sleep", "3600"), func(c *types.ContainerDefinition) { c.DockerLabels = map[string]string{"team": "a b"} })),
	check: func(t *testing.T, r *ran) {
		labels := r.labels(t, r.running(t))
		want := map[string]string{
			"team": "a b", "com.amazonaws.ecs.task-arn": r.arn, "com.amazonaws.ecs.container-name": "main",
			"com.amazonaws.ecs.task-definition-version": "1", "com.amazonaws.ecs.cluster": "default",
		}
		for name, value := range want {
			if labels[name] != value {
				t.Errorf("label %s is %q, want %q", name, labels[name], value)
			}
		}
	},
}}

func as(c types.ContainerDefinition, user string) types.ContainerDefinition {
	c.User = &user
	return c
}

// seesItself checks what `web inspect` printed in the container main.
func seesItself(check func(*testing.T, inspected)) func(*testing.T, *ran) {
	return func(t *testing.T, r *ran) {
		var p inspected
		out := r.output(t, r.succeeds(t), "main")
		if err := json.Unmarshal([]byte(out), &p); err != nil {
			t.Fatalf("output %q: %v", out, err)
		}
		check(t, p)
	}
}

// labels are those of the container main, as containerd knows them.
func (r *ran) labels(t *testing.T, task types.Task) map[string]string {
	t.Helper()
	client, err := containerd.New(r.socket(t))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx := namespaces.WithNamespace(t.Context(), "slipway-"+r.name(t))
	c, err := client.LoadContainer(ctx, aws.ToString(container(t, task, "main").RuntimeId))
	if err != nil {
		t.Fatal(err)
	}
	labels, err := c.Labels(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return labels
}
