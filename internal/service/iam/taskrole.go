package iam

import (
	"context"
	"fmt"
	"time"

	"github.com/slipway/slipway/internal/authz/policy"
)

// tasksPrincipal is the service that assumes the roles of tasks.
const tasksPrincipal = "ecs-tasks.amazonaws.com"

// TaskRoleError says that a task's role is not there, or does not trust ECS.
type TaskRoleError struct {
	RoleARN string
	Cause   error // a *NotFoundError, or a *TrustError
}

// Error has AWS's text, as in a service's events and a task's stoppedReason.
func (e *TaskRoleError) Error() string {
	return fmt.Sprintf("ECS was unable to assume the role '%s' that was provided for this task. Please verify that the role being passed has the "+
		"proper trust relationship and permissions and that your IAM user has permissions to pass this role.", e.RoleARN)
}

func (e *TaskRoleError) Unwrap() error { return e.Cause }

// TaskSession asks for the credentials of a task's role.
type TaskSession struct {
	Account   string
	RoleARN   string
	Name      string // session name: the task's id
	SourceARN string // what the trust policy sees as aws:SourceArn: the task's ARN; "" if it is not known
	Life      time.Duration
}

// AssumeTaskRole gives a task the credentials of its role, for life. The role must
// be in the account and trust ecs-tasks.amazonaws.com; if not, the error is a
// *TaskRoleError. It writes nothing, and is as cheap as a read.
func (r *Room) AssumeTaskRole(ctx context.Context, account, roleARN, sessionName string, life time.Duration) (Session, error) {
	return r.AssumeForTask(ctx, TaskSession{Account: account, RoleARN: roleARN, Name: sessionName, Life: life})
}

// AssumeForTask is AssumeTaskRole for those who know the task's ARN, without which
// a trust policy with a condition on aws:SourceArn trusts nobody.
func (r *Room) AssumeForTask(ctx context.Context, t TaskSession) (Session, error) {
	role, err := r.taskRole(t)
	if err != nil {
		return Session{}, &TaskRoleError{RoleARN: t.RoleARN, Cause: err}
	}
	now := r.now()
	s, err := r.issue(ctx, &Grant{RoleID: role.ID, Name: t.Name, Issued: now, Expires: now.Add(t.Life)})
	if err != nil {
		return Session{}, fmt.Errorf("assume role %s: %w", t.RoleARN, err)
	}
	s.RoleARN = t.RoleARN
	return s, nil
}

func (r *Room) taskRole(t TaskSession) (*Role, error) {
	role, ok := r.Role(t.Account, t.RoleARN)
	if !ok {
		return nil, roleNotFound(t.RoleARN)
	}
	about := policy.Values{
		"aws:sourceaccount":         {t.Account},
		"aws:principalisawsservice": {"true"},
		"aws:principalservicename":  {tasksPrincipal},
		"sts:rolesessionname":       {t.Name},
	}
	if t.SourceARN != "" {
		about["aws:sourcearn"] = []string{t.SourceARN}
	}
	if r.trust(role, policy.Principal{Service: tasksPrincipal}, actionAssume, about.Get) != policy.Allow {
		return nil, &TrustError{Principal: tasksPrincipal, Action: actionAssume, RoleARN: t.RoleARN}
	}
	return role, nil
}
