package logsapi

import (
	"context"
	"fmt"

	"github.com/slipway/slipway/internal/service/logs"
	"github.com/slipway/slipway/internal/service/logs/logsshape"
	"github.com/slipway/slipway/internal/service/logs/pattern"
	"github.com/slipway/slipway/internal/wire"
)

func (a *api) putLogEvents(ctx context.Context, call *wire.Call, in *logsshape.PutLogEventsInput) (*logsshape.PutLogEventsOutput, error) {
	batch := make([]logs.Entry, len(in.LogEvents))
	for i, e := range in.LogEvents {
		batch[i] = logs.Entry{Time: *e.Timestamp, Message: *e.Message}
	}
	stream, rejected, err := a.room.Put(ctx, scope(call), *in.LogGroupName, *in.LogStreamName, batch)
	if err != nil {
		return nil, visible(err)
	}
	out := &logsshape.PutLogEventsOutput{NextSequenceToken: new(sequenceToken(stream))}
	if rejected != nil {
		out.RejectedLogEventsInfo = &logsshape.RejectedLogEventsInfo{
			TooOldLogEventEndIndex: rejected.TooOldEnd, ExpiredLogEventEndIndex: rejected.ExpiredEnd,
			TooNewLogEventStartIndex: rejected.TooNewStart,
		}
	}
	return out, nil
}

func (a *api) getLogEvents(_ context.Context, call *wire.Call, in *logsshape.GetLogEventsInput) (*logsshape.GetLogEventsOutput, error) {
	name, err := groupOf(call, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	got, err := a.room.Get(scope(call), name, *in.LogStreamName, logs.GetQuery{
		From: in.StartTime, To: in.EndTime, FromHead: deref(in.StartFromHead),
		Token: deref(in.NextToken), Limit: limit(in.Limit, logs.MaxPage),
	})
	if err != nil {
		return nil, visible(err)
	}
	out := &logsshape.GetLogEventsOutput{
		Events: []logsshape.OutputLogEvent{}, NextForwardToken: &got.Forward, NextBackwardToken: &got.Backward,
	}
	for _, e := range got.Events {
		out.Events = append(out.Events, logsshape.OutputLogEvent{Timestamp: &e.Time, Message: &e.Message, IngestionTime: &e.Ingested})
	}
	return out, nil
}

func (a *api) filterLogEvents(ctx context.Context, call *wire.Call, in *logsshape.FilterLogEventsInput) (*logsshape.FilterLogEventsOutput, error) {
	name, err := groupOf(call, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	if in.LogStreamNames != nil && in.LogStreamNamePrefix != nil {
		return nil, invalid("Parameters logStreamNames and logStreamNamePrefix cannot both be specified.")
	}
	q := logs.FilterQuery{
		Streams: in.LogStreamNames, Prefix: deref(in.LogStreamNamePrefix), From: in.StartTime, To: in.EndTime,
		Token: deref(in.NextToken), Limit: limit(in.Limit, logs.MaxPage),
	}
	if q.Pattern, err = parsed(in.FilterPattern); err != nil {
		return nil, err
	}
	events, next, err := a.room.Filter(ctx, scope(call), name, q)
	if err != nil {
		return nil, visible(err)
	}
	out := &logsshape.FilterLogEventsOutput{Events: []logsshape.FilteredLogEvent{}, SearchedLogStreams: []logsshape.SearchedLogStream{}}
	for _, e := range events {
		out.Events = append(out.Events, logsshape.FilteredLogEvent{
			EventId: new(eventID(e)), LogStreamName: &e.Stream, Timestamp: &e.Time, Message: &e.Message, IngestionTime: &e.Ingested,
		})
	}
	if next != "" {
		out.NextToken = &next
	}
	return out, nil
}

// eventID has 56 digits, as AWS's have, and sorts by time.
func eventID(e logs.Event) string { return fmt.Sprintf("3%019d%036d", e.Time, e.Position.Seq) }

// parsed reads a pattern; an absent one is nil and means every event.
func parsed(text *string) (*pattern.Pattern, error) {
	if text == nil {
		return nil, nil
	}
	p, err := pattern.Parse(*text)
	if err != nil {
		return nil, invalid("%s", err)
	}
	return p, nil
}
