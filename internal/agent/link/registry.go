package link

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/agent/awscall"
	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/service/ecr/ecrshape"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

// tokenMargin is how long before its expiry a token is not used any more.
const tokenMargin = 10 * time.Minute

// Registries finds out how to log in to registries: by ECR's tokens or a secret
// where the task says so, else as the instance's owner configured. It is safe for
// concurrent use.
type Registries struct {
	client     *Client
	configured func(image string) engine.RegistryAuth
	secret     SecretLogin

	mu     sync.Mutex
	tokens map[tokenKey]token
}

// SecretLogin reads a login from a secret, as a task's execution role.
type SecretLogin func(ctx context.Context, execution *agentproto.RoleCredentials, where agentproto.ASMAuthData) (user, password string, err error)

type tokenKey struct{ registry, access string }

type token struct {
	auth    engine.RegistryAuth
	expires time.Time
}

// NewRegistries makes Registries. configured is the owner's login for an image,
// the zero value where there is none.
func NewRegistries(client *Client, configured func(image string) engine.RegistryAuth, secret SecretLogin) *Registries {
	return &Registries{client: client, configured: configured, secret: secret, tokens: map[tokenKey]token{}}
}

// decodeAuth reads base64 of user:password.
func decodeAuth(s string) (user, password string, err error) {
	text, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return "", "", fmt.Errorf("decode token: %w", err)
	}
	user, password, ok := strings.Cut(string(text), ":")
	if !ok {
		return "", "", errors.New("decode token: it has no colon")
	}
	return user, password, nil
}

// Auth finds out how to log in to the registry of an image. While the control
// plane does not answer with a token it waits, until ctx ends: before it is back
// nobody could be told that the task has failed, and then it need not.
func (r *Registries) Auth(ctx context.Context, image string, how *agentproto.RegistryAuthentication, execution *agentproto.RoleCredentials) (engine.RegistryAuth, error) {
	switch {
	case how == nil:
		return r.configured(image), nil
	case how.Type == "asm" && how.ASMAuthData != nil:
		user, password, err := r.secret(ctx, execution, *how.ASMAuthData)
		return engine.RegistryAuth{User: user, Password: password}, err
	case how.Type != "ecr" || how.ECRAuthData == nil:
		return engine.RegistryAuth{}, fmt.Errorf("registry authentication of type %q is not supported", how.Type)
	}
	creds := r.client.cfg.Credentials
	if how.ECRAuthData.UseExecutionRole && execution != nil {
		creds = awscall.RoleKeys(*execution)
	}
	return patiently(ctx, func() (engine.RegistryAuth, error) { return r.token(ctx, how.ECRAuthData.RegistryID, creds) })
}

// patiently calls until somebody answers, or ctx ends.
func patiently(ctx context.Context, call func() (engine.RegistryAuth, error)) (engine.RegistryAuth, error) {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		auth, err := call()
		if err == nil || !awscall.Unanswered(err) {
			return auth, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return engine.RegistryAuth{}, ctx.Err()
		}
	}
}

// Pauses between attempts to get a token.
const (
	firstPause   = 250 * time.Millisecond
	longestPause = 5 * time.Second
)

// token asks ECR, unless a token that it gave is still good. Those who wait for
// the same answer wait for each other.
func (r *Registries) token(ctx context.Context, registry string, creds sigv4.Credentials) (engine.RegistryAuth, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := tokenKey{registry, creds.AccessKeyID}
	if t, ok := r.tokens[key]; ok && time.Until(t.expires) > tokenMargin {
		return t.auth, nil
	}
	var in ecrshape.GetAuthorizationTokenInput
	if registry != "" {
		in.RegistryIds = []string{registry}
	}
	var out ecrshape.GetAuthorizationTokenOutput
	if err := r.client.aws.Service("api.ecr", r.client.cfg.Region).JSON(ctx, "ecr", ecrTarget+".GetAuthorizationToken", r.client.cfg.Region, creds, in, &out); err != nil {
		return engine.RegistryAuth{}, err
	}
	if len(out.AuthorizationData) == 0 {
		return engine.RegistryAuth{}, errors.New("get authorization token: the answer holds none")
	}
	data := out.AuthorizationData[0]
	user, password, err := decodeAuth(deref(data.AuthorizationToken))
	if err != nil {
		return engine.RegistryAuth{}, fmt.Errorf("get authorization token: %w", err)
	}
	t := token{engine.RegistryAuth{User: user, Password: password, Endpoint: deref(data.ProxyEndpoint)}, data.ExpiresAt.Or()}
	r.tokens[key] = t
	return t.auth, nil
}
