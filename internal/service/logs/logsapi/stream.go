package logsapi

import (
	"context"
	"fmt"

	"github.com/slipway/slipway/internal/service/logs"
	"github.com/slipway/slipway/internal/service/logs/logsshape"
	"github.com/slipway/slipway/internal/wire"
)

func (a *api) createLogStream(ctx context.Context, call *wire.Call, in *logsshape.CreateLogStreamInput) (*logsshape.CreateLogStreamOutput, error) {
	return nil, visible(a.room.CreateStream(ctx, scope(call), *in.LogGroupName, *in.LogStreamName))
}

func (a *api) deleteLogStream(ctx context.Context, call *wire.Call, in *logsshape.DeleteLogStreamInput) (*logsshape.DeleteLogStreamOutput, error) {
	return nil, visible(a.room.DeleteStream(ctx, scope(call), *in.LogGroupName, *in.LogStreamName))
}

func (a *api) describeLogStreams(_ context.Context, call *wire.Call, in *logsshape.DescribeLogStreamsInput) (*logsshape.DescribeLogStreamsOutput, error) {
	name, err := groupOf(call, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	q := logs.StreamQuery{
		Prefix: deref(in.LogStreamNamePrefix), Order: logs.ByName, Descending: deref(in.Descending),
		Token: deref(in.NextToken), Limit: limit(in.Limit, describePage),
	}
	if in.OrderBy != nil {
		q.Order = *in.OrderBy
	}
	if q.Order == logs.ByLastEvent && q.Prefix != "" {
		return nil, invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	list, next, err := a.room.Streams(scope(call), name, q)
	if err != nil {
		return nil, visible(err)
	}
	out := &logsshape.DescribeLogStreamsOutput{LogStreams: []logsshape.LogStream{}}
	for _, s := range list {
		out.LogStreams = append(out.LogStreams, streamShape(s))
	}
	if next != "" {
		out.NextToken = &next
	}
	return out, nil
}

func streamShape(s logs.DescribedStream) logsshape.LogStream {
	shape := logsshape.LogStream{
		LogStreamName: &s.Name, Arn: new(s.ARN()), CreationTime: &s.Created,
		FirstEventTimestamp: s.FirstEvent, LastEventTimestamp: s.LastEvent, LastIngestionTime: s.LastIngestion,
		StoredBytes: new(int64(0)), // AWS reports zero for streams since 2019
	}
	if s.LastIngestion != nil {
		shape.UploadSequenceToken = new(sequenceToken(s.Stream))
	}
	return shape
}

// sequenceToken looks like AWS's. Nobody checks tokens any more; clients from
// before 2023 carry them from answer to request.
func sequenceToken(s *logs.Stream) string { return fmt.Sprintf("496%053d", uint64(s.ID)) }
