package link

import (
	"context"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

// Tags are those of a task or of the instance (ListTagsForResource).
func (c *Client) Tags(ctx context.Context, arn string) (map[string]string, error) {
	var out ecsshape.ListTagsForResourceOutput
	if err := c.ecs(ctx, "ListTagsForResource", ecsshape.ListTagsForResourceInput{ResourceArn: new(arn)}, &out); err != nil {
		return nil, err
	}
	tags := make(map[string]string, len(out.Tags))
	for _, t := range out.Tags {
		tags[deref(t.Key)] = deref(t.Value)
	}
	return tags, nil
}

// Protection tells a task's protection from scale-in, or sets it when enabled is
// not nil, with the credentials of the task's role.
func (c *Client) Protection(ctx context.Context, role sigv4.Credentials, task string, enabled *bool, minutes *int32) ([]ecsshape.ProtectedTask, []ecsshape.Failure, error) {
	if enabled == nil {
		var out ecsshape.GetTaskProtectionOutput
		in := ecsshape.GetTaskProtectionInput{Cluster: new(c.cfg.Cluster), Tasks: []string{task}}
		err := c.aws.JSON(ctx, "ecs", ecsTarget+".GetTaskProtection", c.cfg.Region, role, in, &out)
		return out.ProtectedTasks, out.Failures, err
	}
	var out ecsshape.UpdateTaskProtectionOutput
	in := ecsshape.UpdateTaskProtectionInput{Cluster: new(c.cfg.Cluster), Tasks: []string{task}, ProtectionEnabled: enabled, ExpiresInMinutes: minutes}
	err := c.aws.JSON(ctx, "ecs", ecsTarget+".UpdateTaskProtection", c.cfg.Region, role, in, &out)
	return out.ProtectedTasks, out.Failures, err
}
