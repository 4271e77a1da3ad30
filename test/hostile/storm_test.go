package hostile

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/wire"
)

// The storm: so many callers at once, of so many calls each.
const (
	callers = 32
	calls   = 60
)

// Many callers do everything at once, well-formed and not, while agents run what
// is placed. Every call is answered, and when it is over the records agree.
func TestStorm(t *testing.T) {
	p := open(t)
	w := seed(t, p.account(t, regions[0]))
	ctx, cancel := context.WithCancel(t.Context())
	var agents, storm sync.WaitGroup
	for i, ref := range w.refs["instance"] {
		if isARN(ref) {
			agents.Go(func() {
				if err := w.agent(ctx, ref, randomDice(uint64(i))); err != nil {
					t.Error(err)
				}
			})
		}
	}
	for i := range callers {
		storm.Go(func() {
			if err := w.rage(ctx, randomDice(uint64(1000+i))); err != nil {
				t.Errorf("caller %d: %v", i, err)
			}
		})
	}
	storm.Wait()
	p.healthy(t)
	w.checkCounts(t)
	cancel()
	agents.Wait()
	snap := p.srv.ECS.Store().Snapshot()
	for _, err := range []error{broken(snap, w.scope()), overdrawn(snap, w.scope())} {
		if err != nil {
			t.Error(err)
		}
	}
}

// rage calls at random: half of it what users do, half of it anything.
func (w *world) rage(ctx context.Context, d dice) error {
	m := newMaker(d, w)
	for range calls {
		op := one(d, w.plane.ops)
		if slices.Contains(harmful, op.Action) {
			continue
		}
		body := m.input(op)
		if !d.once(3) {
			op, body = w.usual(d)
		}
		if _, err := w.attack(ctx, op, body); err != nil {
			return fmt.Errorf("%s: %w\ninput: %.3000q", op.Action, err, body)
		}
	}
	return nil
}

// harmful is what would leave the others nothing to do, or break the promise that
// an instance keeps its size.
var harmful = []string{"ecs:DeleteCluster", "ecs:DeregisterContainerInstance", "ecs:RegisterContainerInstance", "ecs:DeleteTaskDefinitions"}

// usual is a call that users make.
func (w *world) usual(d dice) (op wire.Served, body []byte) {
	name := fmt.Sprintf("s%d", d(6))
	task := one(d, w.tasks())
	definition := one(d, []string{"app", "static", "app:1", "app:2"})
	call := one(d, []struct {
		action string
		in     object
	}{
		{"ecs:RunTask", object{"taskDefinition": definition, "count": 1 + d(4), "tags": w.marked()}},
		{"ecs:RunTask", object{"taskDefinition": "static", "count": 2, "placementConstraints": []object{{"type": "distinctInstance"}}}},
		{"ecs:RunTask", object{"taskDefinition": definition, "clientToken": fmt.Sprint("t", d(20))}},
		{"ecs:StartTask", object{"taskDefinition": definition, "containerInstances": []string{one(d, w.refs["instance"])}}},
		{"ecs:StopTask", object{"task": task, "reason": "storm"}},
		{"ecs:StopTask", object{"task": task}},
		{"ecs:CreateService", object{"serviceName": name, "taskDefinition": definition, "desiredCount": d(4), "tags": w.marked()}},
		{"ecs:UpdateService", object{"service": name, "desiredCount": d(5)}},
		{"ecs:UpdateService", object{"service": name, "taskDefinition": definition}},
		{"ecs:UpdateService", object{"service": name, "forceNewDeployment": true}},
		{"ecs:DeleteService", object{"service": name, "force": d.once(4)}},
		{"ecs:RegisterTaskDefinition", object{"family": "app", "containerDefinitions": []object{w.container("app", 0)}}},
		{"ecs:DeregisterTaskDefinition", object{"taskDefinition": fmt.Sprint("app:", 3+d(20))}},
		{"ecs:DescribeServices", object{"services": []string{name, "svc"}}},
		{"ecs:DescribeTasks", object{"tasks": []string{task}}},
		{"ecs:ListTasks", object{"desiredStatus": one(d, []string{"RUNNING", "STOPPED"})}},
		{"ecs:UpdateContainerInstancesState", object{
			"containerInstances": []string{one(d, w.refs["instance"])}, "status": one(d, []string{"ACTIVE", "ACTIVE", "DRAINING"}),
		}},
		{"ecs:PutAttributes", object{"attributes": []object{{"name": name, "targetId": one(d, w.refs["instance"])}}}},
		{"ecs:TagResource", object{"resourceArn": task, "tags": []object{{"key": "k", "value": name}}}},
	})
	body, err := json.Marshal(call.in)
	if err != nil {
		panic(err) // names and numbers always encode
	}
	return w.plane.op(call.action), body
}

// tasks are the ARNs of all tasks there are.
func (w *world) tasks() []string {
	var all []string
	for t := range ecs.Tasks.List(w.plane.srv.ECS.Store().Snapshot(), w.scope().Prefix()) {
		all = append(all, t.ARN())
	}
	return all
}

// checkCounts compares the counts that descriptions give with what lists list,
// once both were read without a change in between.
func (w *world) checkCounts(t *testing.T) {
	t.Helper()
	st := w.plane.srv.ECS.Store()
	for range 1000 {
		before := st.Snapshot().Revision()
		told, listed := w.counts(t)
		if st.Snapshot().Revision() != before {
			continue
		}
		if diff := cmp.Diff(listed, told); diff != "" {
			t.Errorf("counts (-listed +described):\n%s", diff)
		}
		return
	}
	t.Error("the records never come to rest")
}

// counts are, by what they count, those of descriptions and those of lists.
func (w *world) counts(t *testing.T) (told, listed map[string]float64) {
	told, listed = map[string]float64{}, map[string]float64{}
	d := &description{caller: w.caller, ctx: t.Context(), all: object{}}
	var tasks []any
	for _, status := range []string{"RUNNING", "STOPPED"} {
		arns := d.list("ecs:ListTasks", object{"desiredStatus": status}, "taskArns")
		for chunk := range slices.Chunk(arns, 100) {
			page, _ := d.ask("ecs:DescribeTasks", object{"tasks": chunk})["tasks"].([]any)
			tasks = append(tasks, page...)
		}
	}
	services := d.list("ecs:ListServices", object{}, "serviceArns")
	for _, v := range tasks {
		status, _ := pick(v, "lastStatus").(string)
		instance, _ := pick(v, "containerInstanceArn").(string)
		if status != "RUNNING" && status != "PENDING" {
			continue
		}
		listed["cluster "+status]++
		listed[instance+" "+status]++
		service, _ := strings.CutPrefix(pick(v, "group").(string), "service:")
		// Services that are being deleted are not listed.
		if slices.ContainsFunc(services, func(arn string) bool { return strings.HasSuffix(arn, "/default/"+service) }) {
			listed[service+" "+status]++
		}
	}
	instances := d.list("ecs:ListContainerInstances", object{}, "containerInstanceArns")
	listed["services"], listed["instances"] = float64(len(services)), float64(len(instances))
	add := func(of string, v any) {
		for member, status := range map[string]string{"runningCount": "RUNNING", "runningTasksCount": "RUNNING", "pendingCount": "PENDING", "pendingTasksCount": "PENDING"} {
			if n, ok := pick(v, member).(float64); ok && n != 0 {
				told[of+" "+status] = n
			}
		}
	}
	cluster := pick(d.ask("ecs:DescribeClusters", object{}), "clusters", 0)
	add("cluster", cluster)
	told["services"], _ = pick(cluster, "activeServicesCount").(float64)
	told["instances"], _ = pick(cluster, "registeredContainerInstancesCount").(float64)
	for chunk := range slices.Chunk(services, 10) {
		out, _ := d.ask("ecs:DescribeServices", object{"services": chunk})["services"].([]any)
		for _, v := range out {
			add(pick(v, "serviceName").(string), v)
		}
	}
	out, _ := d.ask("ecs:DescribeContainerInstances", object{"containerInstances": instances})["containerInstances"].([]any)
	for _, v := range out {
		add(pick(v, "containerInstanceArn").(string), v)
	}
	if d.err != nil {
		t.Fatal(d.err)
	}
	return told, listed
}
