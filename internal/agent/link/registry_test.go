package link

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/slipway/slipway/internal/agent/awscall"
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
	r, err := NewRegistries(b.client(), "", "")
	if err != nil {
		t.Fatal(err)
	}
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
	r, err := NewRegistries(b.client(), "", "")
	if err != nil {
		t.Fatal(err)
	}
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
