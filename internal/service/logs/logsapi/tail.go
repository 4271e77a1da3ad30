package logsapi

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/service/logs"
	"github.com/slipway/slipway/internal/service/logs/logsshape"
	"github.com/slipway/slipway/internal/wire"
)

type liveEvent = logsshape.StartLiveTailResponseStream

func (a *api) startLiveTail(ctx context.Context, call *wire.Call, in *logsshape.StartLiveTailInput) (wire.Stream[liveEvent], error) {
	q, err := tailQuery(call, in)
	if err != nil {
		return nil, err
	}
	tail, err := a.room.Tail(ctx, scope(call), q)
	if err != nil {
		return nil, visible(err)
	}
	begin := &logsshape.LiveTailSessionStart{
		RequestId: &call.RequestID, SessionId: new(uuid.NewString()), LogGroupIdentifiers: in.LogGroupIdentifiers,
		LogStreamNames: orEmpty(in.LogStreamNames), LogStreamNamePrefixes: orEmpty(in.LogStreamNamePrefixes),
		LogEventFilterPattern: in.LogEventFilterPattern,
	}
	return func(ctx context.Context, send func(*liveEvent) error) error {
		if err := send(&liveEvent{SessionStart: begin}); err != nil {
			return err
		}
		return updates(ctx, call.Account, tail, send)
	}, nil
}

// tailQuery reads what a session is to hear (API reference, "StartLiveTail").
func tailQuery(call *wire.Call, in *logsshape.StartLiveTailInput) (logs.TailQuery, error) {
	q := logs.TailQuery{Streams: in.LogStreamNames, Prefixes: in.LogStreamNamePrefixes}
	switch {
	case q.Streams != nil && q.Prefixes != nil:
		return q, invalid("Parameters logStreamNames and logStreamNamePrefixes cannot both be specified.")
	case (q.Streams != nil || q.Prefixes != nil) && len(in.LogGroupIdentifiers) > 1:
		return q, invalid("Log streams can be specified for a single log group only.")
	}
	for _, id := range in.LogGroupIdentifiers {
		if !arn.Is(id) {
			return q, invalid("The specified ARN '%s' is not the ARN of a log group.", id)
		}
		name, err := groupInARN(call, id)
		if err != nil {
			return q, err
		}
		q.Groups = append(q.Groups, name)
	}
	var err error
	q.Pattern, err = parsed(in.LogEventFilterPattern)
	return q, err
}

// updates sends what the session hears until it ends.
func updates(ctx context.Context, account string, tail *logs.Tail, send func(*liveEvent) error) error {
	for {
		heard, sampled, err := tail.Next(ctx)
		switch {
		case errors.Is(err, logs.ErrTailTimeout):
			return apierr.Client("SessionTimeoutException", "%s", logs.ErrTailTimeout.Text)
		case errors.Is(err, logs.ErrTailEnded):
			return apierr.Client("SessionStreamingException", "%s", logs.ErrTailEnded.Text)
		case err != nil:
			return err
		}
		update := &logsshape.LiveTailSessionUpdate{
			SessionMetadata: &logsshape.LiveTailSessionMetadata{Sampled: &sampled},
			SessionResults:  make([]logsshape.LiveTailSessionLogEvent, 0, len(heard)),
		}
		for _, e := range heard {
			update.SessionResults = append(update.SessionResults, logsshape.LiveTailSessionLogEvent{
				LogGroupIdentifier: new(account + ":" + e.Group), LogStreamName: &e.Stream,
				Message: &e.Message, Timestamp: &e.Time, IngestionTime: &e.Ingested,
			})
		}
		if err := send(&liveEvent{SessionUpdate: update}); err != nil {
			return err
		}
	}
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
