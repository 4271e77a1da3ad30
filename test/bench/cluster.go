package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway/slipway/internal/installation"
	"github.com/slipway/slipway/test/harness"
	"github.com/slipway/slipway/test/image"
)

const region = "us-east-1"

// machineContainerd is where a containerd that is not Slipway's own listens.
const machineContainerd = "/run/containerd/containerd.sock"

// cluster is a running Slipway with the payload in its registry.
type cluster struct {
	slipway *harness.Slipway
	aws     harness.Clients
	key     harness.Key
	image   string
	dir     string
}

func startCluster(ctx context.Context, o options, instances int) (*cluster, error) {
	dir, err := os.MkdirTemp("", "slipway-bench-data-")
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	listen := l.Addr().String()
	l.Close()
	log, err := os.Create(filepath.Join(dir, "slipway.log"))
	if err != nil {
		return nil, err
	}
	binary, err := filepath.Abs(o.slipway)
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, slipway: &harness.Slipway{
		Binary: binary, DataDir: dir, Listen: listen, Stderr: log,
		Args: []string{"--instances", fmt.Sprint(instances), "--instance-type", "m5.2xlarge"},
	}}
	if err := c.slipway.Start(ctx); err != nil {
		return nil, err
	}
	if c.key, err = c.slipway.RootKey(); err != nil {
		return nil, err
	}
	c.aws = c.slipway.Clients(c.key, region)
	img, err := image.FromBinary(o.web)
	if err != nil {
		return nil, err
	}
	c.image, err = harness.PushImage(ctx, c.aws, "payload", "1", img)
	return c, err
}

func (c *cluster) close() {
	if err := c.slipway.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "bench: end slipway:", err)
	}
	os.RemoveAll(c.dir)
}

// register makes the task definition of so many payloads that call the beacon.
func (c *cluster) register(ctx context.Context, family, mode string, containers int, b *beacons) error {
	definitions := make([]types.ContainerDefinition, containers)
	for i := range definitions {
		definitions[i] = c.payload(fmt.Sprint("p", i), "beacon", "/beacon/sock", family)
	}
	return c.define(ctx, family, mode, b, definitions...)
}

// payload is a container with the beacon's directory at /beacon.
func (c *cluster) payload(name string, command ...string) types.ContainerDefinition {
	return types.ContainerDefinition{
		Name: &name, Image: &c.image, Memory: aws.Int32(16), Command: command,
		MountPoints: []types.MountPoint{{SourceVolume: aws.String("beacon"), ContainerPath: aws.String("/beacon")}},
		StopTimeout: aws.Int32(2),
	}
}

func (c *cluster) define(ctx context.Context, family, mode string, b *beacons, containers ...types.ContainerDefinition) error {
	_, err := c.aws.ECS.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: &family, NetworkMode: types.NetworkMode(mode),
		Volumes:              []types.Volume{{Name: aws.String("beacon"), Host: &types.HostVolumeProperties{SourcePath: &b.dir}}},
		ContainerDefinitions: containers,
	})
	return err
}

func (c *cluster) run(ctx context.Context, family string, n int32) error {
	out, err := c.aws.ECS.RunTask(ctx, &ecs.RunTaskInput{TaskDefinition: &family, Count: &n})
	if err != nil {
		return err
	}
	if len(out.Failures) > 0 {
		return fmt.Errorf("run-task: %s", aws.ToString(out.Failures[0].Reason))
	}
	return nil
}

// pullStarted waits until the one task that is to run is known to run, and says
// when the agent began with it; zero if there is none.
func (c *cluster) pullStarted(ctx context.Context) (time.Time, error) {
	for {
		list, err := c.aws.ECS.ListTasks(ctx, &ecs.ListTasksInput{})
		if err != nil || len(list.TaskArns) == 0 {
			return time.Time{}, err
		}
		d, err := c.aws.ECS.DescribeTasks(ctx, &ecs.DescribeTasksInput{Tasks: list.TaskArns})
		if err != nil {
			return time.Time{}, err
		}
		if aws.ToString(d.Tasks[0].LastStatus) == "RUNNING" {
			return aws.ToTime(d.Tasks[0].PullStartedAt), nil
		}
		select {
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// stopAll stops every task and waits until all are STOPPED.
func (c *cluster) stopAll(ctx context.Context) error {
	for {
		list, err := c.aws.ECS.ListTasks(ctx, &ecs.ListTasksInput{})
		if err != nil {
			return err
		}
		for _, arn := range list.TaskArns {
			if _, err := c.aws.ECS.StopTask(ctx, &ecs.StopTaskInput{Task: &arn}); err != nil {
				return err
			}
		}
		d, err := c.aws.ECS.DescribeClusters(ctx, &ecs.DescribeClustersInput{})
		if err != nil {
			return err
		}
		stopped, err := c.allStopped(ctx)
		if err != nil {
			return err
		}
		if len(list.TaskArns) == 0 && stopped && d.Clusters[0].RunningTasksCount+d.Clusters[0].PendingTasksCount == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (c *cluster) allStopped(ctx context.Context) (bool, error) {
	list, err := c.aws.ECS.ListTasks(ctx, &ecs.ListTasksInput{DesiredStatus: types.DesiredStatusStopped})
	if err != nil || len(list.TaskArns) == 0 {
		return err == nil, err
	}
	d, err := c.aws.ECS.DescribeTasks(ctx, &ecs.DescribeTasksInput{Tasks: list.TaskArns})
	if err != nil {
		return false, err
	}
	for _, t := range d.Tasks {
		if aws.ToString(t.LastStatus) != "STOPPED" {
			return false, nil
		}
	}
	return true, nil
}

// containerd is the socket of the containerd that Slipway uses.
func (c *cluster) containerd() (string, error) {
	name, err := c.installation()
	if err != nil {
		return "", err
	}
	own := filepath.Join("/run/slipway", name, "containerd.sock")
	if _, err := os.Stat(own); err == nil {
		return own, nil
	}
	return machineContainerd, nil
}

// installation is the name that Slipway gives itself on this machine.
func (c *cluster) installation() (string, error) {
	b, err := os.ReadFile(filepath.Join(c.dir, "identity.json"))
	if err != nil {
		return "", err
	}
	var id installation.Identity
	return id.Name, json.Unmarshal(b, &id)
}
