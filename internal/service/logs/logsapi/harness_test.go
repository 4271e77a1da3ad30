package logsapi_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"

	"github.com/slipway/slipway/internal/authz"
	"github.com/slipway/slipway/internal/logstore"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/service/iam/iamtest"
	"github.com/slipway/slipway/internal/service/logs"
	"github.com/slipway/slipway/internal/service/logs/logsapi"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/wire"
)

// endpoint is a server with the real wire and stores, and its rooms.
type endpoint struct {
	url  string
	iam  *iam.Room
	room *logs.Room
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()}, slices.Concat(iam.Tables(), logs.Tables())...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	events, err := logstore.Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := events.Close(); err != nil {
			t.Error(err)
		}
	})
	e := &endpoint{iam: iam.New(st, iam.Config{}), room: logs.New(st, events, logs.Config{})}
	guard := authz.New(e.iam)
	mux := wire.NewMux(wire.Config{Keys: guard, Authorizer: guard})
	logsapi.Register(mux, e.room)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	e.url = srv.URL
	return e
}

const region = "eu-west-1"

// account returns a client of a new account, and the account.
func (e *endpoint) account(t *testing.T) (*sdk.Client, string) {
	t.Helper()
	_, key, err := e.iam.CreateAccount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sdk.NewFromConfig(aws.Config{
		Region: region, BaseEndpoint: &e.url, RetryMaxAttempts: 1, HTTPClient: iamtest.Client{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret}, nil
		}),
	}), key.Account
}

func groupARN(account, name string) string {
	return "arn:aws:logs:" + region + ":" + account + ":log-group:" + name
}

func makeStreams(t *testing.T, c *sdk.Client, group string, streams ...string) {
	t.Helper()
	if _, err := c.CreateLogGroup(t.Context(), &sdk.CreateLogGroupInput{LogGroupName: &group}); err != nil {
		t.Fatal(err)
	}
	for _, s := range streams {
		if _, err := c.CreateLogStream(t.Context(), &sdk.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &s}); err != nil {
			t.Fatal(err)
		}
	}
}

// event is one put at a time in milliseconds.
func event(at int64, text string) types.InputLogEvent {
	return types.InputLogEvent{Timestamp: &at, Message: &text}
}

func put(t *testing.T, c *sdk.Client, group, stream string, events ...types.InputLogEvent) *sdk.PutLogEventsOutput {
	t.Helper()
	out, err := c.PutLogEvents(t.Context(), &sdk.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream, LogEvents: events})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// now is a time that all of a test's events can be near.
func now() int64 { return time.Now().UnixMilli() }

func wantCode(t *testing.T, err error, code, text string) {
	t.Helper()
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok || e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), text) {
		t.Errorf("got %v, want %s: %s", err, code, text)
	}
}
