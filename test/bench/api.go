package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// callsPerOperation is how often each operation is timed.
const callsPerOperation = 60

// subject is a server with a cluster that tasks can be run in.
type subject struct {
	name   string
	client *ecs.Client
	// runs are the members that RunTask needs here beside the task definition.
	runs func(*ecs.RunTaskInput)
}

// benchAPI compares the server with moto_server at 100 and at 10,000 tasks.
func benchAPI(ctx context.Context, o options) error {
	c, err := startCluster(ctx, o, 0)
	if err != nil {
		return err
	}
	defer c.close()
	agent, err := joinFake(ctx, c.aws, c.key, "default", 1<<30, 1<<30)
	if err != nil {
		return err
	}
	defer agent.close()
	subjects := []subject{{name: "slipway", client: c.aws.ECS, runs: func(*ecs.RunTaskInput) {}}}
	moto, stop, err := startMoto(ctx)
	switch {
	case err == nil:
		defer stop()
		subjects = append(subjects, moto)
	case errors.Is(err, exec.ErrNotFound):
		fmt.Println("moto_server is not installed: no peer")
	default:
		return err
	}
	for _, s := range subjects {
		_, err := s.client.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
			Family: aws.String("t"), Cpu: aws.String("256"), Memory: aws.String("512"),
			ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("c"), Image: aws.String("i"), Essential: aws.Bool(true)}},
		})
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return compare(ctx, subjects)
}

func compare(ctx context.Context, subjects []subject) error {
	have := map[string]int{}
	small := map[string][]*series{}
	for _, n := range []int{100, 10_000} {
		var rows [][]*series
		for _, s := range subjects {
			if err := s.fill(ctx, n-have[s.name]); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			have[s.name] = n
			row, err := s.measure(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			rows = append(rows, row)
			have[s.name] += callsPerOperation // the timed RunTasks
		}
		print1(n, subjects, rows, small)
	}
	return nil
}

// print1 prints one size: p50 of each, moto's over ours, and ours over ours at
// 100 tasks.
func print1(n int, subjects []subject, rows [][]*series, small map[string][]*series) {
	fmt.Printf("at %d tasks\n%-24s", n, "")
	for _, s := range subjects {
		fmt.Printf(" %12s", s.name+" p50")
	}
	fmt.Println("   peer/slipway  vs 100 tasks")
	for op := range rows[0] {
		fmt.Printf("%-24s", rows[0][op].name)
		for _, row := range rows {
			fmt.Printf(" %9.2f ms", ms(row[op].at(.5)))
		}
		if len(rows) > 1 {
			fmt.Printf("   %11.0fx", float64(rows[1][op].at(.5))/float64(rows[0][op].at(.5)))
		}
		if first := small["slipway"]; first != nil {
			fmt.Printf("   %9.2fx", float64(rows[0][op].at(.5))/float64(first[op].at(.5)))
		}
		fmt.Println()
	}
	if small["slipway"] == nil {
		small["slipway"] = rows[0]
	}
}

func (s subject) run(ctx context.Context, count int32) error {
	in := &ecs.RunTaskInput{TaskDefinition: aws.String("t"), Count: &count}
	s.runs(in)
	out, err := s.client.RunTask(ctx, in)
	if err != nil {
		return err
	}
	if len(out.Tasks) != int(count) {
		return fmt.Errorf("%d of %d tasks started: %+v", len(out.Tasks), count, out.Failures)
	}
	return nil
}

func (s subject) fill(ctx context.Context, n int) error {
	for ; n > 0; n -= 10 {
		if err := s.run(ctx, int32(min(n, 10))); err != nil {
			return err
		}
	}
	return nil
}

func (s subject) measure(ctx context.Context) ([]*series, error) {
	list, err := s.client.ListTasks(ctx, &ecs.ListTasksInput{})
	if err != nil {
		return nil, err
	}
	operations := []struct {
		name string
		call func() error
	}{
		{"ListTasks", func() error {
			_, err := s.client.ListTasks(ctx, &ecs.ListTasksInput{})
			return err
		}},
		{"DescribeTasks(1)", func() error {
			_, err := s.client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Tasks: list.TaskArns[:1]})
			return err
		}},
		{"DescribeTasks(100)", func() error {
			_, err := s.client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Tasks: list.TaskArns[:100]})
			return err
		}},
		{"RunTask", func() error { return s.run(ctx, 1) }},
	}
	var out []*series
	for _, op := range operations {
		row := &series{name: op.name}
		for range callsPerOperation {
			begin := time.Now()
			if err := op.call(); err != nil {
				return nil, fmt.Errorf("%s: %w", op.name, err)
			}
			row.add(time.Since(begin))
		}
		out = append(out, row)
	}
	return out, nil
}

// startMoto runs the peer with a cluster that takes Fargate tasks: moto places
// nothing.
func startMoto(ctx context.Context) (subject, func(), error) {
	path, err := exec.LookPath("moto_server")
	if err != nil {
		return subject{}, nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return subject{}, nil, err
	}
	addr := l.Addr().(*net.TCPAddr)
	l.Close()
	cmd := exec.CommandContext(ctx, path, "-H", "127.0.0.1", "-p", fmt.Sprint(addr.Port))
	if err := cmd.Start(); err != nil {
		return subject{}, nil, err
	}
	stop := func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	cfg := aws.Config{
		Region: region, BaseEndpoint: aws.String("http://" + addr.String()),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	}
	s := subject{name: "moto", client: ecs.NewFromConfig(cfg)}
	if err := s.prepareMoto(ctx, ec2.NewFromConfig(cfg)); err != nil {
		stop()
		return subject{}, nil, fmt.Errorf("moto: %w", err)
	}
	s.runs = motoNetwork(ctx, ec2.NewFromConfig(cfg))
	return s, stop, nil
}

func (s subject) prepareMoto(ctx context.Context, machines *ec2.Client) error {
	deadline := time.Now().Add(30 * time.Second)
	for {
		_, err := s.client.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("default")})
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			return err
		}
		<-time.After(200 * time.Millisecond)
	}
	_, err := machines.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{})
	return err
}

func motoNetwork(ctx context.Context, machines *ec2.Client) func(*ecs.RunTaskInput) {
	var subnets []string
	if out, err := machines.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{}); err == nil {
		for _, n := range out.Subnets[:1] {
			subnets = append(subnets, *n.SubnetId)
		}
	}
	return func(in *ecs.RunTaskInput) {
		in.LaunchType = types.LaunchTypeFargate
		in.NetworkConfiguration = &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: subnets}}
	}
}
