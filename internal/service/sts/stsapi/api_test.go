package stsapi_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/slipway/slipway/internal/authz"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/service/iam/iamtest"
	"github.com/slipway/slipway/internal/service/sts/stsapi"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/wire"
)

func TestGetCallerIdentity(t *testing.T) {
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()}, iam.Tables()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	keys := iam.New(st, iam.Config{})
	guard := authz.New(keys)
	mux := wire.NewMux(wire.Config{Keys: guard, Authorizer: guard})
	stsapi.Register(mux)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)

	account, root, err := keys.CreateAccount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	instance, err := keys.IssueInstanceKey(t.Context(), account.ID, "i-0123456789abcdef0")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(key iam.AccessKey) (*sts.GetCallerIdentityOutput, error) {
		return sts.NewFromConfig(sdkConfig(srv.URL, "us-east-1", key)).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	}
	for _, key := range []iam.AccessKey{root, instance} {
		out, err := ask(key)
		if err != nil {
			t.Fatal(err)
		}
		if *out.Account != account.ID || *out.Arn != key.Principal || *out.UserId != key.UserID {
			t.Errorf("caller is %s, %s, %s; want %+v", *out.Account, *out.Arn, *out.UserId, key)
		}
	}

	forged, unknown := root, root
	forged.Secret = strings.Repeat("x", 40)
	unknown.ID = "AKIAAAAAAAAAAAAAAAAA"
	for code, key := range map[string]iam.AccessKey{"SignatureDoesNotMatch": forged, "InvalidClientTokenId": unknown} {
		_, err := ask(key)
		if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != code {
			t.Errorf("got %v, want %s", err, code)
		}
	}
}

// sdkConfig configures SDK clients that call url with the key and try once.
func sdkConfig(url, region string, key iam.AccessKey) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: &url, RetryMaxAttempts: 1, HTTPClient: iamtest.Client{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret}, nil
		}),
	}
}
