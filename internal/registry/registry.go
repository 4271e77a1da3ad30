package registry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/distribution/distribution/v3/registry/api/errcode"
	"github.com/distribution/distribution/v3/registry/handlers"

	"github.com/slipway/slipway/internal/service/ecr"
)

// Config is what a Registry needs of its surroundings.
type Config struct {
	Storage *Storage  // where the bytes are
	Room    *ecr.Room // what exists, and for whom; its Contents is Storage

	// Allowed, which must be given, tells whether the access key may do an action such as
	// "ecr:PutImage" to a repository's ARN. Its error is for the client to see.
	Allowed func(accessKeyID, action, resource string) error

	Log *slog.Logger
}

// Registry serves the distribution API. It is safe for concurrent use.
type Registry struct {
	cfg    Config
	engine *handlers.App
}

// New starts a registry. Its upkeep (removing uploads that nobody finished) runs
// until Close.
func New(ctx context.Context, cfg Config) (*Registry, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	r := &Registry{cfg: cfg}
	secret, err := cfg.Room.UploadSecret(ctx)
	if err != nil {
		return nil, fmt.Errorf("start registry: %w", err)
	}
	r.engine, err = start(context.WithoutCancel(ctx), r, secret)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Close ends the registry's upkeep. Requests that run are not cut off.
func (r *Registry) Close() error { return r.engine.Shutdown() }

// ServeHTTP serves everything under /v2/.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	login, refusal := r.authenticate(req)
	if refusal != nil {
		w.Header().Set("WWW-Authenticate", challenge(req))
		refuse(w, *refusal)
		return
	}
	asked := parse(req)
	if asked.catalog {
		refuse(w, errcode.ErrorCodeUnsupported.WithMessage("The operation is unsupported."))
		return
	}
	if asked.action != "" {
		if err := r.cfg.Allowed(login.AccessKeyID, asked.action, login.RepositoryARN(asked.repository)); err != nil {
			refuse(w, errcode.ErrorCodeDenied.WithMessage(textOf(err)))
			return
		}
	}
	if asked.repository != "" {
		// Before the engine does: it answers an unknown name twice.
		if _, err := r.cfg.Room.Repository(login.Scope, asked.repository); err != nil {
			refuse(w, errcode.ErrorCodeNameUnknown.WithMessage(err.Error()))
			return
		}
	}
	r.engine.ServeHTTP(w, req.WithContext(withLogin(req.Context(), login)))
}

// refuse answers with one error in the protocol's envelope.
func refuse(w http.ResponseWriter, err errcode.Error) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	_ = errcode.ServeJSON(w, err) // fails only if the client has gone
}

type loginKey struct{}

func withLogin(ctx context.Context, login ecr.Login) context.Context {
	return context.WithValue(ctx, loginKey{}, login)
}

// loginOf is whom the request is served for; ServeHTTP has put it there.
func loginOf(ctx context.Context) ecr.Login {
	return ctx.Value(loginKey{}).(ecr.Login)
}
