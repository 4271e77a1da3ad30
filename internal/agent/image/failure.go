package image

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"

	"github.com/containerd/containerd/v2/core/remotes/docker"
	remoteerrors "github.com/containerd/containerd/v2/core/remotes/errors"
	"github.com/containerd/errdefs"
)

// Kind sorts the failures of a pull by what a caller can do about them.
type Kind int

// The kinds. Unreachable is worth another attempt; the others are not.
const (
	Unreachable Kind = iota + 1 // no answer, or one that says "later"
	NotFound                    // the registry does not know the image
	Auth                        // the registry wants other credentials
	Manifest                    // the answer is no image, or none for this platform
	Invalid                     // the reference itself is malformed
	Untrusted                   // the registry's certificate, or that it has none, is not accepted
	Full                        // the instance's disk has no room
)

// Reasons of the ECS container agent (its error names in SubmitTaskStateChange).
const (
	ReasonPull     = "CannotPullContainerError"
	ReasonAuth     = "CannotPullContainerAuthError"
	ReasonManifest = "CannotPullImageManifestError"
	ReasonTimeout  = "DockerTimeoutError"
)

// Error is a failed pull.
type Error struct {
	Kind   Kind
	Reason string // the part before the colon in a container's reason
	Detail string // what AWS shows after it
	Err    error
}

// Error is the container's reason as AWS shows it.
func (e *Error) Error() string { return e.Reason + ": " + e.Detail }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// step is the part of a pull that failed.
type step int

const (
	resolving step = iota
	copying
)

// failure words an error as Fargate's platform 1.4 does, which pulls with
// containerd too. Source: AWS documentation, "Troubleshooting Amazon ECS:
// CannotPullContainer task errors".
func failure(s step, ref string, attempts int, err error) *Error {
	e := &Error{Kind: kind(s, err), Reason: ReasonPull, Err: err}
	switch e.Kind {
	case Auth:
		e.Reason = ReasonAuth
	case Manifest:
		e.Reason = ReasonManifest
	}
	switch {
	case errors.Is(err, errInactive):
		e.Detail = err.Error() // the ECS agent's, as it is
	case s == resolving:
		e.Detail = fmt.Sprintf("pull image manifest has been retried %d time(s): failed to resolve ref %s: %s", attempts, ref, cause(err))
	default:
		e.Detail = fmt.Sprintf("ref pull has been retried %d time(s): failed to copy: %s", attempts, cause(err))
	}
	return e
}

// cause takes our own wrapping out of the text; AWS's text carries none.
func cause(err error) string {
	if status, ok := errors.AsType[remoteerrors.ErrUnexpectedStatus](err); ok {
		return strings.TrimSpace("pulling from host failed with status code " + status.Status + " " + strings.TrimSpace(string(status.Body)))
	}
	return err.Error()
}

func kind(s step, err error) Kind {
	if status, ok := errors.AsType[remoteerrors.ErrUnexpectedStatus](err); ok {
		switch {
		case status.StatusCode == http.StatusUnauthorized || status.StatusCode == http.StatusForbidden:
			return Auth
		case status.StatusCode == http.StatusNotFound:
			return NotFound
		case status.StatusCode == http.StatusTooManyRequests || status.StatusCode >= 500:
			return Unreachable
		}
		return Manifest
	}
	switch {
	case untrusted(err):
		return Untrusted
	case strings.Contains(err.Error(), syscall.ENOSPC.Error()): // containerd tells it as a text
		return Full
	case errors.Is(err, docker.ErrInvalidAuthorization):
		return Auth
	case errdefs.IsNotFound(err) && s == copying:
		return Manifest // listed by the manifest, or wanted for the platform, but not there
	case errdefs.IsNotFound(err):
		return NotFound
	case errdefs.IsInvalidArgument(err), errdefs.IsNotImplemented(err):
		return Manifest
	}
	return Unreachable
}

// untrusted tells whether there was no TLS connection to be had that means
// anything.
func untrusted(err error) bool {
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	return certificate || noTLS || alert || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

// final says that another attempt cannot help.
func final(ctx context.Context, e *Error) bool {
	return e.Kind != Unreachable || ctx.Err() != nil
}
