package settings

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/slipway/slipway/internal/agent/awscall"
	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

// Endpoints are URLs at which services are reached instead of where they usually
// are (AWS_ENDPOINT_URL_…); empty ones are not set.
type Endpoints struct{ SSM, SecretsManager, S3 string }

// Config of a Lookup.
type Config struct {
	// AWS is the client of the control plane's endpoint. Off AWS that endpoint
	// answers for all services that Endpoints does not name.
	AWS       *awscall.Client
	Region    string // of what names none itself
	Endpoints Endpoints
	// S3Dir stands in for S3 if it is not empty: the object KEY of the bucket
	// BUCKET is the file S3Dir/BUCKET/KEY.
	S3Dir string
	// Patience bounds one look-up with all its attempts; 0 is a minute.
	Patience time.Duration
}

// Lookup finds settings. It implements engine.Settings and is safe for
// concurrent use.
type Lookup struct {
	cfg Config
	s3  *http.Client // follows nothing: a signature is for one place only
}

// New makes a Lookup.
func New(cfg Config) *Lookup {
	cfg.Patience = cmp.Or(cfg.Patience, time.Minute)
	s3 := *cfg.AWS.HTTP
	s3.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Lookup{cfg: cfg, s3: &s3}
}

// callsAtOnce bounds the calls that one task makes at the same time.
const callsAtOnce = 8

// errNoRole is the EC2 agent's text.
var errNoRole = errors.New("unable to find execution role credentials")

// Secrets returns the values in the order of refs. One failure ends the others.
func (l *Lookup) Secrets(ctx context.Context, execution *agentproto.RoleCredentials, refs []agentproto.Secret) ([]string, error) {
	if execution == nil {
		return nil, errNoRole
	}
	creds := awscall.RoleKeys(*execution)
	values := make([]string, len(refs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(callsAtOnce)
	parameters, secrets, err := l.sort(refs)
	if err != nil {
		return nil, err
	}
	for _, b := range parameters {
		group.Go(func() error { return l.parameters(ctx, creds, b, values) })
	}
	for _, s := range secrets {
		group.Go(func() error { return l.secret(ctx, creds, s, values) })
	}
	return values, group.Wait()
}

// sort makes the calls that are needed for refs.
func (l *Lookup) sort(refs []agentproto.Secret) ([]batch, []secret, error) {
	batches, secrets := batches{}, secrets{}
	for i, ref := range refs {
		if ref.Provider != agentproto.SecretProviderASM {
			batches.add(cmp.Or(ref.Region, regionOf(ref.ValueFrom), l.cfg.Region), ref.ValueFrom, i)
			continue
		}
		v, key, err := parseSecret(ref.ValueFrom)
		if err != nil {
			return nil, nil, err
		}
		v.region = cmp.Or(ref.Region, regionOf(ref.ValueFrom), l.cfg.Region)
		secrets.add(v, key, i)
	}
	return batches.list, secrets.list, nil
}

// regionOf is the region in an ARN; empty for what is none.
func regionOf(name string) string {
	if part := strings.SplitN(name, ":", 5); len(part) == 5 && part[0] == "arn" {
		return part[3]
	}
	return ""
}

// json does one call of a service that speaks JSON.
func (l *Lookup) json(ctx context.Context, service, endpoint, target, region string, creds sigv4.Credentials, in, out any) error {
	aws := l.cfg.AWS.Service(service, region)
	if endpoint != "" {
		aws = awscall.New(endpoint, aws.UserAgent, aws.HTTP)
	}
	return aws.JSON(ctx, service, target, region, creds, in, out)
}
