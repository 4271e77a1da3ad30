package registry

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/distribution/distribution/v3/registry/api/errcode"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/ecr"
)

// user is the name that every client logs in with; the token says who it is.
const user = "AWS"

// authenticate returns the login behind the request's token, or the refusal.
func (r *Registry) authenticate(req *http.Request) (ecr.Login, *errcode.Error) {
	name, token, ok := req.BasicAuth()
	if !ok || name != user {
		return ecr.Login{}, new(errcode.ErrorCodeUnauthorized.WithMessage("Not Authorized"))
	}
	login, err := r.cfg.Room.CheckToken(token)
	switch {
	case errors.Is(err, ecr.ErrTokenExpired):
		return ecr.Login{}, new(errcode.ErrorCodeDenied.WithMessage(
			"Your authorization token has expired. Reauthenticate and try again."))
	case err != nil:
		return ecr.Login{}, new(errcode.ErrorCodeUnauthorized.WithMessage("Not Authorized"))
	}
	return login, nil
}

// challenge asks for Basic authentication, as ECR does.
func challenge(req *http.Request) string {
	scheme := "http"
	if req.TLS != nil {
		scheme = "https"
	}
	return fmt.Sprintf(`Basic realm="%s://%s/",service="ecr.amazonaws.com"`, scheme, req.Host)
}

// asked is what a request is about.
type asked struct {
	repository string
	action     string // the IAM action that it needs; "": none beyond a valid token
	catalog    bool
}

// The IAM actions behind the methods of each kind of path: the ones that ECR
// checks (ECR user guide, "Required IAM permissions for pushing an image").
var (
	manifestActions = map[string]string{
		http.MethodGet: "ecr:BatchGetImage", http.MethodHead: "ecr:BatchGetImage",
		http.MethodPut: "ecr:PutImage", http.MethodDelete: "ecr:BatchDeleteImage",
	}
	blobActions = map[string]string{
		http.MethodGet: "ecr:GetDownloadUrlForLayer", http.MethodHead: "ecr:BatchCheckLayerAvailability",
		http.MethodDelete: "ecr:BatchDeleteImage",
	}
	uploadActions = map[string]string{
		http.MethodPost: "ecr:InitiateLayerUpload", http.MethodPatch: "ecr:UploadLayerPart",
		http.MethodPut: "ecr:CompleteLayerUpload", http.MethodGet: "ecr:UploadLayerPart",
		http.MethodHead: "ecr:UploadLayerPart", http.MethodDelete: "ecr:UploadLayerPart",
	}
)

// anyAction is asked of a method that no kind of path has; only a key that may do
// everything gets as far as being told so.
const anyAction = "ecr:*"

// parse reads the path as the engine's router does: the name ends at the last
// element that is not part of a name.
func parse(req *http.Request) asked {
	path := strings.TrimPrefix(req.URL.Path, "/v2/")
	if path == "_catalog" {
		return asked{catalog: true}
	}
	if name, ok := strings.CutSuffix(path, "/tags/list"); ok {
		return asked{repository: name, action: "ecr:ListImages"}
	}
	found, last := asked{}, -1
	for _, kind := range []struct {
		separator string
		actions   map[string]string
	}{
		{"/blobs/uploads/", uploadActions},
		{"/blobs/", blobActions},
		{"/manifests/", manifestActions},
	} {
		// The last one counts: names of repositories may hold the others.
		if at := strings.LastIndex(path, kind.separator); at > last {
			action, ok := kind.actions[req.Method]
			if !ok {
				action = anyAction
			}
			found, last = asked{repository: path[:at], action: action}, at
		}
	}
	return found
}

// textOf is what the client may see of a refusal.
func textOf(err error) string {
	if e, ok := errors.AsType[*apierr.Error](err); ok {
		return e.Message
	}
	return "requested access to the resource is denied"
}
