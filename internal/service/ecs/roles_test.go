package ecs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/store"
)

// knownRoles issues credentials of the roles that it holds.
type knownRoles map[string]bool

func (k knownRoles) AssumeForTask(_ context.Context, t iam.TaskSession) (iam.Session, error) {
	if !k[t.RoleARN] {
		return iam.Session{}, &iam.TaskRoleError{RoleARN: t.RoleARN, Cause: errors.New("not there")}
	}
	if want := "arn:aws:ecs:eu-west-3:" + t.Account + ":task/default/" + t.Name; t.SourceARN != want {
		return iam.Session{}, fmt.Errorf("session %s is of %s", t.Name, t.SourceARN)
	}
	return iam.Session{
		RoleARN: t.RoleARN, AccessKeyID: "ASIA" + t.Name, SecretAccessKey: "s", Token: "t", Expires: time.Now().Add(t.Life),
	}, nil
}

const (
	appRole  = "arn:aws:iam::123456789012:role/app"
	execRole = "arn:aws:iam::123456789012:role/service/exec"
)

func (r *taskRoom) withRoles(roles ...string) knownRoles {
	known := knownRoles{}
	for _, role := range roles {
		known[role] = true
	}
	r.cfg.Roles = known
	return known
}

func wantRefusal(t *testing.T, err error, code, part string) {
	t.Helper()
	if e, ok := errors.AsType[*apierr.Error](err); !ok || e.Code != code || !strings.Contains(e.Message, part) {
		t.Errorf("got %v, want %s: %s", err, code, part)
	}
}

func TestTaskHasCredentialsOfItsOwn(t *testing.T) {
	r := newTaskRoom(t)
	r.instances(1)
	known := r.withRoles(appRole, execRole)
	r.define("web", func(d *ecsshape.TaskDefinition) { d.TaskRoleArn, d.ExecutionRoleArn = new("app"), new(execRole) })
	tasks, _ := r.run(RunTaskRequest{TaskOptions: TaskOptions{TaskDefinition: "web"}, Count: 2})
	before := r.st.Snapshot().Revision()
	ids := map[string]bool{}
	for _, task := range tasks {
		for range 2 { // again is the same, but for the keys
			issued, err := r.IssueCredentials(t.Context(), r.task(task.ID))
			if err != nil || len(issued) != 2 {
				t.Fatalf("issued %v, %v", issued, err)
			}
			for i, want := range []struct{ kind, arn string }{{agentproto.RoleTask, appRole}, {agentproto.RoleExecution, execRole}} {
				c := issued[i]
				if c.Type != want.kind || c.RoleARN != want.arn || c.AccessKeyID != "ASIA"+task.ID || len(c.CredentialsID) != 36 {
					t.Errorf("credentials %+v", c)
				}
				if at, err := time.Parse(time.RFC3339, c.Expiration); err != nil || time.Until(at) > RoleLife || c.Expires.Sub(at) >= time.Second {
					t.Errorf("expires %s, %v", c.Expiration, err)
				}
				ids[c.CredentialsID] = true
			}
		}
	}
	if len(ids) != 4 {
		t.Errorf("%d ids of credentials for 2 tasks with 2 roles", len(ids))
	}
	if now := r.st.Snapshot().Revision(); now != before {
		t.Error("credentials were written down")
	}
	delete(known, appRole) // a role that is gone takes nothing from the other one
	issued, err := r.IssueCredentials(t.Context(), tasks[0])
	if err == nil || len(issued) != 1 || issued[0].RoleARN != execRole {
		t.Errorf("issued %v, %v", issued, err)
	}
}

func TestOverridesOfRolesCount(t *testing.T) {
	r := newTaskRoom(t)
	r.instances(1)
	r.withRoles(appRole, execRole)
	r.define("web", func(d *ecsshape.TaskDefinition) { d.TaskRoleArn = new("gone") })
	tasks, _ := r.run(RunTaskRequest{TaskOptions: TaskOptions{TaskDefinition: "web", Overrides: &ecsshape.TaskOverride{
		TaskRoleArn: new(appRole), ExecutionRoleArn: new(execRole),
	}}})
	if got := tasks[0].roles(); got != (taskRoles{appRole, execRole}) {
		t.Errorf("roles %+v", got)
	}
}

func TestRolesThatCannotBe(t *testing.T) {
	r := newTaskRoom(t)
	id := r.instances(1)[0]
	r.withRoles(appRole)
	r.define("web", func(d *ecsshape.TaskDefinition) { d.ExecutionRoleArn = new(execRole) })
	const unable = "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/service/exec' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this role."
	_, _, err := r.RunTask(t.Context(), r.s, Caller{}, RunTaskRequest{TaskOptions: TaskOptions{TaskDefinition: "web"}, Count: 1})
	wantRefusal(t, err, "ClientException", unable)
	_, _, err = r.StartTask(t.Context(), r.s, Caller{}, StartTaskRequest{TaskOptions: TaskOptions{TaskDefinition: "web"}, ContainerInstances: []string{id}})
	wantRefusal(t, err, "ClientException", unable)

	for _, role := range []string{
		"arn:aws:iam::210987654321:role/app", "arn:aws:iam::123456789012:user/app", "arn:aws:s3:::role/app", "arn:aws:iam::123456789012:role/",
		"a b", "arn:", strings.Repeat("a", 65), "arn:aws:iam::123456789012:role/" + strings.Repeat("a/", 600) + "x",
	} {
		_, err := r.RegisterTaskDefinition(t.Context(), r.s, Caller{}, RegisterTaskDefinitionRequest{Definition: ecsshape.TaskDefinition{
			Family: new("f"), TaskRoleArn: &role,
			ContainerDefinitions: []ecsshape.ContainerDefinition{{Name: new("c"), Image: new("i"), Memory: new(int32(64))}},
		}})
		wantRefusal(t, err, "ClientException", "Role is not valid")
		_, _, err = r.RunTask(t.Context(), r.s, Caller{}, RunTaskRequest{Count: 1, TaskOptions: TaskOptions{
			TaskDefinition: "web", Overrides: &ecsshape.TaskOverride{TaskRoleArn: &role},
		}})
		wantRefusal(t, err, "ClientException", "Role is not valid")
	}
}

func TestPassRoleIsAsked(t *testing.T) {
	r := newTaskRoom(t)
	r.instances(1)
	r.withRoles(appRole)
	r.define("web", func(d *ecsshape.TaskDefinition) { d.TaskRoleArn = new(appRole) })
	var asked []string
	r.cfg.PassRole = func(_ context.Context, by Caller, role string) error {
		asked = append(asked, by.ARN+" "+role)
		return apierr.Client("AccessDeniedException", "no")
	}
	by := Caller{ARN: "arn:aws:iam::123456789012:user/u"}
	_, _, err := r.RunTask(t.Context(), r.s, by, RunTaskRequest{TaskOptions: TaskOptions{TaskDefinition: "web"}, Count: 1})
	wantRefusal(t, err, "AccessDeniedException", "no")
	_, err = r.RegisterTaskDefinition(t.Context(), r.s, by, RegisterTaskDefinitionRequest{Definition: r.define("web2", func(d *ecsshape.TaskDefinition) {
		d.Family, d.TaskRoleArn = new("web2"), new("app")
	}).Definition})
	wantRefusal(t, err, "AccessDeniedException", "no")
	if len(asked) != 2 || asked[0] != by.ARN+" "+appRole || asked[1] != asked[0] {
		t.Errorf("asked %v", asked)
	}
}

// Another server answers without a role that was deleted meanwhile: tasks of a
// service are not started, and the reason is one for its events.
func TestServiceOfARoleThatIsGone(t *testing.T) {
	r := newTaskRoom(t)
	r.instances(1)
	r.withRoles()
	def := r.define("web", func(d *ecsshape.TaskDefinition) { d.TaskRoleArn = new(appRole) })
	svc := &Service{Scope: r.s, Cluster: "default", Name: "s", Status: StatusActive, TaskDefinition: def.ARN()}
	r.put(func(tx *store.Tx) { Services.Put(tx, svc) })
	_, _, err := r.PlaceServiceTasks(t.Context(), PlaceRequest{Service: svc, Deployment: &Deployment{ID: "ecs-svc/1", TaskDefinition: def.ARN()}, Count: 1})
	if e, ok := errors.AsType[*LaunchError](err); !ok || !strings.HasPrefix(e.Reason, "ECS was unable to assume the role '"+appRole) {
		t.Errorf("error %v", err)
	}
}
