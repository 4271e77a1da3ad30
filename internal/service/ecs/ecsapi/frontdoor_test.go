package ecsapi_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/smithy-go"

	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/service/ecs/ecsapi"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/wire"
)

// The two accounts that a front door knows, each with its root key.
const (
	firstAccount  = "123456789012"
	secondAccount = "210987654321"
	doorSecret    = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	doorRegion    = "us-east-1"
)

// doorKeys knows a key AKIA<account> of each account.
type doorKeys struct{}

func (doorKeys) Key(_ context.Context, id, _ string) (wire.Credential, bool, error) {
	for _, account := range []string{firstAccount, secondAccount} {
		if id == "AKIA"+account {
			return wire.Credential{
				AccessKeyID: id, SecretAccessKey: doorSecret,
				Principal: wire.Principal{ARN: "arn:aws:iam::" + account + ":root", UserID: account, Account: account},
			}, true, nil
		}
	}
	return wire.Credential{}, false, nil
}

// door is the front door over a real store, on a socket, with an SDK client of
// the first account.
type door struct {
	*sdk.Client
	room *ecs.Room
	url  string
}

func openDoor(t testing.TB) *door {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()}, ecs.Tables()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	room := ecs.New(st, ecs.Config{
		PollEndpoint:      func(base string) string { return base + "/acs" },
		TelemetryEndpoint: func(base string) string { return base + "/tcs" },
	})
	mux := wire.NewMux(wire.Config{Keys: doorKeys{}})
	ecsapi.Register(mux, room)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	d := &door{room: room, url: server.URL}
	d.Client = d.as(firstAccount)
	return d
}

// as is a client of an account that never retries.
func (d *door) as(account string) *sdk.Client {
	return sdk.NewFromConfig(aws.Config{
		Region:       doorRegion,
		BaseEndpoint: &d.url,
		Credentials:  credentials.NewStaticCredentialsProvider("AKIA"+account, doorSecret, ""),
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
	})
}

// scope is where the first account's records are.
func (d *door) scope() ecs.Scope { return ecs.Scope{Account: firstAccount, Region: doorRegion} }

// wantError checks the code and the text of an API error.
func wantError(t *testing.T, err error, code, message string) {
	t.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatalf("got %v, want %s: %s", err, code, message)
	}
	if api.ErrorCode() != code || api.ErrorMessage() != message {
		t.Errorf("got %s: %s\nwant %s: %s", api.ErrorCode(), api.ErrorMessage(), code, message)
	}
}

// hash is the body hash that a signature covers.
func hash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
