package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/slipway/slipway/internal/agent/awscall"
	"github.com/slipway/slipway/internal/agent/endpoint"
	"github.com/slipway/slipway/internal/agent/logdriver"
	"github.com/slipway/slipway/internal/agentproto"
)

// logCalls calls CloudWatch Logs: with the execution role whose credentials have
// that id, as it stands when the call is made, or as the instance.
func (a *agent) logCalls(region, credentialsID string) logdriver.Call {
	region = cmp.Or(region, a.cfg.Region)
	client := a.client.AWS().Service("logs", region)
	return func(ctx context.Context, operation string, in, out any) error {
		keys := a.cfg.Credentials
		if credentialsID != "" {
			c, ok := a.engine.Credentials(credentialsID)
			if !ok {
				return fmt.Errorf("call %s: %w", operation, errNoRole)
			}
			keys = awscall.RoleKeys(c)
		}
		return client.JSON(ctx, "logs", "Logs_20140328."+operation, region, keys, in, out)
	}
}

// errNoRole says that the control plane has yet to send credentials again.
var errNoRole = errors.New("the role's credentials are not there yet")

// refusal is what the control plane answered, as the endpoints of containers
// tell it on.
func refusal(err error) error {
	if e, ok := errors.AsType[*awscall.Error](err); ok {
		return errors.Join(err, &endpoint.Refusal{Status: e.Status, Code: e.Code, Message: e.Message, RequestID: e.RequestID})
	}
	return err
}

// tags asks for a resource's tags.
func (a *agent) tags(ctx context.Context, arn string) (map[string]string, error) {
	tags, err := a.client.Tags(ctx, arn)
	return tags, refusal(err)
}

// protection asks about a task's protection from scale-in, as the task's role.
func (a *agent) protection(ctx context.Context, role agentproto.RoleCredentials, p endpoint.ProtectionCall) (endpoint.ProtectionAnswer, error) {
	known, failures, err := a.client.Protection(ctx, awscall.RoleKeys(role), p.TaskARN, p.Enabled, p.Minutes)
	if err != nil {
		return endpoint.ProtectionAnswer{}, refusal(err)
	}
	var out endpoint.ProtectionAnswer
	for _, t := range known {
		protected := endpoint.ProtectedTask{TaskARN: deref(t.TaskArn), ProtectionEnabled: t.ProtectionEnabled != nil && *t.ProtectionEnabled}
		if at := t.ExpirationDate.Or(); !at.IsZero() {
			protected.ExpirationDate = &at
		}
		out.Protected = append(out.Protected, protected)
	}
	for _, f := range failures {
		out.Failures = append(out.Failures, endpoint.ProtectionFailure{ARN: f.Arn, Detail: f.Detail, Reason: f.Reason})
	}
	return out, nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
