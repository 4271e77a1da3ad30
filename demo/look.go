package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// pollEvery is how often the demo looks; AWS's own waiters look every 6 to 15 s.
const pollEvery = 50 * time.Millisecond

type containerInstance struct{ arn, id, zone, address, kind string }

func (d *demo) instances(ctx context.Context) ([]containerInstance, error) {
	list, err := d.aws.ECS.ListContainerInstances(ctx, &ecs.ListContainerInstancesInput{})
	if err != nil {
		return nil, err
	}
	described, err := d.aws.ECS.DescribeContainerInstances(ctx, &ecs.DescribeContainerInstancesInput{ContainerInstances: list.ContainerInstanceArns})
	if err != nil {
		return nil, err
	}
	var out []containerInstance
	for _, ci := range described.ContainerInstances {
		i := containerInstance{arn: *ci.ContainerInstanceArn, id: aws.ToString(ci.Ec2InstanceId)}
		machines, err := d.aws.EC2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{i.id}})
		if err != nil {
			return nil, err
		}
		m := machines.Reservations[0].Instances[0]
		i.zone, i.address, i.kind = *m.Placement.AvailabilityZone, *m.PrivateIpAddress, string(m.InstanceType)
		out = append(out, i)
	}
	slices.SortFunc(out, func(a, b containerInstance) int { return strings.Compare(a.zone, b.zone) })
	return out, nil
}

// replica is one running task of the service and where it answers.
type replica struct{ task, zone, address, runtimeID string }

func (d *demo) replicas(ctx context.Context) ([]replica, error) {
	instances, err := d.instances(ctx)
	if err != nil {
		return nil, err
	}
	list, err := d.aws.ECS.ListTasks(ctx, &ecs.ListTasksInput{ServiceName: aws.String("web")})
	if err != nil {
		return nil, err
	}
	described, err := d.aws.ECS.DescribeTasks(ctx, &ecs.DescribeTasksInput{Tasks: list.TaskArns})
	if err != nil {
		return nil, err
	}
	var out []replica
	for _, t := range described.Tasks {
		i := slices.IndexFunc(instances, func(i containerInstance) bool { return i.arn == *t.ContainerInstanceArn })
		if i < 0 || len(t.Containers[0].NetworkBindings) == 0 {
			return nil, fmt.Errorf("task %s has no instance or no port", *t.TaskArn)
		}
		port := *t.Containers[0].NetworkBindings[0].HostPort
		out = append(out, replica{
			task: *t.TaskArn, zone: instances[i].zone, runtimeID: aws.ToString(t.Containers[0].RuntimeId),
			address: net.JoinHostPort(instances[i].address, strconv.Itoa(int(port))),
		})
	}
	slices.SortFunc(out, func(a, b replica) int { return strings.Compare(a.zone, b.zone) })
	return out, nil
}

// await waits until a task has a status.
func (d *demo) await(ctx context.Context, arn, status string) (types.Task, error) {
	var task types.Task
	err := poll(ctx, func() (bool, error) {
		out, err := d.aws.ECS.DescribeTasks(ctx, &ecs.DescribeTasksInput{Tasks: []string{arn}})
		if err != nil {
			return false, err
		}
		if len(out.Tasks) != 1 {
			return false, fmt.Errorf("task %s is not known", arn)
		}
		task = out.Tasks[0]
		return *task.LastStatus == status, nil
	})
	return task, err
}

// stable waits for what the SDK's ServicesStable waiter does, only more often.
func (d *demo) stable(ctx context.Context, n int32) error {
	return d.service(ctx, func(s types.Service) bool {
		return len(s.Deployments) == 1 && s.RunningCount == s.DesiredCount && s.RunningCount == n && s.PendingCount == 0
	})
}

func (d *demo) inactive(ctx context.Context) error {
	return d.service(ctx, func(s types.Service) bool { return aws.ToString(s.Status) == "INACTIVE" })
}

func (d *demo) service(ctx context.Context, done func(types.Service) bool) error {
	return poll(ctx, func() (bool, error) {
		out, err := d.aws.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{Services: []string{"web"}})
		if err != nil {
			return false, err
		}
		if len(out.Services) != 1 {
			return false, fmt.Errorf("service web is not known: %+v", out.Failures)
		}
		return done(out.Services[0]), nil
	})
}

// watch counts running replicas until the returned function is called, which
// says the fewest that were seen and how many looks there were.
func (d *demo) watch(ctx context.Context) func() (fewest int32, looks int, err error) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	fewest, looks := int32(1<<30), 0
	var failed error
	go func() {
		defer close(done)
		err := d.service(ctx, func(s types.Service) bool {
			fewest, looks = min(fewest, s.RunningCount), looks+1
			return false
		})
		if !errors.Is(err, context.Canceled) {
			failed = err
		}
	}()
	return func() (int32, int, error) {
		cancel()
		<-done
		return fewest, looks, failed
	}
}

func poll(ctx context.Context, done func() (bool, error)) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func get(ctx context.Context, address string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/", nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

// killContainer kills the first process of a container: the one whose control
// group is named after the container's runtime id.
func killContainer(runtimeID string) error {
	groups, err := filepath.Glob("/proc/[0-9]*/cgroup")
	if err != nil {
		return err
	}
	for _, g := range groups {
		b, err := os.ReadFile(g)
		if err != nil || !strings.Contains(string(b), runtimeID) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(g)))
		if err != nil {
			return err
		}
		return syscall.Kill(pid, syscall.SIGKILL)
	}
	return fmt.Errorf("no process belongs to container %s", runtimeID)
}
