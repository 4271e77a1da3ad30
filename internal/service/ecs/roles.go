package ecs

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/service/iam"
)

// RoleLife is how long the credentials of a task's role are good (task-iam-roles).
const RoleLife = 6 * time.Hour

// Roles issues the credentials of roles that tasks run with; the iam room does.
// Its error is an [iam.TaskRoleError] where there is no such role, or it does not
// trust ECS.
type Roles interface {
	AssumeForTask(ctx context.Context, t iam.TaskSession) (iam.Session, error)
}

// taskRoles are the ARNs of the roles that a task runs with; empty where it has
// none.
type taskRoles struct{ task, execution string }

func (r taskRoles) list() []string {
	var out []string
	for _, role := range []string{r.task, r.execution} {
		if role != "" {
			out = append(out, role)
		}
	}
	return out
}

// rolesOf are the roles of a task of the definition under the overrides. A role
// may be given by its name alone (taskRoleArn of the API reference).
func rolesOf(s Scope, d *ecsshape.TaskDefinition, o *ecsshape.TaskOverride) taskRoles {
	r := taskRoles{given(d.TaskRoleArn), given(d.ExecutionRoleArn)}
	if o != nil {
		if role := given(o.TaskRoleArn); role != "" {
			r.task = role
		}
		if role := given(o.ExecutionRoleArn); role != "" {
			r.execution = role
		}
	}
	return taskRoles{s.roleARN(r.task), s.roleARN(r.execution)}
}

func (s Scope) roleARN(ref string) string {
	if ref == "" || arn.Is(ref) {
		return ref
	}
	return arn.New("iam", "", s.Account, "role/"+ref).String()
}

// check refuses what cannot be a role of the account.
func (r taskRoles) check(s Scope) error {
	for _, role := range r.list() {
		a, err := arn.Parse(role)
		if err != nil || a.Service != "iam" || a.Account != s.Account || !rolePattern.MatchString(a.Resource) {
			return ErrClient("Role is not valid")
		}
	}
	return nil
}

// rolePattern is a path and a name (CreateRole of the IAM API reference).
var rolePattern = regexp.MustCompile(`^role/(?:[!-~]{1,510}/)?[A-Za-z0-9+=,.@_-]{1,64}$`)

// mayPass asks whether the caller may hand the roles to ECS (iam:PassRole).
func (r *Room) mayPass(ctx context.Context, caller Caller, roles taskRoles) error {
	if r.cfg.PassRole == nil {
		return nil
	}
	for _, role := range roles.list() {
		if err := r.cfg.PassRole(ctx, caller, role); err != nil {
			return err
		}
	}
	return nil
}

// runWith holds the roles of tasks that a caller wants to run.
func (r *Room) runWith(ctx context.Context, s Scope, caller Caller, found resolvedTask, o *ecsshape.TaskOverride) error {
	roles := rolesOf(s, &found.def.Definition, o)
	if err := r.mayPass(ctx, caller, roles); err != nil {
		return err
	}
	err := r.assumable(ctx, s, found.cluster.Name, roles)
	if refused, ok := errors.AsType[*iam.TaskRoleError](err); ok {
		return ErrClient("%s", refused)
	}
	return err
}

// assumable refuses roles of which a task in the cluster would get no credentials.
func (r *Room) assumable(ctx context.Context, s Scope, cluster string, roles taskRoles) error {
	for _, role := range roles.list() {
		like := Task{Scope: s, Cluster: cluster, ID: newTaskID()}
		if _, err := r.assume(ctx, &like, role); err != nil {
			return err
		}
	}
	return nil
}

func (r *Room) assume(ctx context.Context, t *Task, role string) (iam.Session, error) {
	if r.cfg.Roles == nil {
		return iam.Session{}, &iam.TaskRoleError{RoleARN: role, Cause: errors.New("nobody issues credentials")}
	}
	return r.cfg.Roles.AssumeForTask(ctx, iam.TaskSession{
		Account: t.Account, RoleARN: role, Name: t.ID, SourceARN: t.ARN(), Life: RoleLife,
	})
}

// RoleCredentials are fresh credentials of one of a task's roles.
type RoleCredentials struct {
	Type string // agentproto.RoleTask or agentproto.RoleExecution
	agentproto.RoleCredentials
	Expires time.Time
}

// HasRoles tells whether the task runs with credentials of its own.
func (t *Task) HasRoles() bool { return t.TaskRole != nil || t.ExecutionRole != nil }

// IssueCredentials makes credentials of the task's roles: those that can be had,
// and an error about the others. Nothing is written down.
func (r *Room) IssueCredentials(ctx context.Context, t *Task) ([]RoleCredentials, error) {
	var out []RoleCredentials
	var failed []error
	for _, use := range []struct {
		kind string
		role *TaskRole
	}{{agentproto.RoleTask, t.TaskRole}, {agentproto.RoleExecution, t.ExecutionRole}} {
		if use.role == nil {
			continue
		}
		issued, err := r.assume(ctx, t, use.role.ARN)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		out = append(out, RoleCredentials{use.kind, agentproto.RoleCredentials{
			CredentialsID:   use.role.CredentialsID,
			RoleARN:         use.role.ARN,
			AccessKeyID:     issued.AccessKeyID,
			SecretAccessKey: issued.SecretAccessKey,
			SessionToken:    issued.Token,
			Expiration:      issued.Expires.UTC().Format(time.RFC3339),
		}, issued.Expires})
	}
	return out, errors.Join(failed...)
}
