package wire

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

// authFailure is a reason to turn a caller away, before it has words.
type authFailure int

const (
	authMissing authFailure = iota
	authIncomplete
	authMismatch
	authSkewed
	authUnknownKey
	authTokenExpired
	authDenied
)

// authError is an authFailure with the cause's own text.
type authError struct {
	failure authFailure
	text    string
}

func (e *authError) Error() string { return e.text }

const (
	unknownKeyText   = "The security token included in the request is invalid."
	tokenExpiredText = "The security token included in the request is expired"
)

var sigFailures = map[sigv4.Kind]authFailure{
	sigv4.Missing: authMissing, sigv4.Incomplete: authIncomplete, sigv4.Mismatch: authMismatch, sigv4.Expired: authSkewed,
}

// authenticate finds out who sent r. service is the signing name that the scope
// must have, "" for any. Its errors are *authError, or a failure of the KeySource.
func (m *Mux) authenticate(r *request, service string) (*Call, Credential, error) {
	if r.sigErr != nil {
		return nil, Credential{}, fromSigv4(r.sigErr)
	}
	s := r.signature
	cred, ok, err := m.cfg.Keys.Key(r.Context(), s.AccessKeyID, s.Token)
	if err != nil {
		return nil, Credential{}, fmt.Errorf("find access key: %w", err)
	}
	if !ok || subtle.ConstantTimeCompare([]byte(cred.SessionToken), []byte(s.Token)) != 1 {
		return nil, Credential{}, &authError{authUnknownKey, unknownKeyText}
	}
	now := m.cfg.Now()
	if err := m.verifier.Verify(r.Request, s, r.body, service, cred.SecretAccessKey, now); err != nil {
		return nil, Credential{}, fromSigv4(err)
	}
	if !cred.Expires.IsZero() && !now.Before(cred.Expires) {
		return nil, Credential{}, &authError{authTokenExpired, tokenExpiredText}
	}
	return &Call{
		RequestID: r.id, Account: cred.Principal.Account, Region: s.Region, Principal: cred.Principal, AccessKeyID: s.AccessKeyID,
		Host: r.Host, TLS: r.TLS != nil, RemoteAddr: r.RemoteAddr, UserAgent: r.UserAgent(),
		Session: cred.Session,
	}, cred, nil
}

func fromSigv4(err error) error {
	if e, ok := errors.AsType[*sigv4.Error](err); ok {
		return &authError{sigFailures[e.Kind], e.Text}
	}
	return err
}

// Authenticate verifies the signature, in the header or presigned, of a request
// that is not an AWS call, such as the opening of a web socket. service is the
// signing name that the scope must have, "" for any. The error, if not nil, is
// for WriteError. It does not ask whether the caller is allowed anything: see
// Authorize.
func (m *Mux) Authenticate(r *http.Request, body []byte, service string) (*Call, Credential, error) {
	req := m.request(r)
	req.body = body
	call, cred, err := m.authenticate(req, service)
	if err != nil {
		return nil, Credential{}, worded(err, jsonProtocol{}.words())
	}
	call.Service = service
	return call, cred, nil
}

// Authorize asks whether the caller may do action to resources. The error, if
// not nil, is for WriteError.
func (m *Mux) Authorize(ctx context.Context, call *Call, cred Credential, action string, resources []string) error {
	return worded(m.authorize(ctx, call, cred, action, resources), jsonProtocol{}.words())
}

func (m *Mux) authorize(ctx context.Context, call *Call, cred Credential, action string, resources []string) error {
	if m.cfg.Authorizer == nil {
		return nil
	}
	return m.cfg.Authorizer.Authorize(ctx, call, cred, action, resources)
}

// worded turns an *authError or a *Denied into an error for the client in a
// protocol's words and leaves every other error alone.
func worded(err error, w *words) error {
	if d, ok := errors.AsType[*Denied](err); ok {
		err = &authError{authDenied, d.Text}
	}
	e, ok := errors.AsType[*authError](err)
	if !ok {
		return err
	}
	said := w.auth[e.failure]
	if said.text == "" {
		said.text = e.text
	}
	return &apierr.Error{Code: said.code, Message: said.text, Status: said.status}
}
