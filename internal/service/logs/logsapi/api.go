// Package logsapi is the front door of CloudWatch Logs: it turns API requests
// into calls of the logs room and its records into API shapes.
//
// It promises AWS's error codes and texts, which errors.go makes from what the
// room reports. It refuses what would need a service that is not there: KMS
// keys, and log groups of other accounts.
package logsapi

import (
	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/service/logs"
	"github.com/slipway/slipway/internal/service/logs/logsshape"
	"github.com/slipway/slipway/internal/wire"
)

// api holds what the handlers need.
type api struct {
	room *logs.Room
}

// Register binds the operations of CloudWatch Logs that are served.
func Register(mux *wire.Mux, room *logs.Room) {
	a := &api{room: room}
	a.registerGroups(mux)
	a.registerEvents(mux)
	a.registerTags(mux)

	wire.Handle(mux, logsshape.PutMetricFilter, a.putMetricFilter,
		onGroup(func(in *logsshape.PutMetricFilterInput) *string { return in.LogGroupName }))
	wire.Handle(mux, logsshape.DeleteMetricFilter, a.deleteMetricFilter,
		onGroup(func(in *logsshape.DeleteMetricFilterInput) *string { return in.LogGroupName }))
	wire.Handle(mux, logsshape.DescribeMetricFilters, a.describeMetricFilters,
		onGroup(func(in *logsshape.DescribeMetricFiltersInput) *string { return in.LogGroupName }))
	wire.Handle(mux, logsshape.TestMetricFilter, a.testMetricFilter)
}

func (a *api) registerGroups(mux *wire.Mux) {
	wire.Handle(mux, logsshape.CreateLogGroup, a.createLogGroup,
		onGroup(func(in *logsshape.CreateLogGroupInput) *string { return in.LogGroupName }))
	wire.Handle(mux, logsshape.DeleteLogGroup, a.deleteLogGroup,
		onGroup(func(in *logsshape.DeleteLogGroupInput) *string { return in.LogGroupName }))
	wire.Handle(mux, logsshape.DescribeLogGroups, a.describeLogGroups,
		onGroup(func(in *logsshape.DescribeLogGroupsInput) *string { return in.LogGroupNamePrefix }))
	wire.Handle(mux, logsshape.ListLogGroups, a.listLogGroups)
	wire.Handle(mux, logsshape.PutRetentionPolicy, a.putRetentionPolicy,
		onGroup(func(in *logsshape.PutRetentionPolicyInput) *string { return in.LogGroupName }))
	wire.Handle(mux, logsshape.DeleteRetentionPolicy, a.deleteRetentionPolicy,
		onGroup(func(in *logsshape.DeleteRetentionPolicyInput) *string { return in.LogGroupName }))
	wire.Handle(mux, logsshape.PutLogGroupDeletionProtection, a.putLogGroupDeletionProtection,
		onGroup(func(in *logsshape.PutLogGroupDeletionProtectionInput) *string { return in.LogGroupIdentifier }))
	wire.Handle(mux, logsshape.CreateLogStream, a.createLogStream,
		onStream(func(in *logsshape.CreateLogStreamInput) (*string, *string) { return in.LogGroupName, in.LogStreamName }))
	wire.Handle(mux, logsshape.DeleteLogStream, a.deleteLogStream,
		onStream(func(in *logsshape.DeleteLogStreamInput) (*string, *string) { return in.LogGroupName, in.LogStreamName }))
	wire.Handle(mux, logsshape.DescribeLogStreams, a.describeLogStreams,
		onGroup(func(in *logsshape.DescribeLogStreamsInput) *string {
			return either(in.LogGroupName, in.LogGroupIdentifier)
		}))
}

func (a *api) registerEvents(mux *wire.Mux) {
	wire.Handle(mux, logsshape.PutLogEvents, a.putLogEvents,
		onStream(func(in *logsshape.PutLogEventsInput) (*string, *string) { return in.LogGroupName, in.LogStreamName }))
	wire.Handle(mux, logsshape.GetLogEvents, a.getLogEvents,
		onStream(func(in *logsshape.GetLogEventsInput) (*string, *string) {
			return either(in.LogGroupName, in.LogGroupIdentifier), in.LogStreamName
		}))
	wire.Handle(mux, logsshape.FilterLogEvents, a.filterLogEvents,
		onGroup(func(in *logsshape.FilterLogEventsInput) *string {
			return either(in.LogGroupName, in.LogGroupIdentifier)
		}))
	wire.HandleStream(mux, logsshape.StartLiveTail, a.startLiveTail, wire.Resources(func(call *wire.Call, in any) []string {
		var arns []string
		for _, id := range in.(*logsshape.StartLiveTailInput).LogGroupIdentifiers {
			arns = append(arns, resource(call, &id, nil))
		}
		return arns
	}))
}

func (a *api) registerTags(mux *wire.Mux) {
	wire.Handle(mux, logsshape.TagResource, a.tagResource,
		byARN(func(in *logsshape.TagResourceInput) *string { return in.ResourceArn }))
	wire.Handle(mux, logsshape.UntagResource, a.untagResource,
		byARN(func(in *logsshape.UntagResourceInput) *string { return in.ResourceArn }))
	wire.Handle(mux, logsshape.ListTagsForResource, a.listTagsForResource,
		byARN(func(in *logsshape.ListTagsForResourceInput) *string { return in.ResourceArn }))
	wire.Handle(mux, logsshape.TagLogGroup, a.tagLogGroup,
		onGroup(func(in *logsshape.TagLogGroupInput) *string { return in.LogGroupName }))
	wire.Handle(mux, logsshape.UntagLogGroup, a.untagLogGroup,
		onGroup(func(in *logsshape.UntagLogGroupInput) *string { return in.LogGroupName }))
	wire.Handle(mux, logsshape.ListTagsLogGroup, a.listTagsLogGroup,
		onGroup(func(in *logsshape.ListTagsLogGroupInput) *string { return in.LogGroupName }))
}

// onGroup says that an operation acts on the group of that name or ARN.
func onGroup[In any](name func(*In) *string) wire.HandleOption {
	return wire.Resources(func(call *wire.Call, in any) []string {
		return []string{resource(call, name(in.(*In)), nil)}
	})
}

// onStream says that an operation acts on the stream of those names.
func onStream[In any](names func(*In) (group, stream *string)) wire.HandleOption {
	return wire.Resources(func(call *wire.Call, in any) []string {
		group, stream := names(in.(*In))
		return []string{resource(call, group, stream)}
	})
}

// byARN says that an operation acts on the resource of that ARN.
func byARN[In any](name func(*In) *string) wire.HandleOption {
	return wire.Resources(func(_ *wire.Call, in any) []string { return []string{deref(name(in.(*In)))} })
}

// resource is what AWS holds against policies: a stream, whose name is empty when
// the operation is about the group, so that both "NAME:*" and "NAME:log-stream:*"
// fit.
func resource(call *wire.Call, group, stream *string) string {
	name := deref(group)
	if !arn.Is(name) {
		name = scope(call).GroupARN(name)
	}
	return name + ":log-stream:" + deref(stream)
}

func scope(call *wire.Call) logs.Scope {
	return logs.Scope{Account: call.Account, Region: call.Region}
}

func either(a, b *string) *string {
	if a != nil {
		return a
	}
	return b
}

func deref[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}
