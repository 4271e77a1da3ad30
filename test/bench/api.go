package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os/exec"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/slipway/slipway/internal/wire/sigv4"
)

// Each operation is timed in rounds. In a round every contestant has a turn of
// calls one after the other, as a script's or a waiter's calls come: the first,
// untimed, finds the caches as the contestant before left them.
const (
	apiRounds    = 12
	callsPerTurn = 6
)

// subject is a server with a cluster that tasks can be run in. It is called by
// plain signed requests: the SDK refuses some of moto's answers, and its own
// work would blur what is compared.
type subject struct {
	name, endpoint string
	creds          sigv4.Credentials
	// runs are the members that RunTask needs here beside the task definition.
	runs map[string]any
}

// call does one ECS operation.
func (s subject) call(ctx context.Context, operation string, in, out any) error {
	answer, err := s.send(ctx, operation, in)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

// send does one ECS operation and leaves the answer as it came.
func (s subject) send(ctx context.Context, operation string, in any) ([]byte, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113."+operation)
	sigv4.Sign(req, body, s.creds, region, "ecs", time.Now())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s: %.300s", operation, resp.Status, answer)
	}
	return answer, nil
}

// sizes are the clusters that are compared, by their number of tasks.
var sizes = []struct {
	cluster string
	tasks   int
}{{"small", 100}, {"large", 10_000}}

// benchAPI compares the server with moto_server, and a small cluster with a
// large one, call by call in turn.
func benchAPI(ctx context.Context, o options) error {
	c, err := startCluster(ctx, o, 0)
	if err != nil {
		return err
	}
	defer c.close()
	subjects := []subject{{
		name: "slipway", endpoint: "http://" + c.slipway.Listen,
		creds: sigv4.Credentials{AccessKeyID: c.key.AccessKeyID, SecretAccessKey: c.key.SecretAccessKey},
	}}
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
	bare, stopBare, err := startBare(ctx)
	if err != nil {
		return err
	}
	defer stopBare()
	for _, s := range subjects {
		if err := s.prepare(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	for i, size := range sizes {
		agent, err := joinFake(ctx, c.aws, c.key, size.cluster, 1<<30, 1<<30)
		if err != nil {
			return err
		}
		defer agent.close()
		for _, s := range subjects {
			if err := s.fill(ctx, size.cluster, size.tasks); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
		if err := compare(ctx, subjects, bare, i); err != nil {
			return err
		}
	}
	return nil
}

// prepare makes the clusters and the task definition.
func (s subject) prepare(ctx context.Context) error {
	for _, size := range sizes {
		if err := s.call(ctx, "CreateCluster", map[string]any{"clusterName": size.cluster}, &struct{}{}); err != nil {
			return err
		}
	}
	return s.call(ctx, "RegisterTaskDefinition", map[string]any{
		"family": "t", "cpu": "256", "memory": "512",
		"containerDefinitions": []map[string]any{{
			"name": "c", "image": "i", "essential": true,
			"memory": 512, // moto wants it here too
		}},
	}, &struct{}{})
}

// compare times every operation in turn: ours in the clusters up to the last one
// that was filled, the peer's in that one, because its answers slow down with the
// tasks of all clusters. bare is the floor: an answer by nobody's work.
func compare(ctx context.Context, subjects []subject, bare subject, last int) error {
	fmt.Printf("with %d tasks\n", sizes[last].tasks)
	for _, name := range operationNames {
		var took []*series
		var calls []timedCall
		contestant := func(s subject, size int) error {
			call, err := s.operation(ctx, name, sizes[size].cluster)
			took = append(took, &series{name: fmt.Sprintf("%s@%d", s.name, sizes[size].tasks)})
			calls = append(calls, call)
			return err
		}
		for size := last; size >= 0; size-- {
			if err := contestant(subjects[0], size); err != nil {
				return fmt.Errorf("slipway: %w", err)
			}
		}
		for _, s := range subjects[1:] {
			if err := contestant(s, last); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
		took = append(took, &series{name: bare.name})
		calls = append(calls, timedCall{send: func() ([]byte, error) { return bare.send(ctx, name, struct{}{}) }, check: anything})
		for range apiRounds {
			for i, call := range calls {
				if err := turn(call, took[i]); err != nil {
					return fmt.Errorf("%s: %s: %w", took[i].name, name, err)
				}
			}
		}
		fmt.Printf("  %-20s", name)
		for _, s := range took {
			fmt.Printf("  %s %.2f ms (%.2fx)", s.name, ms(s.at(.5)), ratio(s, took[0]))
		}
		fmt.Println()
	}
	return nil
}

// timedCall is a call that can be repeated. Its answer is checked off the clock:
// what a client does with it is not the server's.
type timedCall struct {
	send  func() ([]byte, error)
	check func(answer []byte) error
}

func anything([]byte) error { return nil }

// turn makes one call untimed and adds the times of those after it.
func turn(call timedCall, took *series) error {
	for i := range 1 + callsPerTurn {
		begin := time.Now()
		answer, err := call.send()
		d := time.Since(begin)
		if err == nil {
			err = call.check(answer)
		}
		if err != nil {
			return err
		}
		if i > 0 {
			took.add(d)
		}
	}
	return nil
}

func (s subject) run(ctx context.Context, cluster string, count int) error {
	answer, err := s.send(ctx, "RunTask", s.runInput(cluster, count))
	if err != nil {
		return err
	}
	return holds(count)(answer)
}

func (s subject) runInput(cluster string, count int) map[string]any {
	in := map[string]any{"cluster": cluster, "taskDefinition": "t", "count": count}
	maps.Copy(in, s.runs)
	return in
}

// holds checks that an answer has n tasks.
func holds(n int) func(answer []byte) error {
	return func(answer []byte) error {
		var out struct{ Tasks, Failures []json.RawMessage }
		if err := json.Unmarshal(answer, &out); err != nil {
			return err
		}
		if len(out.Tasks) != n {
			return fmt.Errorf("%d of %d tasks: %s", len(out.Tasks), n, out.Failures)
		}
		return nil
	}
}

func (s subject) fill(ctx context.Context, cluster string, n int) error {
	for ; n > 0; n -= 10 {
		if err := s.run(ctx, cluster, min(n, 10)); err != nil {
			return err
		}
	}
	return nil
}

var operationNames = []string{"ListTasks", "DescribeTasks(1)", "DescribeTasks(100)", "RunTask"}

// operation makes an operation's call.
func (s subject) operation(ctx context.Context, name, cluster string) (timedCall, error) {
	in := map[string]any{"cluster": cluster}
	var list struct{ TaskArns []string }
	if err := s.call(ctx, "ListTasks", in, &list); err != nil {
		return timedCall{}, err
	}
	sent := func(operation string, in any, check func([]byte) error) (timedCall, error) {
		return timedCall{send: func() ([]byte, error) { return s.send(ctx, operation, in) }, check: check}, nil
	}
	describe := func(n int) (timedCall, error) {
		in["tasks"] = list.TaskArns[:n]
		return sent("DescribeTasks", in, holds(n))
	}
	switch name {
	case "DescribeTasks(1)":
		return describe(1)
	case "DescribeTasks(100)":
		return describe(100)
	case "RunTask":
		return sent(name, s.runInput(cluster, 1), holds(1))
	}
	return sent(name, in, anything)
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
	s := subject{
		name: "moto", endpoint: "http://" + addr.String(),
		creds: sigv4.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"},
	}
	if err := s.await(ctx); err != nil {
		stop()
		return subject{}, nil, fmt.Errorf("moto: %w", err)
	}
	s.runs, err = motoNetwork(ctx, s)
	return s, stop, err
}

// await waits until the server answers.
func (s subject) await(ctx context.Context) error {
	for deadline := time.Now().Add(30 * time.Second); ; {
		err := s.call(ctx, "ListClusters", struct{}{}, &struct{}{})
		if err == nil || time.Now().After(deadline) {
			return err
		}
		<-time.After(200 * time.Millisecond)
	}
}

// motoNetwork is what a Fargate task needs.
func motoNetwork(ctx context.Context, s subject) (map[string]any, error) {
	client := ec2.NewFromConfig(aws.Config{
		Region: region, BaseEndpoint: &s.endpoint,
		Credentials: credentials.NewStaticCredentialsProvider(s.creds.AccessKeyID, s.creds.SecretAccessKey, ""),
	})
	out, err := client.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{})
	if err != nil || len(out.Subnets) == 0 {
		return nil, fmt.Errorf("moto has no subnets: %w", err)
	}
	subnets := []string{*out.Subnets[0].SubnetId}
	return map[string]any{
		"launchType":           "FARGATE",
		"networkConfiguration": map[string]any{"awsvpcConfiguration": map[string]any{"subnets": subnets}},
	}, nil
}
