package servicetasks

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var scope = ecs.Scope{Account: "123456789012", Region: "eu-central-1"}

// fleet is a room over a real store with the controller at work, and agents that
// do at once what they are told.
type fleet struct {
	t    testing.TB
	st   *store.Store
	room *ecs.Room

	mu     sync.Mutex
	broken map[string]bool // task definitions whose tasks fail to start
	lowest int             // of the service's running tasks while watched
	most   int             // of its running and pending ones
}

func newFleet(t testing.TB, instances int) *fleet {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()}, ecs.Tables()...)
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, st: st, room: ecs.New(st, ecs.Config{}), broken: map[string]bool{}}
	f.update(func(tx *store.Tx) {
		ecs.Clusters.Put(tx, &ecs.Cluster{Scope: scope, Name: "default", Status: ecs.StatusActive})
		for i := range instances {
			ecs.Instances.Put(tx, f.instance(i))
		}
	})
	f.define("web", 1)
	f.define("web", 2)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var work sync.WaitGroup
	work.Go(func() { f.agents(ctx) })
	c := New(st, f.room, Config{Log: slog.New(slog.DiscardHandler), Workers: 2})
	work.Go(func() { c.Loop().Run(ctx) })
	t.Cleanup(func() {
		cancel()
		work.Wait()
		st.Close()
	})
	return f
}

func (f *fleet) update(fn func(tx *store.Tx)) {
	f.t.Helper()
	if err := f.st.Update(context.Background(), func(tx *store.Tx) error { fn(tx); return nil }); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) instance(i int) *ecs.ContainerInstance {
	return &ecs.ContainerInstance{
		Scope: scope, Cluster: "default", ID: fmt.Sprintf("%032x", i+1), Status: ecs.StatusActive, AgentConnected: true,
		Attributes: []ecs.Attribute{{Name: "ecs.availability-zone", Value: "eu-central-1" + string(rune('a'+i%3))}},
		Registered: ecs.Resources{CPU: 1024, Memory: 4096},
	}
}

// define adds a task definition of 100 CPU units, so that an instance takes ten.
func (f *fleet) define(family string, revision int) {
	f.update(func(tx *store.Tx) {
		ecs.TaskDefinitions.Put(tx, &ecs.TaskDefinition{
			Scope: scope, Family: family, Revision: revision, Status: ecs.StatusActive,
			Definition: ecsshape.TaskDefinition{
				Compatibilities: []string{"EC2"},
				ContainerDefinitions: []ecsshape.ContainerDefinition{{
					Name: new("app"), Image: new("registry.test/app:1"), Cpu: new(int32(100)), Memory: new(int32(64)), Essential: new(true),
				}},
			},
		})
	})
}

// agents report what they are told as done, and that those tasks failed whose
// definition is broken.
func (f *fleet) agents(ctx context.Context) {
	w := f.st.Watch(ecs.Tasks)
	defer w.Close()
	for {
		batch, err := w.Next(ctx)
		if err != nil {
			return
		}
		for _, ch := range batch.Changes {
			t, ok := ch.After.(*ecs.Task)
			if !ok || t.Ended() {
				continue
			}
			report := ecs.TaskReport{Status: ecs.TaskRunning}
			if t.DesiredStatus == ecs.TaskStopped {
				report.Status = ecs.TaskStopped
			} else if f.isBroken(t) {
				report = ecs.TaskReport{Status: ecs.TaskStopped, Reason: "CannotPullContainerError: no such image"}
			}
			if report.Status != t.LastStatus {
				_ = f.room.SubmitTaskState(ctx, scope, ecs.Caller{}, t.Cluster, t.ARN(), report) // ends with ctx
			}
		}
		f.observe(batch.Snapshot)
	}
}

func (f *fleet) isBroken(t *ecs.Task) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.broken[fmt.Sprintf("%s:%d", t.Family, t.Revision)]
}

func (f *fleet) observe(snap *store.Snapshot) {
	n := ecs.CountServiceTasks(snap, scope, "default", "web")
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lowest = min(f.lowest, n.Running)
	f.most = max(f.most, n.Running+n.Pending)
}

// watchBounds begins to watch how many tasks the service has.
func (f *fleet) watchBounds() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lowest, f.most = 1<<30, 0
}

func (f *fleet) create(desired int32, change func(*ecs.CreateServiceRequest)) {
	f.t.Helper()
	req := ecs.CreateServiceRequest{Name: "web", TaskDefinition: "web:1", DesiredCount: &desired}
	if change != nil {
		change(&req)
	}
	if _, err := f.room.CreateService(f.t.Context(), scope, req); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) change(req ecs.UpdateServiceRequest) {
	f.t.Helper()
	req.Service = "web"
	if _, err := f.room.UpdateService(f.t.Context(), scope, req); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) view() *ecs.ServiceView {
	f.t.Helper()
	views, _, err := f.room.DescribeServices(scope, "", []string{"web"})
	if err != nil || len(views) != 1 {
		f.t.Fatalf("describe service: %v, %d services", err, len(views))
	}
	return views[0]
}

// patience is far longer than anything here takes.
const patience = 30 * time.Second

// until waits until the service is as wanted.
func (f *fleet) until(what string, is func(v *ecs.ServiceView) bool) *ecs.ServiceView {
	f.t.Helper()
	deadline := time.After(patience)
	for {
		snap := f.st.Snapshot()
		v := f.view()
		if is(v) {
			return v
		}
		select {
		case <-ecs.Services.Changed(snap, "", scope.Prefix("default")):
		case <-ecs.ServiceEvents.Changed(snap, "", scope.Prefix("default")):
		case <-ecs.Deployments.Changed(snap, "", scope.Prefix("default")):
		case <-ecs.Tasks.Changed(snap, "", scope.Prefix("default")):
		case <-deadline:
			f.t.Fatalf("%s: not within %v: %s, counts %+v, deployments %d, events %q",
				what, patience, v.Service.Status, v.Counts, len(v.Deployments), messages(v))
		}
	}
}

// stable is what the SDK's waiter ServicesStable waits for, and that its event was
// written.
func (f *fleet) stable(desired int) *ecs.ServiceView {
	f.t.Helper()
	return f.until("stable", func(v *ecs.ServiceView) bool {
		return len(v.Deployments) == 1 && v.Deployments[0].RolloutState == ecs.RolloutCompleted &&
			v.Service.DesiredCount == desired && v.Counts == (ecs.TaskCount{Running: desired}) &&
			len(v.Events) > 0 && v.Events[0].Message == "(service web) has reached a steady state."
	})
}

// messages are the events, the oldest first.
func messages(v *ecs.ServiceView) []string {
	var out []string
	for _, e := range slices.Backward(v.Events) {
		out = append(out, e.Message)
	}
	return out
}

func (f *fleet) tasks() []*ecs.Task {
	return slices.Collect(ecs.Tasks.By(f.st.Snapshot(), ecs.IndexService, scope.Key("default", "web")))
}
