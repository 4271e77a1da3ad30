package wire_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/slipway/slipway/internal/wire"
)

const (
	keyID   = "AKIAEXAMPLE000000001"
	secret  = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	account = "123456789012"
)

// keyring is a KeySource over a map.
type keyring map[string]wire.Credential

func (k keyring) Key(_ context.Context, id, _ string) (wire.Credential, bool, error) {
	c, ok := k[id]
	return c, ok, nil
}

func rootKey() wire.Credential {
	return wire.Credential{
		AccessKeyID: keyID, SecretAccessKey: secret,
		Principal: wire.Principal{ARN: "arn:aws:iam::" + account + ":root", UserID: account, Account: account},
	}
}

// served is a Mux on a socket, and what it told its observer.
type served struct {
	*wire.Mux
	url  string
	keys keyring

	mu       sync.Mutex
	observed []observation
}

type observation struct {
	op     string
	status int
}

func (s *served) observe(op string, status int, _ time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observed = append(s.observed, observation{op, status})
}

// serve starts a Mux with one root key; change alters its configuration.
func serve(t testing.TB, change func(*wire.Config)) *served {
	t.Helper()
	s := &served{keys: keyring{keyID: rootKey()}}
	cfg := wire.Config{Keys: s.keys, Observe: s.observe}
	if change != nil {
		change(&cfg)
	}
	s.Mux = wire.NewMux(cfg)
	server := httptest.NewServer(s.Mux)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// as is an SDK configuration that signs with those keys and never retries.
func (s *served) as(id, key, token string) aws.Config {
	return aws.Config{
		Region:           "eu-west-3",
		BaseEndpoint:     &s.url,
		Credentials:      credentials.NewStaticCredentialsProvider(id, key, token),
		RetryMaxAttempts: 1,
		HTTPClient:       &http.Client{Timeout: time.Minute},
	}
}

func (s *served) root() aws.Config { return s.as(keyID, secret, "") }

func (s *served) ecs() *ecs.Client { return ecs.NewFromConfig(s.root()) }
func (s *served) ecr() *ecr.Client { return ecr.NewFromConfig(s.root()) }
func (s *served) ec2() *ec2.Client { return ec2.NewFromConfig(s.root()) }
func (s *served) sts() *sts.Client { return sts.NewFromConfig(s.root()) }

// handle binds a handler that answers out.
func handle[In, Out any](s *served, op *wire.Operation[In, Out], out *Out) {
	wire.Handle(s.Mux, op, func(context.Context, *wire.Call, *In) (*Out, error) { return out, nil })
}
