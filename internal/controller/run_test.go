package controller_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"go.uber.org/goleak"

	"github.com/slipway/slipway/internal/controller"
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsapi"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const account = "123456789012"

type oneKey struct{ wire.Credential }

func (k oneKey) Key(_ context.Context, id, _ string) (wire.Credential, bool, error) {
	return k.Credential, id == k.AccessKeyID, nil
}

// plane is a control plane with one instance, whose agent does at once what it is
// told, and an SDK client before it.
type plane struct {
	*sdk.Client
	st   *store.Store
	room *ecs.Room
}

func newPlane(t *testing.T) *plane {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()}, ecs.Tables()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	p := &plane{st: st, room: ecs.New(st, ecs.Config{})}
	mux := wire.NewMux(wire.Config{Keys: oneKey{wire.Credential{
		AccessKeyID: "AKIAEXAMPLE000000001", SecretAccessKey: "secret",
		Principal: wire.Principal{ARN: "arn:aws:iam::" + account + ":root", Account: account},
	}}})
	ecsapi.Register(mux, p.room)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	p.Client = sdk.New(sdk.Options{
		Region: "eu-central-1", BaseEndpoint: &server.URL, HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE000000001", "secret", ""),
	})
	if _, err := p.CreateCluster(t.Context(), &sdk.CreateClusterInput{}); err != nil {
		t.Fatal(err)
	}
	err = st.Update(t.Context(), func(tx *store.Tx) error {
		ecs.Instances.Put(tx, &ecs.ContainerInstance{
			Scope: ecs.Scope{Account: account, Region: "eu-central-1"}, Cluster: "default", ID: "0123456789abcdef0123456789abcdef",
			Status: ecs.StatusActive, AgentConnected: true, Registered: ecs.Resources{CPU: 4096, Memory: 8192},
			Attributes: []ecs.Attribute{
				{Name: "ecs.availability-zone", Value: "eu-central-1a"},
				{Name: "com.amazonaws.ecs.capability.docker-remote-api.1.21"},
			},
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := p.RegisterTaskDefinition(t.Context(), &sdk.RegisterTaskDefinitionInput{
			Family:               aws.String("web"),
			ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: aws.String("registry.test/app:1"), Memory: aws.Int32(64)}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// start runs the controllers and the agent until the function that it returns is
// called.
func (p *plane) start(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var work sync.WaitGroup
	work.Go(func() { p.agent(ctx) })
	work.Go(func() {
		if err := controller.Run(ctx, p.st, p.room, controller.Config{}); err != nil {
			t.Error(err)
		}
	})
	return sync.OnceFunc(func() { cancel(); work.Wait() })
}

func (p *plane) agent(ctx context.Context) {
	w := p.st.Watch(ecs.Tasks)
	defer w.Close()
	for t := range ecs.Tasks.List(w.Snapshot(), "") {
		p.obey(ctx, t)
	}
	for {
		batch, err := w.Next(ctx)
		if err != nil {
			return
		}
		for _, ch := range batch.Changes {
			if t, ok := ch.After.(*ecs.Task); ok {
				p.obey(ctx, t)
			}
		}
	}
}

func (p *plane) obey(ctx context.Context, t *ecs.Task) {
	status := ecs.TaskRunning
	if t.DesiredStatus == ecs.TaskStopped {
		status = ecs.TaskStopped
	}
	if !t.Ended() && t.LastStatus != status {
		_ = p.room.SubmitTaskState(ctx, t.Scope, ecs.Caller{}, t.Cluster, t.ARN(), ecs.TaskReport{Status: status}) // ends with ctx
	}
}

// patience is far longer than anything here takes.
const patience = 30 * time.Second

func quickly(o *sdk.ServicesStableWaiterOptions) {
	o.MinDelay, o.MaxDelay = time.Millisecond, 20*time.Millisecond
}

func (p *plane) stable(t *testing.T) types.Service {
	t.Helper()
	in := &sdk.DescribeServicesInput{Services: []string{"web"}}
	out, err := sdk.NewServicesStableWaiter(p.Client, quickly).WaitForOutput(t.Context(), in, patience)
	if err != nil {
		t.Fatal(err)
	}
	return out.Services[0]
}

func TestWaiters(t *testing.T) {
	p := newPlane(t)
	defer p.start(t)()
	_, err := p.CreateService(t.Context(), &sdk.CreateServiceInput{
		ServiceName: aws.String("web"), TaskDefinition: aws.String("web:1"), DesiredCount: aws.Int32(3),
	})
	if err != nil {
		t.Fatal(err)
	}
	p.stable(t)
	_, err = p.UpdateService(t.Context(), &sdk.UpdateServiceInput{Service: aws.String("web"), TaskDefinition: aws.String("web:2")})
	if err != nil {
		t.Fatal(err)
	}
	s := p.stable(t)
	if *s.Deployments[0].TaskDefinition != "arn:aws:ecs:eu-central-1:"+account+":task-definition/web:2" ||
		s.Deployments[0].RolloutState != types.DeploymentRolloutStateCompleted {
		t.Errorf("stable with %s, %s", *s.Deployments[0].TaskDefinition, s.Deployments[0].RolloutState)
	}
	if _, err := p.DeleteService(t.Context(), &sdk.DeleteServiceInput{Service: aws.String("web"), Force: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	inactive := sdk.NewServicesInactiveWaiter(p.Client, func(o *sdk.ServicesInactiveWaiterOptions) {
		o.MinDelay, o.MaxDelay = time.Millisecond, 20*time.Millisecond
	})
	if err := inactive.Wait(t.Context(), &sdk.DescribeServicesInput{Services: []string{"web"}}, patience); err != nil {
		t.Fatal(err)
	}
}

// TestControllersStartOver ends the controllers at arbitrary points of a
// deployment; whoever comes next finishes it.
func TestControllersStartOver(t *testing.T) {
	p := newPlane(t)
	_, err := p.CreateService(t.Context(), &sdk.CreateServiceInput{
		ServiceName: aws.String("web"), TaskDefinition: aws.String("web:1"), DesiredCount: aws.Int32(4),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, until := range []int{1, 3, 6, 10, 15} {
		watch := p.st.Watch(ecs.Tasks)
		stop := p.start(t)
		for changes := 0; changes < until; {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			batch, err := watch.Next(ctx)
			cancel()
			if err != nil {
				t.Fatal(err)
			}
			changes += len(batch.Changes)
		}
		stop()
		watch.Close()
		_, err := p.UpdateService(t.Context(), &sdk.UpdateServiceInput{Service: aws.String("web"), ForceNewDeployment: true})
		if err != nil {
			t.Fatal(err)
		}
	}
	defer p.start(t)()
	s := p.stable(t)
	if s.RunningCount != 4 || s.PendingCount != 0 {
		t.Errorf("%d running, %d pending, want 4 and none", s.RunningCount, s.PendingCount)
	}
}

func TestRunEndsWithTheStore(t *testing.T) {
	p := newPlane(t)
	ended := make(chan error, 1)
	go func() { ended <- controller.Run(context.WithoutCancel(t.Context()), p.st, p.room, controller.Config{}) }()
	if err := p.st.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
}
