package link

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
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

// Registries finds out how to log in to registries: by ECR's tokens where the
// task says so, else as the instance's owner configured. It is safe for
// concurrent use.
type Registries struct {
	client     *Client
	configured map[string]engine.RegistryAuth // by registry host

	mu     sync.Mutex
	tokens map[tokenKey]token
}

type tokenKey struct{ registry, access string }

type token struct {
	auth    engine.RegistryAuth
	expires time.Time
}

// NewRegistries makes Registries from the two variables ECS_ENGINE_AUTH_TYPE
// ("", "docker" or "dockercfg") and ECS_ENGINE_AUTH_DATA.
func NewRegistries(client *Client, kind, data string) (*Registries, error) {
	configured, err := parseAuth(kind, data)
	if err != nil {
		return nil, err
	}
	return &Registries{client: client, configured: configured, tokens: map[tokenKey]token{}}, nil
}

func parseAuth(kind, data string) (map[string]engine.RegistryAuth, error) {
	if kind == "" {
		return nil, nil
	}
	if kind != "docker" && kind != "dockercfg" {
		return nil, fmt.Errorf("ECS_ENGINE_AUTH_TYPE %q is neither docker nor dockercfg", kind)
	}
	var entries map[string]struct {
		Username, Password, Auth string
	}
	if err := json.Unmarshal([]byte(data), &entries); err != nil {
		return nil, fmt.Errorf("decode ECS_ENGINE_AUTH_DATA: %w", err)
	}
	configured := make(map[string]engine.RegistryAuth, len(entries))
	for registry, e := range entries {
		auth := engine.RegistryAuth{User: e.Username, Password: e.Password}
		if kind == "dockercfg" {
			var err error
			if auth.User, auth.Password, err = decodeAuth(e.Auth); err != nil {
				return nil, fmt.Errorf("decode ECS_ENGINE_AUTH_DATA: registry %s: %w", registry, err)
			}
		}
		configured[registryHost(registry)] = auth
	}
	return configured, nil
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

// registryHost is the host of a registry's name, which may be a URL such as
// https://index.docker.io/v1/.
func registryHost(name string) string {
	_, rest, ok := strings.Cut(name, "://")
	if !ok {
		rest = name
	}
	host, _, _ := strings.Cut(rest, "/")
	if host == "index.docker.io" {
		return "docker.io"
	}
	return host
}

// imageHost is the registry in an image reference.
func imageHost(image string) string {
	first, _, ok := strings.Cut(image, "/")
	if !ok || !strings.ContainsAny(first, ".:") && first != "localhost" {
		return "docker.io"
	}
	return first
}

// Auth finds out how to log in to the registry of an image. While the control
// plane does not answer it waits, until ctx ends: before it is back nobody could
// be told that the task has failed, and then it need not.
func (r *Registries) Auth(ctx context.Context, image string, how *agentproto.RegistryAuthentication, execution *agentproto.RoleCredentials) (engine.RegistryAuth, error) {
	switch {
	case how == nil:
		return r.configured[imageHost(image)], nil
	case how.Type == "asm" && how.ASMAuthData != nil:
		return r.secretAuth(ctx, *how.ASMAuthData, execution)
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

// secretAuth reads user and password from a secret, {"username","password"}, with
// the execution role.
func (r *Registries) secretAuth(ctx context.Context, where agentproto.ASMAuthData, execution *agentproto.RoleCredentials) (engine.RegistryAuth, error) {
	if execution == nil {
		return engine.RegistryAuth{}, errors.New("a private registry's secret needs an execution role")
	}
	region := cmp.Or(where.Region, r.client.cfg.Region)
	in := struct {
		SecretID string `json:"SecretId"`
	}{where.CredentialsParameter}
	return patiently(ctx, func() (engine.RegistryAuth, error) {
		var out struct{ SecretString string }
		err := r.client.aws.Service("secretsmanager", region).JSON(ctx, "secretsmanager", "secretsmanager.GetSecretValue", region, awscall.RoleKeys(*execution), in, &out)
		if err != nil {
			return engine.RegistryAuth{}, err
		}
		var login struct{ Username, Password string }
		if json.Unmarshal([]byte(out.SecretString), &login) != nil || login.Username == "" || login.Password == "" {
			// The text that cannot be read is the secret: it is not shown.
			return engine.RegistryAuth{}, fmt.Errorf("secret %s holds no username and password", where.CredentialsParameter)
		}
		return engine.RegistryAuth{User: login.Username, Password: login.Password}, nil
	})
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
