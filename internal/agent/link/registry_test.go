package link

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/slipway/slipway/internal/agent/awscall"
	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agentproto"
)

var fromECR = &agentproto.RegistryAuthentication{Type: "ecr", ECRAuthData: &agentproto.ECRAuthData{}}

func TestTokenWaitsForAControlPlaneThatIsDown(t *testing.T) {
	b := newBackend(t)
	tries := 0
	b.answer["GetAuthorizationToken"] = func([]byte) (int, any) {
		if tries++; tries < 3 {
			panic(http.ErrAbortHandler) // the connection breaks without an answer
		}
		return 200, map[string]any{"authorizationData": []any{map[string]any{"authorizationToken": "QVdTOnA=", "expiresAt": 1.0}}}
	}
	r := NewRegistries(b.client(), nil, nil)
	auth, err := r.Auth(t.Context(), "x/web", fromECR, nil)
	if err != nil || auth.Password != "p" || tries != 3 {
		t.Errorf("got %+v, %v after %d tries", auth, err, tries)
	}
}

func TestTokenIsNotWaitedForInVain(t *testing.T) {
	b := newBackend(t)
	b.answer["GetAuthorizationToken"] = func([]byte) (int, any) {
		return 400, map[string]string{"__type": "AccessDeniedException", "message": "no"}
	}
	r := NewRegistries(b.client(), nil, nil)
	if _, err := r.Auth(t.Context(), "x/web", fromECR, nil); awscall.Code(err) != "AccessDeniedException" {
		t.Errorf("got %v", err)
	}

	b.server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := r.Auth(ctx, "x/web", fromECR, nil)
		failed <- err
	}()
	cancel() // the task is to stop
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestLoginsOfOthers(t *testing.T) {
	role := &agentproto.RoleCredentials{AccessKeyID: "AKIAROLE"}
	refused := errors.New("refused")
	configured := func(image string) engine.RegistryAuth {
		return engine.RegistryAuth{User: "owner", Password: image}
	}
	secret := func(_ context.Context, execution *agentproto.RoleCredentials, where agentproto.ASMAuthData) (string, string, error) {
		if where.CredentialsParameter == "bad" {
			return "", "", refused
		}
		return execution.AccessKeyID, where.CredentialsParameter, nil
	}
	cases := map[string]struct {
		how   *agentproto.RegistryAuthentication
		want  engine.RegistryAuth
		fails error
	}{
		"the owner's":    {nil, engine.RegistryAuth{User: "owner", Password: "x/web"}, nil},
		"a secret":       {fromSecret("arn"), engine.RegistryAuth{User: "AKIAROLE", Password: "arn"}, nil},
		"a secret fails": {fromSecret("bad"), engine.RegistryAuth{}, refused},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := NewRegistries(nil, configured, secret).Auth(t.Context(), "x/web", c.how, role)
			if got != c.want || !errors.Is(err, c.fails) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func fromSecret(arn string) *agentproto.RegistryAuthentication {
	return &agentproto.RegistryAuthentication{Type: "asm", ASMAuthData: &agentproto.ASMAuthData{CredentialsParameter: arn}}
}
