package wire_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/logs/logsshape"
	"github.com/slipway/slipway/internal/wire"
)

type tailEvent = logsshape.StartLiveTailResponseStream

// tail calls StartLiveTail, whose handler answers with stream and err.
func tail(t *testing.T, stream wire.Stream[tailEvent], err error) (*cloudwatchlogs.StartLiveTailEventStream, error) {
	t.Helper()
	s := serve(t, nil)
	wire.HandleStream(s.Mux, logsshape.StartLiveTail,
		func(context.Context, *wire.Call, *logsshape.StartLiveTailInput) (wire.Stream[tailEvent], error) {
			return stream, err
		})
	c := cloudwatchlogs.NewFromConfig(s.root(), func(o *cloudwatchlogs.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("NoHostPrefix", func(
				ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
			) (middleware.InitializeOutput, middleware.Metadata, error) {
				return next.HandleInitialize(smithyhttp.DisableEndpointHostPrefix(ctx, true), in)
			}), middleware.Before)
		})
	})
	out, err := c.StartLiveTail(t.Context(), &cloudwatchlogs.StartLiveTailInput{LogGroupIdentifiers: []string{"g"}})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { out.GetStream().Close() })
	return out.GetStream(), nil
}

func TestEventStreamsEnd(t *testing.T) {
	for _, tc := range []struct {
		name string
		end  func() error
		code string // of the exception; "": none
	}{
		{"at their end", func() error { return nil }, ""},
		{"with a modelled exception", func() error { return apierr.Client("SessionTimeoutException", "it is over") }, "SessionTimeoutException"},
		{"with a failure", func() error { return errors.New("private") }, "ServiceUnavailableException"},
		{"with a panic", func() error { panic("private") }, "ServiceUnavailableException"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			stream, err := tail(t, func(_ context.Context, send func(*tailEvent) error) error {
				if err := send(&tailEvent{SessionStart: &logsshape.LiveTailSessionStart{SessionId: new("s-1")}}); err != nil {
					return err
				}
				return tc.end()
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			start, ok := (<-stream.Events()).(*types.StartLiveTailResponseStreamMemberSessionStart)
			if !ok || *start.Value.SessionId != "s-1" {
				t.Fatalf("began with %+v, %v", start, stream.Err())
			}
			for e := range stream.Events() {
				t.Errorf("event %+v", e)
			}
			got, ok := errors.AsType[smithy.APIError](stream.Err())
			switch {
			case tc.code == "" && stream.Err() != nil:
				t.Error(stream.Err())
			case tc.code != "" && (!ok || got.ErrorCode() != tc.code || got.ErrorMessage() == "private"):
				t.Errorf("ended with %v, want %s", stream.Err(), tc.code)
			}
		})
	}
}

func TestRefusedEventStream(t *testing.T) {
	_, err := tail(t, nil, apierr.Client("LimitExceededException", "too many"))
	if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != "LimitExceededException" || e.ErrorMessage() != "too many" {
		t.Errorf("got %v", err)
	}
}
