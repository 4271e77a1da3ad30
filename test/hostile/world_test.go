package hostile

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/service/ecs"
)

// secret is in tags, environments and settings of every seeded world and in no
// input: an answer to another account that holds it has leaked.
const secret = "of-nobody-elses-concern"

// world is what an account has in a region: names and ARNs of real things that
// inputs can hit.
type world struct {
	*caller
	refs map[string][]string // by what they name: "cluster", "task" …
}

func (w *world) know(kind string, refs ...string) {
	w.refs[kind] = append(w.refs[kind], refs...)
}

// secret is this account's.
func (c *caller) secret() string { return secret + c.key.Account }

func (w *world) marked() []object {
	return []object{{"key": "owner", "value": w.secret()}}
}

// seed fills an account.
func seed(t testing.TB, c *caller) *world {
	t.Helper()
	w := &world{caller: c, refs: map[string][]string{}}
	w.seedCluster(t, "default", 2)
	w.seedCluster(t, "empty", 0)
	w.seedDefinitions(t)
	w.seedTasks(t)
	w.seedServices(t)
	w.seedRepository(t)
	return w
}

func (w *world) seedCluster(t testing.TB, name string, instances int) {
	arn := pick(w.must(t, "ecs:CreateCluster", object{"clusterName": name, "tags": w.marked()}), "cluster", "clusterArn").(string)
	w.know("cluster", name, arn)
	for i := range instances {
		arn := w.join(t, name, fmt.Sprintf("%sa", w.region), fmt.Sprintf("i-%017x", i+1))
		w.know("instance", arn, arn[strings.LastIndexByte(arn, '/')+1:])
	}
}

// join registers a container instance whose agent is connected.
func (w *world) join(t testing.TB, cluster, zone, machine string) string {
	t.Helper()
	out := w.must(t, "ecs:RegisterContainerInstance", object{
		"cluster": cluster,
		"instanceIdentityDocument": fmt.Sprintf(`{"instanceId":%q,"instanceType":"m5.large","availabilityZone":%q,"imageId":"ami-1"}`,
			machine, zone),
		"totalResources": []object{
			{"name": "CPU", "type": "INTEGER", "integerValue": 2048},
			{"name": "MEMORY", "type": "INTEGER", "integerValue": 4096},
			{"name": "PORTS", "type": "STRINGSET", "stringSetValue": []string{"22", "51678"}},
			{"name": "PORTS_UDP", "type": "STRINGSET", "stringSetValue": []string{}},
		},
		"attributes": w.capabilities(),
		"tags":       w.marked(),
	})
	arn := pick(out, "containerInstance", "containerInstanceArn").(string)
	id := arn[strings.LastIndexByte(arn, '/')+1:]
	if err := w.plane.srv.ECS.ConnectAgent(t.Context(), w.scope(), cluster, id, ecs.AgentConnection{ID: id, AgentVersion: "1.105.1"}); err != nil {
		t.Fatal(err)
	}
	return arn
}

// capabilities are what plain task definitions require of an instance.
func (w *world) capabilities() []object {
	all := []object{{"name": "ecs.os-type", "value": "linux"}, {"name": "stack", "value": w.secret()}}
	for _, v := range []int{17, 18, 19, 20, 21, 22, 23, 24, 25, 28, 29, 30, 32} {
		all = append(all, object{"name": fmt.Sprintf("com.amazonaws.ecs.capability.docker-remote-api.1.%d", v)})
	}
	return all
}

func (w *world) container(name string, hostPort int) object {
	return object{
		"name": name, "image": "busybox", "memory": 32, "cpu": 16,
		"portMappings": []object{{"containerPort": 80, "hostPort": hostPort}},
		"environment":  []object{{"name": "PASSWORD", "value": w.secret()}},
	}
}

func (w *world) seedDefinitions(t testing.TB) {
	for _, d := range []object{
		{"family": "app", "containerDefinitions": []object{w.container("app", 0)}, "tags": w.marked()},
		{"family": "app", "containerDefinitions": []object{w.container("app", 0)}},
		{"family": "static", "containerDefinitions": []object{w.container("web", 8080)}},
	} {
		arn := pick(w.must(t, "ecs:RegisterTaskDefinition", d), "taskDefinition", "taskDefinitionArn").(string)
		family := d["family"].(string)
		w.know("definition", arn, family, arn[strings.LastIndexByte(arn, '/')+1:])
		if !slices.Contains(w.refs["family"], family) {
			w.know("family", family)
		}
	}
	w.know("container", "app", "web")
}

func (w *world) seedTasks(t testing.TB) {
	out := w.must(t, "ecs:RunTask", object{
		"taskDefinition": "app", "count": 2, "startedBy": "seed", "group": "batch", "tags": w.marked(), "clientToken": "token",
	})
	for i := range 2 {
		arn, _ := pick(out, "tasks", i, "taskArn").(string)
		if arn == "" {
			t.Fatalf("the seed's task does not run: %v", out)
		}
		w.know("task", arn, arn[strings.LastIndexByte(arn, '/')+1:])
	}
	w.know("startedBy", "seed")
	w.know("group", "batch", "family:app", "service:svc")
	w.know("token", "token", "other")
}

func (w *world) seedServices(t testing.TB) {
	for name, count := range map[string]int{"svc": 1, "idle": 0} {
		out := w.must(t, "ecs:CreateService", object{
			"serviceName": name, "taskDefinition": "app", "desiredCount": count, "tags": w.marked(),
		})
		w.know("service", name, pick(out, "service", "serviceArn").(string))
		out = w.must(t, "ecs:ListServiceDeployments", object{"service": name})
		w.know("deployment", pick(out, "serviceDeployments", 0, "serviceDeploymentArn").(string))
		w.know("revision", pick(out, "serviceDeployments", 0, "targetServiceRevisionArn").(string))
	}
}

func (w *world) seedRepository(t testing.TB) {
	out := w.must(t, "ecr:CreateRepository", object{
		"repositoryName": "team/app", "tags": []object{{"Key": "owner", "Value": w.secret()}},
	})
	w.know("repository", "team/app")
	w.know("repositoryArn", pick(out, "repository", "repositoryArn").(string))
	w.know("registry", w.key.Account)
	w.know("digest", "latest", "sha256:"+strings.Repeat("0", 64))
}
