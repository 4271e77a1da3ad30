package logsapi

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/page"
	"github.com/slipway/slipway/internal/service/logs"
	"github.com/slipway/slipway/internal/service/logs/logsshape"
	"github.com/slipway/slipway/internal/tag"
	"github.com/slipway/slipway/internal/wire"
)

func (a *api) createLogGroup(ctx context.Context, call *wire.Call, in *logsshape.CreateLogGroupInput) (*logsshape.CreateLogGroupOutput, error) {
	if in.KmsKeyId != nil {
		return nil, invalid("The specified KMS Key Id could not be found.")
	}
	tags := logs.TagList(in.Tags)
	if err := tag.Check(nil, tags); err != nil {
		return nil, visible(err)
	}
	return nil, visible(a.room.CreateGroup(ctx, scope(call), logs.Group{
		Name: *in.LogGroupName, Class: deref(in.LogGroupClass), Protected: deref(in.DeletionProtectionEnabled), Tags: tags,
	}))
}

func (a *api) deleteLogGroup(ctx context.Context, call *wire.Call, in *logsshape.DeleteLogGroupInput) (*logsshape.DeleteLogGroupOutput, error) {
	return nil, visible(a.room.DeleteGroup(ctx, scope(call), *in.LogGroupName))
}

// describePage is the number of results of a page unless the client says
// otherwise, the same for all lists of the service.
const describePage = 50

func limit(n *int32, most int) int {
	if n == nil {
		return most
	}
	return int(*n)
}

func (a *api) describeLogGroups(_ context.Context, call *wire.Call, in *logsshape.DescribeLogGroupsInput) (*logsshape.DescribeLogGroupsOutput, error) {
	if in.LogGroupNamePrefix != nil && deref(in.LogGroupNamePattern) != "" {
		return nil, invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	wanted, err := namesOf(call, in.LogGroupIdentifiers)
	if err != nil {
		return nil, err
	}
	token := page.Scope(call.Operation, call.Account, call.Region, deref(in.LogGroupNamePrefix), deref(in.LogGroupNamePattern))
	after, err := page.Decode(token, deref(in.NextToken))
	if err != nil {
		return nil, visible(logs.ErrToken)
	}
	list, more := a.room.Groups(scope(call), logs.GroupQuery{
		Prefix: deref(in.LogGroupNamePrefix), After: after, Limit: limit(in.Limit, describePage),
		Accept: func(g *logs.Group) bool {
			return strings.Contains(g.Name, deref(in.LogGroupNamePattern)) &&
				(in.LogGroupClass == nil || *in.LogGroupClass == g.Class) &&
				(wanted == nil || slices.Contains(wanted, g.Name))
		},
	})
	out := &logsshape.DescribeLogGroupsOutput{LogGroups: []logsshape.LogGroup{}}
	for _, g := range list {
		s, err := a.groupShape(g)
		if err != nil {
			return nil, err
		}
		out.LogGroups = append(out.LogGroups, s)
	}
	if more {
		out.NextToken = new(page.Encode(token, list[len(list)-1].Name))
	}
	return out, nil
}

// namesOf are the names behind identifiers; nil if there are none.
func namesOf(call *wire.Call, identifiers []string) ([]string, error) {
	var names []string
	for _, id := range identifiers {
		name, err := groupOf(call, nil, &id)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

func (a *api) groupShape(g *logs.Group) (logsshape.LogGroup, error) {
	stored, err := a.room.StoredBytes(g)
	s := logsshape.LogGroup{
		LogGroupName: &g.Name, Arn: new(g.ARN() + ":*"), LogGroupArn: new(g.ARN()), CreationTime: &g.Created,
		LogGroupClass: &g.Class, MetricFilterCount: new(int32(a.room.CountMetricFilters(g))), StoredBytes: &stored,
		DeletionProtectionEnabled: &g.Protected,
	}
	if g.Retention != 0 {
		s.RetentionInDays = &g.Retention
	}
	return s, err
}

func (a *api) listLogGroups(_ context.Context, call *wire.Call, in *logsshape.ListLogGroupsInput) (*logsshape.ListLogGroupsOutput, error) {
	if len(in.DataSources) > 0 || len(in.FieldIndexNames) > 0 || len(in.LogGroupTags) > 0 {
		return nil, invalid("Log groups can be listed by name and class; dataSources, fieldIndexNames and logGroupTags are not served.")
	}
	pattern := deref(in.LogGroupNamePattern)
	token := page.Scope(call.Operation, call.Account, call.Region, pattern)
	after, err1 := page.Decode(token, deref(in.NextToken))
	// The pattern is a choice of names, each with a ^ in front or not; what else
	// it may hold is a dot, which stands for itself in names.
	names, err2 := regexp.Compile(strings.ReplaceAll(pattern, ".", `\.`))
	if errors.Join(err1, err2) != nil {
		return nil, visible(logs.ErrToken)
	}
	list, more := a.room.Groups(scope(call), logs.GroupQuery{
		After: after, Limit: limit(in.Limit, describePage),
		Accept: func(g *logs.Group) bool {
			return names.MatchString(g.Name) && (in.LogGroupClass == nil || *in.LogGroupClass == g.Class)
		},
	})
	out := &logsshape.ListLogGroupsOutput{LogGroups: []logsshape.LogGroupSummary{}}
	for _, g := range list {
		out.LogGroups = append(out.LogGroups, logsshape.LogGroupSummary{LogGroupName: &g.Name, LogGroupArn: new(g.ARN()), LogGroupClass: &g.Class})
	}
	if more {
		out.NextToken = new(page.Encode(token, list[len(list)-1].Name))
	}
	return out, nil
}

func (a *api) putRetentionPolicy(ctx context.Context, call *wire.Call, in *logsshape.PutRetentionPolicyInput) (*logsshape.PutRetentionPolicyOutput, error) {
	return nil, visible(a.room.SetRetention(ctx, scope(call), *in.LogGroupName, in.RetentionInDays))
}

func (a *api) deleteRetentionPolicy(ctx context.Context, call *wire.Call, in *logsshape.DeleteRetentionPolicyInput) (*logsshape.DeleteRetentionPolicyOutput, error) {
	return nil, visible(a.room.SetRetention(ctx, scope(call), *in.LogGroupName, nil))
}

func (a *api) putLogGroupDeletionProtection(ctx context.Context, call *wire.Call, in *logsshape.PutLogGroupDeletionProtectionInput) (*logsshape.PutLogGroupDeletionProtectionOutput, error) {
	name, err := groupOf(call, nil, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	return nil, visible(a.room.ChangeGroup(ctx, scope(call), name, func(g *logs.Group) error {
		g.Protected = *in.DeletionProtectionEnabled
		return nil
	}))
}
