package wire_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/shape"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

// task is a task as DescribeTasks shows it, with one container.
func task(i int) ecsshape.Task {
	arn := fmt.Sprintf("arn:aws:ecs:eu-west-3:123456789012:task/default/%032x", i)
	at := shape.At(time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC))
	return ecsshape.Task{
		TaskArn: &arn, ClusterArn: new("arn:aws:ecs:eu-west-3:123456789012:cluster/default"), TaskDefinitionArn: new("arn:aws:ecs:eu-west-3:123456789012:task-definition/web:7"),
		ContainerInstanceArn: new("arn:aws:ecs:eu-west-3:123456789012:container-instance/default/0123456789abcdef"), AvailabilityZone: new("eu-west-3a"),
		LaunchType: new("EC2"), Group: new("service:web"), StartedBy: new("ecs-svc/1234567890123456789"), Cpu: new("256"), Memory: new("512"),
		DesiredStatus: new("RUNNING"), LastStatus: new("RUNNING"), HealthStatus: new("UNKNOWN"), Connectivity: new("CONNECTED"), ConnectivityAt: at, Version: new(int64(3)),
		CreatedAt: at, PullStartedAt: at, PullStoppedAt: at, StartedAt: at, EnableExecuteCommand: new(false),
		Overrides:   &ecsshape.TaskOverride{ContainerOverrides: []ecsshape.ContainerOverride{{Name: new("web")}}, InferenceAcceleratorOverrides: []ecsshape.InferenceAcceleratorOverride{}},
		Attributes:  []ecsshape.Attribute{{Name: new("ecs.cpu-architecture"), Value: new("x86_64")}},
		Attachments: []ecsshape.Attachment{}, Tags: []ecsshape.Tag{}, InferenceAccelerators: []ecsshape.InferenceAccelerator{},
		Containers: []ecsshape.Container{{
			ContainerArn: &arn, TaskArn: &arn, Name: new("web"), Image: new("registry/web:1"), ImageDigest: new("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
			RuntimeId: new("0123456789abcdef"), LastStatus: new("RUNNING"), HealthStatus: new("UNKNOWN"), Cpu: new("0"), Memory: new("128"),
			NetworkBindings:   []ecsshape.NetworkBinding{{BindIP: new("0.0.0.0"), ContainerPort: new(int32(80)), HostPort: new(int32(32768)), Protocol: new("tcp")}},
			NetworkInterfaces: []ecsshape.NetworkInterface{}, ManagedAgents: []ecsshape.ManagedAgent{},
		}},
	}
}

// sink is a ResponseWriter that keeps the status.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkDescribeTasks is the whole of wire: verify, decode, validate,
// dispatch, encode; without a socket.
func BenchmarkDescribeTasks(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			out := &ecsshape.DescribeTasksOutput{Failures: []ecsshape.Failure{}}
			body := []byte(`{"cluster":"default","tasks":[`)
			for i := range n {
				out.Tasks = append(out.Tasks, task(i))
				body = fmt.Appendf(body, "%q,", *out.Tasks[i].TaskArn)
			}
			body = append(body[:len(body)-1], "]}"...)
			m := wire.NewMux(wire.Config{Keys: keyring{keyID: rootKey()}})
			wire.Handle(m, ecsshape.DescribeTasks, func(context.Context, *wire.Call, *ecsshape.DescribeTasksInput) (*ecsshape.DescribeTasksOutput, error) {
				return out, nil
			})
			r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "http://h/", nil)
			r.Header.Set("X-Amz-Target", ecsTarget+"DescribeTasks")
			r.Header.Set("Content-Type", "application/x-amz-json-1.1")
			sigv4.Sign(r, body, sigv4.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}, "eu-west-3", "ecs", time.Now())
			r.ContentLength = int64(len(body))
			b.ReportAllocs()
			for b.Loop() {
				r.Body = readCloser{bytes.NewReader(body)}
				w := sink{header: http.Header{}}
				if m.ServeHTTP(&w, r); w.status != 200 {
					b.Fatal(w.status)
				}
			}
		})
	}
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }
