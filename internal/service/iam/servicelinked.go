package iam

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/store"
)

// linked is a service-linked role that AWS has a service make (ECS developer
// guide, "Using service-linked roles", and the like of its neighbours).
type linked struct {
	role   string // name
	policy string // name of the managed policy, below /aws-service-role/
	about  string // description
	suffix bool   // several are allowed, told apart by a suffix
}

var linkedRoles = map[string]linked{
	"ecs.amazonaws.com": {
		role: "AWSServiceRoleForECS", policy: "AmazonECSServiceRolePolicy", about: "Role to enable Amazon ECS to manage your cluster.",
	},
	"autoscaling.amazonaws.com": {
		role: "AWSServiceRoleForAutoScaling", policy: "AutoScalingServiceRolePolicy", suffix: true,
		about: "Default Service-Linked Role enables access to AWS Services and Resources used or managed by Auto Scaling",
	},
	"elasticloadbalancing.amazonaws.com": {
		role: "AWSServiceRoleForElasticLoadBalancing", policy: "AWSElasticLoadBalancingServiceRolePolicy",
		about: "Allows ELB to call AWS services on your behalf.",
	},
	"ecs.application-autoscaling.amazonaws.com": {
		role: "AWSServiceRoleForApplicationAutoScaling_ECSService", policy: "AWSApplicationAutoscalingECSServicePolicy",
	},
}

const linkedPath = "/aws-service-role/"

// CreateServiceLinkedRole makes the role that a service acts in. suffix and
// description may be "".
func (r *Room) CreateServiceLinkedRole(ctx context.Context, account, service, suffix, description string) (*Role, error) {
	l, ok := linkedRoles[service]
	switch {
	case !ok:
		return nil, &InputError{fmt.Sprintf("Service Linked Role templates not found for service principal %s.", service)}
	case suffix != "" && !l.suffix:
		return nil, &InputError{fmt.Sprintf("Custom suffix is not allowed for %s", service)}
	case suffix != "":
		l.role += "_" + suffix
	}
	if description == "" {
		description = l.about
	}
	role := &Role{
		Account: account, Name: l.role, Path: linkedPath + service + "/", ID: newID("AROA"), Service: service,
		Trust:       fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":%q},"Action":"sts:AssumeRole"}]}`, service),
		Description: description, MaxSession: DefaultMaxSession, CreatedAt: r.now().UTC().Truncate(time.Second),
		Attached: []string{"arn:aws:iam::aws:policy" + linkedPath + l.policy},
	}
	return role, r.st.Update(ctx, func(tx *store.Tx) error {
		if _, taken := Roles.Get(tx, role.Key()); taken {
			return &InputError{fmt.Sprintf("Service role name %s has been taken in this account, please try a different suffix.", role.Name)}
		}
		Roles.Put(tx, role)
		return nil
	})
}

// DeleteServiceLinkedRole removes such a role, at once, and returns the id under
// which its deletion is known.
func (r *Room) DeleteServiceLinkedRole(ctx context.Context, account, name string) (task string, err error) {
	err = r.st.Update(ctx, func(tx *store.Tx) error {
		role, ok := Roles.Get(tx, roleKey(account, name))
		if !ok {
			return roleNotFound(name)
		}
		if role.Service == "" {
			return &InputError{fmt.Sprintf("Role %s is not a service-linked role.", name)}
		}
		task = "task" + role.Path + role.Name + "/" + role.ID
		Roles.Delete(tx, role.Key())
		return nil
	})
	return task, err
}

// Deleted tells whether the deletion of that id has come to pass. It is an
// *NotFoundError if it cannot have been asked for.
func (r *Room) Deleted(account, task string) (bool, error) {
	i := strings.LastIndexByte(task, '/')
	if i < 0 || !strings.HasPrefix(task, "task"+linkedPath) || !strings.HasPrefix(task[i+1:], "AROA") {
		return false, &NotFoundError{fmt.Sprintf("Deletion task %s cannot be found.", task)}
	}
	role, there := roleByID(r.st.Snapshot(), task[i+1:])
	return !there || role.Account != account, nil
}
