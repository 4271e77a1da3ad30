//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

func TestBridgeWithDynamicPorts(t *testing.T) {
	t.Parallel()
	s := shared
	definition := s.versioned(t, "dynamic", "dynamic")
	in := &ecs.RunTaskInput{TaskDefinition: &definition, Count: aws.Int32(2), PlacementStrategy: packed}
	tasks, failures := s.runAll(t, in)
	if len(tasks) != 2 || len(failures) != 0 {
		t.Fatalf("%d tasks, failures %v", len(tasks), viewFailures(failures))
	}
	machines := s.machines(t)
	ports := map[int32]bool{}
	for i := range tasks {
		tasks[i] = s.await(t, *tasks[i].TaskArn, "RUNNING")
		b := tasks[i].Containers[0].NetworkBindings
		if len(b) != 1 || *b[0].ContainerPort != 80 || *b[0].HostPort < 32768 || b[0].Protocol != types.TransportProtocolTcp ||
			*b[0].BindIP != "0.0.0.0" {
			t.Fatalf("bindings %+v", b)
		}
		ports[*b[0].HostPort] = true
		if body := fetch(t, address(t, tasks[i], machines), "/"); !strings.Contains(body, "version dynamic") {
			t.Errorf("answer %q", body)
		}
	}
	if *tasks[0].ContainerInstanceArn != *tasks[1].ContainerInstanceArn || len(ports) != 2 {
		t.Errorf("two tasks packed on one instance have the ports %v", ports)
	}
}

// packed puts the tasks of one call onto one instance.
var packed = []types.PlacementStrategy{{Type: types.PlacementStrategyTypeBinpack, Field: aws.String("memory")}}

func TestFixedHostPort(t *testing.T) {
	t.Parallel()
	s := shared
	c := s.web("web")
	c.PortMappings = []types.PortMapping{{ContainerPort: aws.Int32(80), HostPort: aws.Int32(18080)}}
	definition := s.register(t, "fixed", c)
	in := &ecs.RunTaskInput{TaskDefinition: &definition, Count: aws.Int32(4)}
	tasks, failures := s.runAll(t, in)
	if len(tasks) != 3 {
		t.Fatalf("%d tasks run on three instances", len(tasks))
	}
	if len(failures) == 0 {
		t.Fatal("the fourth task is refused without a reason")
	}
	for _, f := range failures {
		if aws.ToString(f.Reason) != "RESOURCE:PORTS" || !strings.Contains(aws.ToString(f.Arn), ":container-instance/default/") {
			t.Errorf("failure %q of %s", aws.ToString(f.Reason), aws.ToString(f.Arn))
		}
	}
	machines := s.machines(t)
	for _, task := range tasks {
		running := s.await(t, *task.TaskArn, "RUNNING")
		if got := address(t, running, machines); !strings.HasSuffix(got, ":18080") {
			t.Errorf("published at %s", got)
		}
		fetch(t, address(t, running, machines), "/healthz")
	}

	// The port is free again as soon as its task has stopped.
	s.stop(t, *tasks[0].TaskArn)
	next, failures := s.runAll(t, &ecs.RunTaskInput{TaskDefinition: &definition})
	if len(next) != 1 {
		t.Fatalf("failures %v", viewFailures(failures))
	}
	if *next[0].ContainerInstanceArn != *tasks[0].ContainerInstanceArn {
		t.Errorf("placed on %s, where the port is taken", *next[0].ContainerInstanceArn)
	}
	fetch(t, address(t, s.await(t, *next[0].TaskArn, "RUNNING"), machines), "/healthz")
}

func TestHostMode(t *testing.T) {
	t.Parallel()
	s := shared
	c := s.web("web")
	c.Environment = []types.KeyValuePair{pair("PORT", "18081")}
	c.PortMappings = []types.PortMapping{{ContainerPort: aws.Int32(18081)}}
	definition := s.registerInput(t, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("hostmode"), NetworkMode: types.NetworkModeHost, ContainerDefinitions: []types.ContainerDefinition{c},
	})
	task := s.await(t, s.run(t, definition), "RUNNING")
	m := s.machines(t)[*task.ContainerInstanceArn]
	fetch(t, hostPort(m.address, 18081), "/healthz")

	second, err := s.aws.ECS.StartTask(t.Context(), &ecs.StartTaskInput{TaskDefinition: &definition, ContainerInstances: []string{m.arn}})
	if err != nil {
		t.Fatal(err)
	}
	if len(second.Failures) != 1 || aws.ToString(second.Failures[0].Reason) != "RESOURCE:PORTS" || *second.Failures[0].Arn != m.arn {
		t.Errorf("a second task on the same instance: %d tasks, failures %v", len(second.Tasks), viewFailures(second.Failures))
	}
}

// viewFailures prints failures in one line.
func viewFailures(failures []types.Failure) []string {
	var out []string
	for _, f := range failures {
		out = append(out, aws.ToString(f.Reason)+" "+aws.ToString(f.Arn)+" "+aws.ToString(f.Detail))
	}
	return out
}

func TestNoneMode(t *testing.T) {
	t.Parallel()
	s := shared
	definition := s.registerInput(t, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("nonemode"), NetworkMode: types.NetworkModeNone,
		ContainerDefinitions: []types.ContainerDefinition{s.web("web", "inspect")},
	})
	if seen := s.inspect(t, s.run(t, definition)); !slices.Equal(seen.Interfaces, []string{"lo"}) {
		t.Errorf("a container without network has the interfaces %q", seen.Interfaces)
	}
}
