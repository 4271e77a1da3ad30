package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/objects"
	"github.com/slipway/slipway/internal/service/ec2/ec2api"
	"github.com/slipway/slipway/internal/service/ecr/ecrapi"
	"github.com/slipway/slipway/internal/service/ecs/ecsapi"
	"github.com/slipway/slipway/internal/service/iam/iamapi"
	"github.com/slipway/slipway/internal/service/logs/logsapi"
	"github.com/slipway/slipway/internal/service/secretsmanager/secretsmanagerapi"
	"github.com/slipway/slipway/internal/service/ssm/ssmapi"
	"github.com/slipway/slipway/internal/service/sts/stsapi"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

// registerOperations is the list of the AWS services that are served.
func (s *Server) registerOperations() {
	iamapi.Register(s.mux, s.IAM)
	stsapi.Register(s.mux, s.IAM)
	ec2api.Register(s.mux, s.EC2)
	ecrapi.Register(s.mux, s.ECR)
	logsapi.Register(s.mux, s.Logs)
	secretsmanagerapi.Register(s.mux, s.SecretsManager)
	ssmapi.Register(s.mux, s.SSM)
	ecsapi.Register(s.mux, s.ECS)
}

// Served lists the AWS operations that the server answers.
func (s *Server) Served() []wire.Served { return s.mux.Served() }

// handler is everything that is served on one endpoint.
func (s *Server) handler() http.Handler {
	own := http.NewServeMux()
	own.Handle("/v2/", s.registry)
	own.Handle("/acs/", s.sessions.ACS())
	own.Handle("/tcs/", s.sessions.TCS())
	own.Handle("/v1/", s.exec.Handler())
	own.HandleFunc("GET /healthz", s.healthz)
	own.Handle("GET /metrics", promhttp.HandlerFor(s.metrics, promhttp.HandlerOpts{}))
	own.HandleFunc("POST "+AccountsPath, s.createAccount)
	own.Handle("/", s.mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A ServeMux redirects to the clean form of a path. That breaks the
		// signature of an AWS call, so it must not see any.
		if first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); !slices.Contains(ownPaths, first) {
			if isObject(r) {
				s.objects.ServeHTTP(w, r)
				return
			}
			s.mux.ServeHTTP(w, r)
			return
		}
		own.ServeHTTP(w, r)
	})
}

// ownPaths are the first parts of the paths that are no AWS calls.
var ownPaths = []string{"v1", "v2", "acs", "tcs", "healthz", "metrics", "slipway"}

// isObject tells whether a request is one to S3: the only service here whose requests are not told apart by what they
// say but by whom they are signed for.
func isObject(r *http.Request) bool {
	if r.URL.Path == "/" {
		return false // where all other services are
	}
	signature, err := sigv4.Parse(r)
	return err == nil && signature.Service == objects.Service
}

// healthz answers 200 when the store can commit and 503 with the reason when not.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	if err := s.store.Check(ctx); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Write([]byte("ok\n"))
}

// AccountsPath is where `slipway account create` asks for a new account. The
// request is signed for the service named AdminService with the root key; AWS
// has no such operation, so it has no AWS protocol.
const (
	AccountsPath = "/slipway/accounts"
	AdminService = "slipway"
)

func (s *Server) createAccount(w http.ResponseWriter, r *http.Request) {
	call, _, err := s.mux.Authenticate(r, nil, AdminService)
	if err == nil && call.Account != s.Root.Account {
		err = apierr.Client("AccessDeniedException", "only the root account of this installation may make accounts")
	}
	if err != nil {
		s.mux.WriteError(w, r, err)
		return
	}
	_, key, err := s.IAM.CreateAccount(r.Context())
	if err != nil {
		s.mux.WriteError(w, r, err)
		return
	}
	body, err := json.Marshal(key.Credentials())
	if err != nil {
		s.mux.WriteError(w, r, errors.Join(errors.New("encode account"), err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(append(body, '\n'))
}
