package ecs

import (
	"fmt"
	"testing"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
)

// taskRoom is a room over a real store, with records made by hand.
type taskRoom struct {
	*Room
	t   testing.TB
	dir string
	s   Scope
}

func newTaskRoom(t testing.TB) *taskRoom {
	t.Helper()
	r := &taskRoom{t: t, dir: t.TempDir(), s: Scope{Account: "123456789012", Region: "eu-west-3"}}
	r.open()
	t.Cleanup(func() { r.st.Close() })
	r.put(func(tx *store.Tx) {
		Clusters.Put(tx, &Cluster{Scope: r.s, Name: "default", Status: StatusActive})
	})
	return r
}

func (r *taskRoom) open() {
	r.t.Helper()
	st, err := store.Open(r.t.Context(), store.Config{Dir: r.dir}, Tables()...)
	if err != nil {
		r.t.Fatal(err)
	}
	r.Room = New(st, Config{})
}

func (r *taskRoom) reopen() {
	r.t.Helper()
	if err := r.st.Close(); err != nil {
		r.t.Fatal(err)
	}
	r.open()
}

func (r *taskRoom) put(fn func(tx *store.Tx)) {
	r.t.Helper()
	err := r.st.Update(r.t.Context(), func(tx *store.Tx) error { fn(tx); return nil })
	if err != nil {
		r.t.Fatal(err)
	}
}

// instances adds n connected instances of 2 vCPUs and 4 GiB, in zones a, b and c
// in turn, and returns their ids.
func (r *taskRoom) instances(n int) []string {
	r.t.Helper()
	ids := make([]string, n)
	r.put(func(tx *store.Tx) {
		for i := range n {
			ids[i] = fmt.Sprintf("%032x", i+1)
			Instances.Put(tx, &ContainerInstance{
				Scope: r.s, Cluster: "default", ID: ids[i], EC2InstanceID: fmt.Sprintf("i-%d", i+1),
				Status: StatusActive, AgentConnected: true, Version: 1,
				Attributes: []Attribute{
					{Name: "ecs.availability-zone", Value: "eu-west-3" + string(rune('a'+i%3))},
					{Name: "ecs.cpu-architecture", Value: "x86_64"},
				},
				Registered: Resources{CPU: 2048, Memory: 4096, TCP: []int32{22, 51678}},
			})
		}
	})
	return ids
}

// define adds an ACTIVE definition of one container, which change may alter.
func (r *taskRoom) define(family string, change func(d *ecsshape.TaskDefinition)) *TaskDefinition {
	r.t.Helper()
	def := &TaskDefinition{
		Scope: r.s, Family: family, Revision: 1, Status: StatusActive,
		Definition: ecsshape.TaskDefinition{
			Compatibilities: []string{"EC2"},
			ContainerDefinitions: []ecsshape.ContainerDefinition{{
				Name: new("app"), Image: new("registry.test/app:1"), Cpu: new(int32(100)), Memory: new(int32(64)), Essential: new(true),
			}},
		},
	}
	if change != nil {
		change(&def.Definition)
	}
	r.put(func(tx *store.Tx) { TaskDefinitions.Put(tx, def) })
	return def
}

func (r *taskRoom) run(req RunTaskRequest) ([]*Task, []Failure) {
	r.t.Helper()
	if req.Count == 0 {
		req.Count = 1
	}
	tasks, failures, err := r.RunTask(r.t.Context(), r.s, Caller{}, req)
	if err != nil {
		r.t.Fatal(err)
	}
	return tasks, failures
}

func (r *taskRoom) task(id string) *Task {
	r.t.Helper()
	t, ok := Tasks.Get(r.st.Snapshot(), r.s.Key("default", id))
	if !ok {
		r.t.Fatalf("task %s is gone", id)
	}
	return t
}

func (r *taskRoom) allocation(instance string) Allocation {
	a, ok := Allocations.Get(r.st.Snapshot(), r.s.Key("default", instance))
	if !ok {
		return Allocation{}
	}
	return *a
}

func (r *taskRoom) report(task *Task, rep TaskReport) {
	r.t.Helper()
	if err := r.SubmitTaskState(r.t.Context(), r.s, Caller{}, "default", task.ARN(), rep); err != nil {
		r.t.Fatal(err)
	}
}
