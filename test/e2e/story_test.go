//go:build e2e

package e2e

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// versioned registers a revision of a web server with a dynamic host port that
// answers with its version.
func (s *site) versioned(t *testing.T, family, version string) string {
	t.Helper()
	c := s.web("web")
	c.PortMappings = []types.PortMapping{{ContainerPort: aws.Int32(80), HostPort: aws.Int32(0)}}
	c.Environment = []types.KeyValuePair{{Name: aws.String("VERSION"), Value: &version}}
	return s.register(t, family, c)
}

// The story of `make demo`: a service from its creation to its end.
func TestLifeOfAService(t *testing.T) {
	t.Parallel()
	s, name := shared, "story"
	first := s.versioned(t, name, "1")
	s.create(t, name, first, 3)
	s.assertVersion(t, name, "1")
	s.assertZones(t, name)

	t.Run("a killed container is replaced", func(t *testing.T) { s.killReplica(t, name) })
	t.Run("a rollout keeps the minimum", func(t *testing.T) { s.rollOut(t, name) })
	t.Run("scaling", func(t *testing.T) {
		for _, n := range []int32{5, 1} {
			s.update(t, name, func(in *ecs.UpdateServiceInput) { in.DesiredCount = &n })
			s.stable(t, name, n)
		}
		s.assertReplicas(t, name, strings.TrimSuffix(first, ":1")+":2", 1)
	})
	t.Run("deletion", func(t *testing.T) { s.deleteService(t, name) })
}

// assertVersion asks every replica of a service for its version.
func (s *site) assertVersion(t *testing.T, service, version string) {
	t.Helper()
	machines := s.machines(t)
	for _, task := range s.tasks(t, types.DesiredStatusRunning, service) {
		if body := fetch(t, address(t, task, machines), "/"); !strings.Contains(body, "version "+version+"\n") {
			t.Errorf("replica answers %q, not version %s", body, version)
		}
	}
}

// assertZones checks that the replicas of a service are in three zones.
func (s *site) assertZones(t *testing.T, service string) {
	t.Helper()
	machines, zones := s.machines(t), map[string]int{}
	for _, task := range s.tasks(t, types.DesiredStatusRunning, service) {
		zones[machines[aws.ToString(task.ContainerInstanceArn)].zone]++
	}
	if len(zones) != 3 {
		t.Errorf("the replicas are in the zones %v", zones)
	}
}

func (s *site) killReplica(t *testing.T, service string) {
	victim := s.tasks(t, types.DesiredStatusRunning, service)[0]
	killProcess(t, s.process(t, victim))
	stopped := s.await(t, *victim.TaskArn, "STOPPED")
	assertExit(t, stopped, "web", 137)
	assertStop(t, stopped, types.TaskStopCodeEssentialContainerExited, "Essential container in task exited")
	s.stable(t, service, 3)
	for _, task := range s.tasks(t, types.DesiredStatusRunning, service) {
		if *task.TaskArn == *victim.TaskArn {
			t.Error("the dead task still counts")
		}
	}
}

func (s *site) rollOut(t *testing.T, service string) {
	second := s.versioned(t, service, "2")
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	var fewest, most int32 = 1 << 30, 0
	var lookErr error
	watching.Go(func() { fewest, most, lookErr = s.watch(ctx, service) })
	s.update(t, service, func(in *ecs.UpdateServiceInput) { in.TaskDefinition = &second })
	s.stable(t, service, 3)
	cancel()
	watching.Wait()
	if lookErr != nil {
		t.Fatal(lookErr)
	}
	if fewest < 3 || most > 6 {
		t.Errorf("between %d and %d tasks ran; the deployment configuration allows 3 to 6", fewest, most)
	}
	s.assertVersion(t, service, "2")
	s.assertZones(t, service)
	s.assertReplicas(t, service, second, 3)
}

// watch looks at a service until ctx ends and returns the fewest and the most
// running tasks that it saw.
func (s *site) watch(ctx context.Context, service string) (fewest, most int32, err error) {
	fewest = 1 << 30
	for {
		out, err := s.aws.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{Services: []string{service}})
		if errors.Is(ctx.Err(), context.Canceled) {
			return fewest, most, nil
		}
		if err != nil {
			return fewest, most, err
		}
		fewest, most = min(fewest, out.Services[0].RunningCount), max(most, out.Services[0].RunningCount)
	}
}

func (s *site) deleteService(t *testing.T, service string) {
	_, err := s.aws.ECS.DeleteService(t.Context(), &ecs.DeleteServiceInput{Service: &service})
	if err == nil || !strings.Contains(err.Error(), "The service cannot be stopped while") {
		t.Errorf("deletion without force of a service with tasks: %v", err)
	}
	out, err := s.aws.ECS.DeleteService(t.Context(), &ecs.DeleteServiceInput{Service: &service, Force: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	if status := aws.ToString(out.Service.Status); status != "DRAINING" {
		t.Errorf("DeleteService answers with status %s", status)
	}
	waiter := ecs.NewServicesInactiveWaiter(s.aws.ECS, func(o *ecs.ServicesInactiveWaiterOptions) { o.MinDelay, o.MaxDelay = short, short })
	if err := waiter.Wait(t.Context(), &ecs.DescribeServicesInput{Services: []string{service}}, patience); err != nil {
		t.Fatal(err)
	}
	if left := s.tasks(t, types.DesiredStatusRunning, ""); slices.ContainsFunc(left, func(task types.Task) bool {
		return aws.ToString(task.Group) == "service:"+service
	}) {
		t.Errorf("tasks of the deleted service run: %+v", left)
	}
}

func TestWaitersOfTheSDK(t *testing.T) {
	t.Parallel()
	s, name := shared, "waiters"
	definition := s.register(t, name, s.web("web", "sleep", "3600"))
	arn := s.run(t, definition)
	tasks := &ecs.DescribeTasksInput{Tasks: []string{arn}}

	running := ecs.NewTasksRunningWaiter(s.aws.ECS, func(o *ecs.TasksRunningWaiterOptions) { o.MinDelay, o.MaxDelay = short, short })
	if err := running.Wait(t.Context(), tasks, patience); err != nil {
		t.Fatalf("tasks-running: %v", err)
	}
	if status := aws.ToString(s.describe(t, arn).LastStatus); status != "RUNNING" {
		t.Errorf("the task is %s", status)
	}
	if _, err := s.aws.ECS.StopTask(t.Context(), &ecs.StopTaskInput{Task: &arn}); err != nil {
		t.Fatal(err)
	}
	stopped := ecs.NewTasksStoppedWaiter(s.aws.ECS, func(o *ecs.TasksStoppedWaiterOptions) { o.MinDelay, o.MaxDelay = short, short })
	if err := stopped.Wait(t.Context(), tasks, patience); err != nil {
		t.Fatalf("tasks-stopped: %v", err)
	}

	s.create(t, name, definition, 2)
	s.update(t, name, func(in *ecs.UpdateServiceInput) { in.ForceNewDeployment = true })
	stable := ecs.NewServicesStableWaiter(s.aws.ECS, func(o *ecs.ServicesStableWaiterOptions) { o.MinDelay, o.MaxDelay = short, short })
	if err := stable.Wait(t.Context(), &ecs.DescribeServicesInput{Services: []string{name}}, patience); err != nil {
		t.Fatalf("services-stable: %v", err)
	}
	err := stable.Wait(t.Context(), &ecs.DescribeServicesInput{Services: []string{"nobody"}}, time.Minute)
	if err == nil {
		t.Error("services-stable succeeds for a service that does not exist")
	}
}

func TestEventsOfAService(t *testing.T) {
	t.Parallel()
	s, name := shared, "events"
	s.create(t, name, s.register(t, name, s.web("web", "sleep", "3600")), 1)
	v := viewService(s.describeService(t, name))
	for _, want := range []string{
		"(service events) has started 1 tasks: (task ",
		"(service events) has reached a steady state.",
		"deployment completed.",
	} {
		if !slices.ContainsFunc(v.Events, func(e string) bool { return strings.Contains(e, want) }) {
			t.Errorf("no event says %q: %q", want, v.Events)
		}
	}
	big := s.web("web", "sleep", "3600")
	big.Memory = aws.Int32(100_000)
	definition := s.register(t, name+"-big", big)
	s.update(t, name, func(in *ecs.UpdateServiceInput) { in.TaskDefinition = &definition })
	eventually(t, "event about the missing memory", func() ([]string, bool) {
		v := viewService(s.describeService(t, name))
		return v.Events, slices.ContainsFunc(v.Events, func(e string) bool {
			return strings.Contains(e, "was unable to place a task because no container instance met all of its requirements.") &&
				strings.Contains(e, "has insufficient memory available.")
		})
	})
	if v := s.describeService(t, name); v.RunningCount != 1 {
		t.Errorf("%d tasks run: the old one must stay", v.RunningCount)
	}
}
