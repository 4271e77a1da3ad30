package ecs

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/tag"
)

func TestNormaliseTwiceIsOnce(t *testing.T) {
	text := rapid.OneOf(rapid.Just(""), rapid.SampledFrom([]string{"1 vCPU", "2GB", "512", "0.25 vcpu", "x"}))
	rapid.Check(t, func(t *rapid.T) {
		optional := func(label string) *string {
			if s := text.Draw(t, label); s != "" {
				return &s
			}
			return nil
		}
		number := func(label string) *int32 {
			if n := rapid.Int32Range(-1, 70000).Draw(t, label); n > 0 {
				return &n
			}
			return nil
		}
		d := ecsshape.TaskDefinition{Family: new("f"), Cpu: optional("cpu"), Memory: optional("memory")}
		if mode := rapid.SampledFrom([]string{"", "bridge", "host", "awsvpc", "none"}).Draw(t, "mode"); mode != "" {
			d.NetworkMode = &mode
		}
		for range rapid.IntRange(0, 3).Draw(t, "containers") {
			c := ecsshape.ContainerDefinition{Name: optional("name"), Cpu: number("container cpu")}
			for range rapid.IntRange(0, 3).Draw(t, "ports") {
				c.PortMappings = append(c.PortMappings, ecsshape.PortMapping{ContainerPort: number("port"), HostPort: number("host port"), ContainerPortRange: optional("range")})
			}
			if rapid.Bool().Draw(t, "health") {
				c.HealthCheck = &ecsshape.HealthCheck{Interval: number("interval")}
			}
			if rapid.Bool().Draw(t, "log") {
				c.LogConfiguration = &ecsshape.LogConfiguration{}
			}
			d.ContainerDefinitions = append(d.ContainerDefinitions, c)
		}
		for range rapid.IntRange(0, 2).Draw(t, "volumes") {
			v := ecsshape.Volume{Name: optional("volume")}
			if rapid.Bool().Draw(t, "docker") {
				v.DockerVolumeConfiguration = &ecsshape.DockerVolumeConfiguration{Driver: optional("driver")}
			}
			d.Volumes = append(d.Volumes, v)
		}
		before, _ := json.Marshal(&d)
		once := normaliseDefinition(d)
		if after, _ := json.Marshal(&d); string(before) != string(after) {
			t.Fatalf("the input changed: %s to %s", before, after)
		}
		if diff := cmp.Diff(once, normaliseDefinition(once)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// FuzzRegisterTaskDefinition: whatever a user writes, it is refused with an
// error of AWS or kept, and what is kept is kept again unchanged.
func FuzzRegisterTaskDefinition(f *testing.F) {
	f.Add([]byte(definition(`"memory":128,"portMappings":[{"containerPort":80}]`, "")))
	f.Add([]byte(definition("", fargateTask)))
	f.Add([]byte(`{"family":"f","containerDefinitions":[{}, {"name":"a","dependsOn":[{}],"links":[":"],"secrets":[{}]}],"volumes":[{}]}`))
	f.Add([]byte(`{"family":"f","containerDefinitions":[{"name":"a","image":"i","memory":4,"linuxParameters":{"tmpfs":[{}],"devices":[{}]},"ulimits":[{}],"extraHosts":[{}]}]}`))
	f.Fuzz(func(t *testing.T, input []byte) {
		var d ecsshape.TaskDefinition
		if json.Unmarshal(input, &d) != nil {
			return
		}
		kept, err := (&RegisterTaskDefinitionRequest{Definition: d}).normalised()
		if err != nil {
			if _, ok := errors.AsType[*apierr.Error](err); !ok {
				t.Fatal(err)
			}
			return
		}
		again, err := (&RegisterTaskDefinitionRequest{Definition: kept}).normalised()
		if err != nil {
			t.Fatalf("refused what was kept: %v", err)
		}
		if diff := cmp.Diff(kept, again); diff != "" {
			t.Fatal(diff)
		}
	})
}

func (r *taskRoom) registerDefinition(family string) *TaskDefinition {
	r.t.Helper()
	d, err := r.RegisterTaskDefinition(r.t.Context(), r.s, Caller{ARN: "arn:aws:iam::123456789012:root"}, RegisterTaskDefinitionRequest{
		Definition: ecsshape.TaskDefinition{
			Family:               &family,
			ContainerDefinitions: []ecsshape.ContainerDefinition{{Name: new("app"), Image: new("registry.test/app:1"), Memory: new(int32(64))}},
		},
		Tags: []tag.Tag{{Key: "a", Value: "b"}},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return d
}

func TestRevisionsHaveNoGapsAndNoTwins(t *testing.T) {
	r := newTaskRoom(t)
	const n = 40
	var wg sync.WaitGroup
	revisions := make([]int, n)
	for i := range n {
		wg.Go(func() { revisions[i] = r.registerDefinition("web").Revision })
	}
	wg.Wait()
	slices.Sort(revisions)
	for i, revision := range revisions {
		if revision != i+1 {
			t.Fatalf("revisions %v", revisions)
		}
	}
}

func TestTaskDefinitionIsDeletedOnceUnused(t *testing.T) {
	r := newTaskRoom(t)
	r.instances(1)
	r.registerDefinition("web")
	tasks, _ := r.run(RunTaskRequest{TaskOptions: TaskOptions{TaskDefinition: "web"}})
	wantAPIError := func(err error, code, message string) {
		t.Helper()
		if e, ok := errors.AsType[*apierr.Error](err); !ok || e.Code != code || e.Message != message {
			t.Errorf("got %v, want %s: %s", err, code, message)
		}
	}
	_, err := r.DeregisterTaskDefinition(t.Context(), r.s, "web")
	wantAPIError(err, "ClientException", "Revision is missing.")
	_, err = r.DeregisterTaskDefinition(t.Context(), r.s, "web:2")
	wantAPIError(err, "ClientException", "The specified task definition does not exist.")

	_, failures, err := r.DeleteTaskDefinitions(t.Context(), r.s, []string{"web:1", "web:7"})
	if err != nil || len(failures) != 2 || !strings.Contains(failures[0].Reason, "still in ACTIVE status") || failures[1].ARN != r.s.ARN("task-definition/web:7") {
		t.Errorf("failures %v, %v", failures, err)
	}
	d, err := r.DeregisterTaskDefinition(t.Context(), r.s, "web:1")
	if err != nil || d.Status != StatusInactive || d.DeregisteredAt.IsZero() {
		t.Fatalf("deregistered %+v, %v", d, err)
	}
	_, _, err = r.RunTask(t.Context(), r.s, Caller{}, RunTaskRequest{TaskOptions: TaskOptions{TaskDefinition: "web:1"}, Count: 1})
	wantAPIError(err, "ClientException", "TaskDefinition is inactive")
	if _, err := r.DescribeTaskDefinition(r.s, "web"); err == nil {
		t.Error("a family without an ACTIVE revision is described")
	}
	deleted, failures, err := r.DeleteTaskDefinitions(t.Context(), r.s, []string{d.ARN()})
	if err != nil || len(failures) != 0 || deleted[0].Status != StatusDeleteInProgress || deleted[0].DeleteRequestedAt.IsZero() {
		t.Fatalf("deleted %v, failures %v, %v", deleted, failures, err)
	}
	if n, err := r.ExpireTaskDefinitions(t.Context()); n != 0 || err != nil {
		t.Errorf("expired %d definitions that a task uses, %v", n, err)
	}
	if err := r.StopTasksOfInstance(t.Context(), r.s, "default", tasks[0].Instance, StopByDeregistration()); err != nil {
		t.Fatal(err)
	}
	if n, err := r.ExpireTaskDefinitions(t.Context()); n != 1 || err != nil {
		t.Errorf("expired %d, %v", n, err)
	}
	_, err = r.DescribeTaskDefinition(r.s, "web:1")
	wantAPIError(err, "ClientException", "Unable to describe task definition.")
	if d := r.registerDefinition("web"); d.Revision != 2 {
		t.Errorf("revision %d after 1 was deleted", d.Revision)
	}
}

func TestTaskDefinitionOfAServiceIsKept(t *testing.T) {
	r := newTaskRoom(t)
	d := r.registerDefinition("web")
	r.put(func(tx *store.Tx) {
		Services.Put(tx, &Service{Scope: r.s, Cluster: "default", Name: "svc", Status: StatusActive, TaskDefinition: d.ARN()})
	})
	if _, err := r.DeregisterTaskDefinition(t.Context(), r.s, "web:1"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.DeleteTaskDefinitions(t.Context(), r.s, []string{"web:1"}); err != nil {
		t.Fatal(err)
	}
	if n, err := r.ExpireTaskDefinitions(t.Context()); n != 0 || err != nil {
		t.Errorf("expired %d, %v", n, err)
	}
}

func TestTaskDefinitionListsInOrderPageByPage(t *testing.T) {
	r := newTaskRoom(t)
	for _, family := range []string{"web-a", "web", "api", "web", "web", "web_b"} {
		r.registerDefinition(family)
	}
	if _, err := r.DeregisterTaskDefinition(t.Context(), r.s, "api:1"); err != nil {
		t.Fatal(err)
	}
	names := func(req ListTaskDefinitionsRequest) (out []string) {
		t.Helper()
		for {
			arns, next, err := r.ListTaskDefinitions(r.s, req)
			if err != nil {
				t.Fatal(err)
			}
			for _, arn := range arns {
				out = append(out, arn[strings.LastIndexByte(arn, '/')+1:])
			}
			if next == "" {
				return out
			}
			req.NextToken = next
		}
	}
	want := []string{"web:1", "web:2", "web:3", "web-a:1", "web_b:1"}
	for size := range int32(6) {
		req := ListTaskDefinitionsRequest{MaxResults: new(size + 1)}
		if diff := cmp.Diff(want, names(req)); diff != "" {
			t.Errorf("pages of %d: %s", size+1, diff)
		}
		req.Descending = true
		backwards := slices.Clone(want)
		slices.Reverse(backwards)
		if diff := cmp.Diff(backwards, names(req)); diff != "" {
			t.Errorf("backwards, pages of %d: %s", size+1, diff)
		}
	}
	if diff := cmp.Diff(want[:3], names(ListTaskDefinitionsRequest{Family: "web", MaxResults: new(int32(2))})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"api:1"}, names(ListTaskDefinitionsRequest{Status: StatusInactive})); diff != "" {
		t.Error(diff)
	}
	for _, tc := range []struct {
		prefix, status string
		want           []string
	}{
		{"", "", []string{"api", "web", "web-a", "web_b"}},
		{"web", "ALL", []string{"web", "web-a", "web_b"}},
		{"", "ACTIVE", []string{"web", "web-a", "web_b"}},
		{"", "INACTIVE", []string{"api"}},
		{"x", "", nil},
	} {
		var got []string
		req := ListFamiliesRequest{Prefix: tc.prefix, Status: tc.status, MaxResults: new(int32(1))}
		for {
			page, next, err := r.ListFamilies(r.s, req)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, page...)
			if req.NextToken = next; next == "" {
				break
			}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("families %q %q: %s", tc.prefix, tc.status, diff)
		}
	}
	_, next, err := r.ListTaskDefinitions(r.s, ListTaskDefinitionsRequest{MaxResults: new(int32(1))})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.ListTaskDefinitions(r.s, ListTaskDefinitionsRequest{NextToken: next, Descending: true}); err == nil {
		t.Error("a token is good for another order")
	}
}
