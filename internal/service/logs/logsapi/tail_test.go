package logsapi_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// atTheEndpoint keeps the SDK from putting "stream-" before the endpoint's host,
// as users of a host that is an address do.
func atTheEndpoint(o *sdk.Options) {
	o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
		return s.Initialize.Add(middleware.InitializeMiddlewareFunc("NoHostPrefix", func(
			ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
		) (middleware.InitializeOutput, middleware.Metadata, error) {
			return next.HandleInitialize(smithyhttp.DisableEndpointHostPrefix(ctx, true), in)
		}), middleware.Before)
	})
}

func TestLiveTail(t *testing.T) {
	e := newEndpoint(t)
	c, account := e.account(t)
	makeStreams(t, c, "web", "task/1", "task/2", "other")
	out, err := c.StartLiveTail(t.Context(), &sdk.StartLiveTailInput{
		LogGroupIdentifiers: []string{groupARN(account, "web")}, LogStreamNamePrefixes: []string{"task/"}, LogEventFilterPattern: new("ERROR"),
	}, atTheEndpoint)
	if err != nil {
		t.Fatal(err)
	}
	stream := out.GetStream()
	defer stream.Close()
	start, ok := (<-stream.Events()).(*types.StartLiveTailResponseStreamMemberSessionStart)
	if !ok || *start.Value.LogEventFilterPattern != "ERROR" || !slices.Equal(start.Value.LogStreamNamePrefixes, []string{"task/"}) ||
		*start.Value.SessionId == "" || *start.Value.RequestId == "" || !slices.Equal(start.Value.LogGroupIdentifiers, []string{groupARN(account, "web")}) {
		t.Fatalf("began with %+v, %v", start, stream.Err())
	}
	at := now()
	put(t, c, "web", "task/1", event(at, "ERROR one"), event(at, "fine"))
	put(t, c, "web", "other", event(at, "ERROR elsewhere"))
	put(t, c, "web", "task/2", event(at+1, "ERROR two"))
	var got []string
	for len(got) < 2 {
		update, ok := (<-stream.Events()).(*types.StartLiveTailResponseStreamMemberSessionUpdate)
		if !ok {
			t.Fatal(stream.Err())
		}
		for _, ev := range update.Value.SessionResults {
			got = append(got, fmt.Sprintf("%s %s %s %d", *ev.LogGroupIdentifier, *ev.LogStreamName, *ev.Message, *ev.Timestamp-at))
		}
		if update.Value.SessionMetadata.Sampled {
			t.Error("sampled")
		}
	}
	if want := []string{account + ":web task/1 ERROR one 0", account + ":web task/2 ERROR two 1"}; !slices.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
}

func TestLiveTailSamples(t *testing.T) {
	e := newEndpoint(t)
	c, account := e.account(t)
	makeStreams(t, c, "web", "one")
	out, err := c.StartLiveTail(t.Context(), &sdk.StartLiveTailInput{LogGroupIdentifiers: []string{groupARN(account, "web")}}, atTheEndpoint)
	if err != nil {
		t.Fatal(err)
	}
	stream := out.GetStream()
	defer stream.Close()
	<-stream.Events()
	var many []types.InputLogEvent
	for range 1000 {
		many = append(many, event(now(), "x"))
	}
	put(t, c, "web", "one", many...)
	for {
		update, ok := (<-stream.Events()).(*types.StartLiveTailResponseStreamMemberSessionUpdate)
		if !ok {
			t.Fatal(stream.Err())
		}
		if len(update.Value.SessionResults) == 0 {
			continue
		}
		if len(update.Value.SessionResults) != 500 || !update.Value.SessionMetadata.Sampled {
			t.Errorf("%d events, sampled %v", len(update.Value.SessionResults), update.Value.SessionMetadata.Sampled)
		}
		return
	}
}

func TestLiveTailEndsWithTheService(t *testing.T) {
	e := newEndpoint(t)
	c, account := e.account(t)
	makeStreams(t, c, "web")
	out, err := c.StartLiveTail(t.Context(), &sdk.StartLiveTailInput{LogGroupIdentifiers: []string{groupARN(account, "web")}}, atTheEndpoint)
	if err != nil {
		t.Fatal(err)
	}
	stream := out.GetStream()
	defer stream.Close()
	<-stream.Events()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e.room.Run(ctx)
	for range stream.Events() {
	}
	wantCode(t, stream.Err(), "SessionStreamingException", "stops")
}

func TestRefusedTails(t *testing.T) {
	e := newEndpoint(t)
	c, account := e.account(t)
	makeStreams(t, c, "web")
	web := []string{groupARN(account, "web")}
	for _, tc := range []struct {
		name string
		in   sdk.StartLiveTailInput
		text string
	}{
		{"a name", sdk.StartLiveTailInput{LogGroupIdentifiers: []string{"web"}}, "not the ARN"},
		{"an asterisk", sdk.StartLiveTailInput{LogGroupIdentifiers: []string{web[0] + ":*"}}, "regular expression"},
		{"eleven groups", sdk.StartLiveTailInput{LogGroupIdentifiers: strings.Split(strings.Repeat(","+web[0], 11)[1:], ",")}, "less than or equal to 10"},
		{"streams and prefixes", sdk.StartLiveTailInput{LogGroupIdentifiers: web, LogStreamNames: []string{"a"}, LogStreamNamePrefixes: []string{"a"}}, "both"},
		{"streams of two groups", sdk.StartLiveTailInput{LogGroupIdentifiers: append(web, web[0]), LogStreamNames: []string{"a"}}, "single"},
		{"a bad pattern", sdk.StartLiveTailInput{LogGroupIdentifiers: web, LogEventFilterPattern: new("{ $.a }")}, "Invalid filter pattern"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := c.StartLiveTail(t.Context(), &tc.in, atTheEndpoint)
			wantCode(t, err, "InvalidParameterException", tc.text)
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 15 {
		// A client each: smithy-go v1.28.8 races with itself over a client's streams.
		own := c.Options()
		own.Protocol = nil
		out, err := sdk.New(own).StartLiveTail(ctx, &sdk.StartLiveTailInput{LogGroupIdentifiers: web}, atTheEndpoint)
		if err != nil {
			t.Fatal(err)
		}
		defer out.GetStream().Close()
	}
	_, err := c.StartLiveTail(ctx, &sdk.StartLiveTailInput{LogGroupIdentifiers: web}, atTheEndpoint)
	wantCode(t, err, "LimitExceededException", "")
}
