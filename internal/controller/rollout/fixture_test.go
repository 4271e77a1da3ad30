package rollout

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/schedule"
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

var (
	epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	scope = ecs.Scope{Account: "123456789012", Region: "eu-central-1"}
)

// world is a State that a test builds, and a place to apply plans to.
type world struct {
	now         time.Time
	settle      time.Duration
	service     *ecs.Service
	deployments []*ecs.Deployment // all of them, in order of creation
	tasks       []*ecs.Task
	draining    map[string]bool
	eligible    map[string]bool
	blocked     bool
	events      []*ecs.ServiceEvent // the newest first
	made        int                 // tasks ever
}

func newWorld(desired, least, most int) *world {
	w := &world{now: epoch, draining: map[string]bool{}}
	w.service = &ecs.Service{
		Scope: scope, Cluster: "c", Name: "web", Status: ecs.StatusActive, DesiredCount: desired,
		SchedulingStrategy: ecs.SchedulingReplica, TaskDefinition: "td:1", CreatedAt: epoch,
		DeploymentConfiguration: ecsshape.DeploymentConfiguration{
			MinimumHealthyPercent: new(int32(least)), MaximumPercent: new(int32(most)),
			DeploymentCircuitBreaker: &ecsshape.DeploymentCircuitBreaker{Enable: new(false), Rollback: new(false)},
		},
	}
	w.deploy("td:1")
	return w
}

// deploy is what UpdateService does to start a deployment.
func (w *world) deploy(definition string) *ecs.Deployment {
	for i, d := range w.deployments {
		if d.Status == ecs.DeploymentInactive {
			continue
		}
		c := *d
		c.Status = ecs.DeploymentActive
		c.EndStory(w.now, "superseded")
		w.deployments[i] = &c
	}
	n := len(w.deployments) + 1
	d := &ecs.Deployment{
		Scope: scope, Cluster: "c", Service: "web", ID: fmt.Sprintf("ecs-svc/%d", n), Seq: int64(n),
		Status: ecs.DeploymentPrimary, RolloutState: ecs.RolloutInProgress, State: ecs.StateInProgress,
		TaskDefinition: definition, Revision: definition, DesiredCount: w.service.DesiredCount, CreatedAt: w.now,
	}
	w.deployments = append(w.deployments, d)
	s := *w.service
	s.TaskDefinition, s.Throttle = definition, nil
	w.service = &s
	return d
}

func (w *world) breaker(rollback bool) {
	w.service.DeploymentConfiguration.DeploymentCircuitBreaker = &ecsshape.DeploymentCircuitBreaker{Enable: new(true), Rollback: &rollback}
}

// task adds a task of the newest deployment.
func (w *world) task(status string, change ...func(*ecs.Task)) *ecs.Task {
	return w.taskOf(w.deployments[len(w.deployments)-1], status, change...)
}

func (w *world) taskOf(d *ecs.Deployment, status string, change ...func(*ecs.Task)) *ecs.Task {
	w.made++
	t := &ecs.Task{
		Scope: scope, Cluster: "c", ID: fmt.Sprintf("t%d", w.made), Service: "web", Deployment: d.ID, StartedBy: d.ID,
		DesiredStatus: ecs.TaskRunning, LastStatus: status, HealthStatus: ecs.HealthUnknown, CreatedAt: w.now,
		Instance: fmt.Sprintf("i%d", w.made%4),
	}
	if status == ecs.TaskRunning {
		t.StartedAt = w.now
	}
	for _, f := range change {
		f(t)
	}
	w.tasks = append(w.tasks, t)
	return t
}

func times(n int, f func()) {
	for range n {
		f()
	}
}

func ill(t *ecs.Task) {
	t.Containers = []ecs.Container{{Name: "app", Essential: true, HasCheck: true, Health: ecs.HealthUnhealthy}}
	t.HealthStatus = ecs.HealthUnhealthy
}

func on(instance string) func(*ecs.Task) { return func(t *ecs.Task) { t.Instance = instance } }

// dies ends a task by itself.
func (w *world) dies(t *ecs.Task) {
	w.change(t, func(t *ecs.Task) {
		t.DesiredStatus, t.LastStatus, t.StoppedAt = ecs.TaskStopped, ecs.TaskStopped, w.now
		stop := ecs.StopEssentialExit()
		if t.StartedAt.IsZero() {
			stop = ecs.StopFailedToStart("")
		}
		t.Stop = &stop
	})
}

// change replaces a task, as the store does.
func (w *world) change(t *ecs.Task, f func(*ecs.Task)) *ecs.Task {
	c := *t
	f(&c)
	w.tasks[slices.Index(w.tasks, t)] = &c
	return &c
}

func (w *world) state() State {
	s := State{
		Now: w.now, Settle: w.settle, Service: w.service, Draining: w.draining, Eligible: w.eligible, Blocked: w.blocked,
		Instance: func(string) *schedule.Instance { return nil },
		Events:   func() []*ecs.ServiceEvent { return w.events },
		Previous: func(before *ecs.Deployment) (*ecs.Deployment, *ecs.Revision) {
			for _, d := range slices.Backward(w.deployments) {
				if d.Seq < before.Seq && d.RolloutState == ecs.RolloutCompleted {
					return d, &ecs.Revision{ID: d.Revision, TaskDefinition: d.TaskDefinition}
				}
			}
			return nil, nil
		},
	}
	for _, d := range w.deployments {
		if d.Status != ecs.DeploymentInactive {
			s.Deployments = append(s.Deployments, d)
		}
	}
	for _, t := range w.tasks {
		switch {
		case !t.Ended():
			s.Tasks = append(s.Tasks, t)
		case t.DiedInService() && !t.Noted:
			s.Died = append(s.Died, t)
		}
	}
	return s
}

func (w *world) decide() Plan { return Decide(w.state()) }

// apply does what the controller does with a plan; started tasks are PENDING.
func (w *world) apply(p Plan) {
	for _, s := range p.Stops {
		w.change(s.Task, func(t *ecs.Task) { t.DesiredStatus, t.Stop = ecs.TaskStopped, &s.Why })
	}
	for _, d := range p.Deployments {
		i := slices.IndexFunc(w.deployments, func(o *ecs.Deployment) bool { return o.ID == d.ID })
		w.deployments[i] = d
	}
	for _, n := range p.Noted {
		i := slices.Index(w.tasks, n)
		w.change(w.tasks[i], func(t *ecs.Task) { t.Noted = true })
	}
	if p.Service != nil {
		w.service = p.Service
	}
	messages := p.Events
	if p.Start.Deployment != nil {
		first := len(w.tasks)
		instances := []string{}
		for id := range p.Start.Instances {
			instances = append(instances, id)
		}
		for i := range p.Start.Count {
			t := w.taskOf(p.Start.Deployment, ecs.TaskPending)
			if p.Start.Instances != nil {
				t.Instance = instances[i]
			}
		}
		messages = append(messages, Started(w.service, w.tasks[first:], p.Start.Replacing)...)
	}
	for _, m := range messages {
		w.events = slices.Insert(w.events, 0, &ecs.ServiceEvent{At: w.now, Message: m})
	}
	if p.End {
		s := *w.service
		s.Status = ecs.StatusInactive
		w.service = &s
	}
}

// run lets every task come up and go down at once until nothing is left to do.
func (w *world) run(t testing.TB) {
	t.Helper()
	for range 200 {
		p := w.decide()
		if p.Empty() {
			return
		}
		w.apply(p)
		w.obey()
	}
	t.Fatalf("no end after 200 plans:\n%s", w)
}

// obey is what agents do: tasks start, and stop, as they are told.
func (w *world) obey() {
	for _, t := range w.tasks {
		switch {
		case t.Ended():
		case t.DesiredStatus == ecs.TaskStopped:
			w.change(t, func(t *ecs.Task) { t.LastStatus, t.StoppedAt = ecs.TaskStopped, w.now })
		case pending(t):
			w.change(t, func(t *ecs.Task) { t.LastStatus, t.StartedAt = ecs.TaskRunning, w.now })
		}
	}
}

func (w *world) primary() *ecs.Deployment {
	for _, d := range w.deployments {
		if d.Status == ecs.DeploymentPrimary {
			return d
		}
	}
	return nil
}

// count counts the tasks that count as running and pending.
func (w *world) count() (running, waiting int) {
	for _, t := range w.tasks {
		switch {
		case pending(t):
			waiting++
		case t.LastStatus == ecs.TaskRunning && t.DesiredStatus == ecs.TaskRunning:
			running++
		}
	}
	return running, waiting
}

func (w *world) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s desired %d at %v\n", w.service.Status, w.service.DesiredCount, w.now.Sub(epoch))
	for _, d := range w.deployments {
		fmt.Fprintf(&b, "  %s %s %s %s failed %d\n", d.ID, d.Status, d.RolloutState, d.State, d.FailedTasks)
	}
	for _, t := range w.tasks {
		fmt.Fprintf(&b, "  %s of %s on %s: %s/%s %s\n", t.ID, t.Deployment, t.Instance, t.DesiredStatus, t.LastStatus, t.HealthStatus)
	}
	for _, e := range slices.Backward(w.events) {
		fmt.Fprintf(&b, "  %s\n", e.Message)
	}
	return b.String()
}

// told are the events so far, the oldest first, without the service.
func (w *world) told() []string {
	var out []string
	for _, e := range slices.Backward(w.events) {
		out = append(out, strings.TrimPrefix(e.Message, "(service web)"))
	}
	return out
}
