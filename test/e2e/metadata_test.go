//go:build e2e

package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// taskMetadata is what is read of the task metadata endpoint's answers.
type taskMetadata struct {
	Cluster, TaskARN, Family, Revision, DesiredStatus, KnownStatus string
	AvailabilityZone, LaunchType                                   string
	Limits                                                         struct{ CPU, Memory float64 }
	PullStartedAt, PullStoppedAt                                   time.Time
	Containers                                                     []containerMetadata
	TaskTags, ContainerInstanceTags                                map[string]string
	Errors                                                         []any
}

type containerMetadata struct {
	DockerId, Name, DockerName, Image, ImageID, DesiredStatus, KnownStatus, Type, ContainerARN, LogDriver string
	Labels, LogOptions                                                                                    map[string]string
	Limits                                                                                                struct{ CPU, Memory float64 }
	Ports                                                                                                 []struct {
		ContainerPort, HostPort int32
		Protocol, HostIp        string
	}
	Networks []struct {
		NetworkMode   string
		IPv4Addresses []string
	}
	StartedAt time.Time
}

// metadataTask is a task of a serving probe and another container, with tags.
func metadataTask(t *testing.T, s *site) (inside, types.Task) {
	t.Helper()
	app := toGroup(s.serving(t, "app"), "/e2e/metadata")
	app.DockerLabels = map[string]string{"team": "blue"}
	app.Cpu = 64
	definition := s.registerInput(t, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("metadata"), Memory: aws.String("256"), Cpu: aws.String("256"),
		ContainerDefinitions: []types.ContainerDefinition{app, s.probe(t, "side", "ticks", "200")},
	})
	arn := s.run(t, definition, func(in *ecs.RunTaskInput) {
		in.Tags = []types.Tag{{Key: aws.String("stage"), Value: aws.String("test")}}
	})
	task := s.await(t, arn, "RUNNING")
	c := container(t, task, "app")
	return inside(hostPort(s.machines(t)[*task.ContainerInstanceArn].address, *c.NetworkBindings[0].HostPort)), task
}

func TestTaskMetadata(t *testing.T) {
	t.Parallel()
	s := shared
	in, task := metadataTask(t, s)
	app := container(t, task, "app")

	var own containerMetadata
	in.json(t, "$ECS_CONTAINER_METADATA_URI_V4", &own)
	if own.Name != "app" || own.DockerId != *app.RuntimeId || own.ContainerARN != *app.ContainerArn || own.KnownStatus != "RUNNING" ||
		own.Type != "NORMAL" || own.LogDriver != "awslogs" || own.LogOptions["awslogs-stream"] != stream("app", *task.TaskArn) ||
		own.Labels["team"] != "blue" || own.Labels["com.amazonaws.ecs.task-arn"] != *task.TaskArn ||
		own.Labels["com.amazonaws.ecs.container-name"] != "app" || own.Limits.CPU != 64 || own.Limits.Memory != 64 ||
		own.ImageID != aws.ToString(app.ImageDigest) || own.StartedAt.IsZero() ||
		!strings.HasPrefix(own.DockerName, "ecs-metadata-") {
		t.Errorf("container metadata %+v", own)
	}
	if len(own.Ports) != 1 || own.Ports[0].ContainerPort != 80 || own.Ports[0].HostPort != *app.NetworkBindings[0].HostPort || own.Ports[0].Protocol != "tcp" {
		t.Errorf("ports %+v", own.Ports)
	}
	if len(own.Networks) != 1 || own.Networks[0].NetworkMode != "bridge" || len(own.Networks[0].IPv4Addresses) != 1 {
		t.Errorf("networks %+v", own.Networks)
	}

	for _, version := range []string{"$ECS_CONTAINER_METADATA_URI_V4", "$ECS_CONTAINER_METADATA_URI"} {
		var whole taskMetadata
		in.json(t, version+"/task", &whole)
		if whole.TaskARN != *task.TaskArn || whole.Family != "metadata" || whole.Revision == "" || whole.KnownStatus != "RUNNING" ||
			whole.Cluster != "default" || whole.AvailabilityZone != *task.AvailabilityZone || whole.Limits.CPU != 0.25 || whole.Limits.Memory != 256 ||
			whole.PullStoppedAt.Before(whole.PullStartedAt) || whole.PullStartedAt.IsZero() || len(whole.Containers) != 2 {
			t.Errorf("%s/task: %+v", version, whole)
		}
		if v4 := strings.HasSuffix(version, "V4"); v4 != (whole.LaunchType == "EC2") {
			t.Errorf("%s/task has the launch type %q", version, whole.LaunchType)
		}
		var tagged taskMetadata
		in.json(t, version+"/taskWithTags", &tagged)
		if tagged.TaskTags["stage"] != "test" || len(tagged.Errors) != 0 {
			t.Errorf("%s/taskWithTags: %v, errors %v", version, tagged.TaskTags, tagged.Errors)
		}
	}
	if got := in.fetch(t, http.MethodGet, "http://169.254.170.2/v4/11111111-1111-1111-1111-111111111111/task", ""); got.Status != http.StatusNotFound {
		t.Errorf("metadata of nobody: %+v", got)
	}
}

// Statistics come a moment after the start, and grow.
func TestTaskStatistics(t *testing.T) {
	t.Parallel()
	s := shared
	in, task := s.inside(t, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("statistics"), ContainerDefinitions: []types.ContainerDefinition{s.serving(t, "app")},
	})
	type statistics struct {
		Cpu_stats struct {
			Cpu_usage struct{ Total_usage uint64 }
		}
		Memory_stats struct{ Usage uint64 }
		Networks     map[string]struct{ Rx_bytes uint64 }
	}
	first := eventually(t, "statistics", func() (statistics, bool) {
		var got statistics
		in.json(t, "$ECS_CONTAINER_METADATA_URI_V4/stats", &got)
		return got, got.Cpu_stats.Cpu_usage.Total_usage > 0 && got.Memory_stats.Usage > 0
	})
	eventually(t, "later statistics", func() (statistics, bool) {
		var got statistics
		in.json(t, "$ECS_CONTAINER_METADATA_URI_V4/stats", &got)
		return got, got.Cpu_stats.Cpu_usage.Total_usage > first.Cpu_stats.Cpu_usage.Total_usage && got.Networks["eth0"].Rx_bytes > 0
	})
	eventually(t, "statistics of the task", func() (map[string]*statistics, bool) {
		got := map[string]*statistics{}
		in.json(t, "$ECS_CONTAINER_METADATA_URI_V4/task/stats", &got)
		one := got[*container(t, task, "app").RuntimeId]
		return got, len(got) == 1 && one != nil
	})
}

// A task of a service protects itself from scale-in.
func TestTaskProtectionFromInside(t *testing.T) {
	t.Parallel()
	s := shared
	definition := s.registerInput(t, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("protected"), ContainerDefinitions: []types.ContainerDefinition{s.serving(t, "app")},
		TaskRoleArn: aws.String(s.role(t, "e2e-protects", "ecs:UpdateTaskProtection", "ecs:GetTaskProtection")),
	})
	s.create(t, "protected", definition, 1)
	task := s.tasks(t, types.DesiredStatusRunning, "protected")[0]
	in := inside(address(t, task, s.machines(t)))
	const state = "$ECS_AGENT_URI/task-protection/v1/state"
	var got struct {
		Protection struct {
			ProtectionEnabled bool
			ExpirationDate    time.Time
			TaskArn           string
		}
	}
	put := in.fetch(t, http.MethodPut, state, `{"ProtectionEnabled":true,"ExpiresInMinutes":60}`)
	if put.Status != http.StatusOK {
		t.Fatalf("protect: %+v", put)
	}
	in.json(t, state, &got)
	if p := got.Protection; !p.ProtectionEnabled || p.TaskArn != *task.TaskArn || time.Until(p.ExpirationDate) > time.Hour {
		t.Errorf("protection %+v", p)
	}
	seen, err := s.aws.ECS.GetTaskProtection(t.Context(), &ecs.GetTaskProtectionInput{Cluster: aws.String("default"), Tasks: []string{*task.TaskArn}})
	if err != nil || len(seen.ProtectedTasks) != 1 || !seen.ProtectedTasks[0].ProtectionEnabled {
		t.Errorf("GetTaskProtection: %+v, %v", seen, err)
	}
	if off := in.fetch(t, http.MethodPut, state, `{"ProtectionEnabled":false}`); off.Status != http.StatusOK || strings.Contains(off.Body, "true") {
		t.Errorf("unprotect: %+v", off)
	}
}

// Without a role that may, the answer says so.
func TestTaskProtectionRefused(t *testing.T) {
	t.Parallel()
	s := shared
	const state = "$ECS_AGENT_URI/task-protection/v1/state"
	in, _ := s.inside(t, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("protect-norole"), ContainerDefinitions: []types.ContainerDefinition{s.serving(t, "app")},
	})
	if got := in.fetch(t, http.MethodPut, state, `{"ProtectionEnabled":true}`); got.Status != http.StatusForbidden || !strings.Contains(got.Body, "AccessDeniedException") {
		t.Errorf("without a role: %+v", got)
	}
	in, _ = s.inside(t, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("protect-maynot"), TaskRoleArn: aws.String(s.role(t, "e2e-may-not-protect")),
		ContainerDefinitions: []types.ContainerDefinition{s.serving(t, "app")},
	})
	if got := in.fetch(t, http.MethodPut, state, `{"ProtectionEnabled":true}`); got.Status != http.StatusBadRequest || !strings.Contains(got.Body, "AccessDeniedException") {
		t.Errorf("with a role that may not: %+v", got)
	}
}

func TestIntrospection(t *testing.T) {
	t.Parallel()
	s := shared
	c := s.probe(t, "app")
	c.Environment, c.PortMappings = []types.KeyValuePair{pair("PORT", "18084")}, []types.PortMapping{{ContainerPort: aws.Int32(18084)}}
	task := s.await(t, s.run(t, s.registerInput(t, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("introspection"), NetworkMode: types.NetworkModeHost, ContainerDefinitions: []types.ContainerDefinition{c},
	})), "RUNNING")
	in := inside(hostPort(s.machines(t)[*task.ContainerInstanceArn].address, 18084))
	var meta struct{ Cluster, ContainerInstanceArn, Version string }
	in.json(t, "http://localhost:51678/v1/metadata", &meta)
	if meta.Cluster != "default" || meta.ContainerInstanceArn != *task.ContainerInstanceArn || !strings.HasPrefix(meta.Version, "Amazon ECS Agent - v") {
		t.Errorf("metadata %+v", meta)
	}
	type seen struct {
		Arn, DesiredStatus, KnownStatus, Family, Version string
		Containers                                       []struct{ DockerId, DockerName, Name string }
	}
	id := *container(t, task, "app").RuntimeId
	for _, query := range []string{"taskarn=" + *task.TaskArn, "dockerid=" + id, "dockerid=" + id[:12]} {
		var got seen
		in.json(t, "http://localhost:51678/v1/tasks?"+query, &got)
		if got.Arn != *task.TaskArn || got.KnownStatus != "RUNNING" || got.Family != "introspection" || len(got.Containers) != 1 || got.Containers[0].DockerId != id {
			t.Errorf("%s: %+v", query, got)
		}
	}
	var all struct{ Tasks []seen }
	in.json(t, "http://localhost:51678/v1/tasks", &all)
	if len(all.Tasks) == 0 {
		t.Error("no tasks")
	}
	if got := in.fetch(t, http.MethodGet, "http://localhost:51678/v1/tasks?taskarn=nobody", ""); got.Status != http.StatusNotFound {
		t.Errorf("a task that is not there: %+v", got)
	}
}
