//go:build e2e

package e2e

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// create creates a service, which is deleted when the test ends, and waits until
// it is stable.
func (s *site) create(t *testing.T, name, definition string, n int32, change ...func(*ecs.CreateServiceInput)) {
	t.Helper()
	in := &ecs.CreateServiceInput{ServiceName: &name, TaskDefinition: &definition, DesiredCount: &n}
	for _, c := range change {
		c(in)
	}
	if _, err := s.aws.ECS.CreateService(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() {
		_, err := s.aws.ECS.DeleteService(ctx, &ecs.DeleteServiceInput{Service: &name, Force: aws.Bool(true)})
		if _, gone := errors.AsType[*types.ServiceNotFoundException](err); err != nil && !gone && !t.Failed() {
			t.Errorf("delete service %s: %v", name, err)
		}
	})
	s.stable(t, name, n)
}

func (s *site) describeService(t *testing.T, name string) types.Service {
	t.Helper()
	out, err := s.aws.ECS.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Services: []string{name}})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Services) != 1 {
		t.Fatalf("DescribeServices of %s: %+v", name, out.Failures)
	}
	return out.Services[0]
}

// serviceView is what matters of a service, in one line.
type serviceView struct {
	Status                    string
	Desired, Running, Pending int32
	Deployments               []string
	Events                    []string
}

func viewService(s types.Service) serviceView {
	v := serviceView{Status: aws.ToString(s.Status), Desired: s.DesiredCount, Running: s.RunningCount, Pending: s.PendingCount}
	for _, d := range s.Deployments {
		v.Deployments = append(v.Deployments, aws.ToString(d.Status)+" "+string(d.RolloutState)+" "+aws.ToString(d.TaskDefinition))
	}
	for _, e := range s.Events[:min(5, len(s.Events))] {
		v.Events = append(v.Events, aws.ToString(e.Message))
	}
	return v
}

// stable waits until a service has n running tasks of one COMPLETED deployment.
func (s *site) stable(t *testing.T, name string, n int32) {
	t.Helper()
	eventually(t, "steady state of "+name, func() (serviceView, bool) {
		v := s.describeService(t, name)
		return viewService(v), len(v.Deployments) == 1 && v.Deployments[0].RolloutState == types.DeploymentRolloutStateCompleted &&
			v.RunningCount == n && v.DesiredCount == n && v.PendingCount == 0
	})
}

// update changes a service.
func (s *site) update(t *testing.T, name string, change func(*ecs.UpdateServiceInput)) {
	t.Helper()
	in := &ecs.UpdateServiceInput{Service: &name}
	change(in)
	if _, err := s.aws.ECS.UpdateService(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// assertReplicas checks that the containers of a service are those of its n
// running tasks of a definition, one each, and no other.
func (s *site) assertReplicas(t *testing.T, service, definition string, n int) {
	t.Helper()
	eventually(t, "one container for each replica of "+service, func() ([]string, bool) {
		var odd, arns []string
		for _, task := range s.tasks(t, types.DesiredStatusRunning, service) {
			arns = append(arns, *task.TaskArn)
			if aws.ToString(task.TaskDefinitionArn) != definition || aws.ToString(task.LastStatus) != "RUNNING" {
				odd = append(odd, "task "+taskView{task}.String()+" of "+aws.ToString(task.TaskDefinitionArn))
			}
		}
		owned := map[string]int{}
		for _, p := range s.processes(t) {
			if p.pid == 0 {
				continue
			}
			owned[p.task]++
			if task := s.describe(t, p.task); aws.ToString(task.Group) == "service:"+service && !slices.Contains(arns, p.task) {
				odd = append(odd, "container of "+p.task)
			}
		}
		for _, arn := range arns {
			if owned[arn] != 1 {
				odd = append(odd, "containers of "+arn+": "+itoa(int32(owned[arn])))
			}
		}
		return odd, len(odd) == 0 && len(arns) == n
	})
}
