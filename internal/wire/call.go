package wire

import (
	"context"
	"time"
)

// Call is what is known of one request once it is authenticated.
type Call struct {
	Service     string // the addressed service's Name: "ecs"
	Operation   string // "RunTask"; "" outside the AWS protocols
	RequestID   string
	Account     string // the principal's account: the first half of every key
	Region      string // the region of the credential scope: the second half
	Principal   Principal
	AccessKeyID string
	Host        string // the Host header as sent, host:port
	TLS         bool
	RemoteAddr  string // host:port
	UserAgent   string
}

// Principal is who calls.
type Principal struct {
	ARN     string
	UserID  string
	Account string
}

// Credential is an access key as its issuer keeps it.
type Credential struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string // "": a long-lived key, with which no token may be sent
	Principal       Principal
	Expires         time.Time // zero: never
	Allow           []string  // patterns of actions, such as "ecs:Submit*"; the Authorizer alone reads them
}

// KeySource finds credentials. A key that does not exist is false and no error.
type KeySource interface {
	Key(ctx context.Context, accessKeyID string) (Credential, bool, error)
}

// Authorizer decides whether a caller may act. action is like "ecs:RunTask";
// resources are ARNs, none if the operation names none. It returns nil, a *Denied,
// another error for the caller to see (apierr.Error), or a failure.
type Authorizer interface {
	Authorize(ctx context.Context, call *Call, cred Credential, action string, resources []string) error
}

// Denied is an Authorizer's refusal: each protocol has an error code of its own
// for it.
type Denied struct {
	Text string // for the caller to see
}

func (d *Denied) Error() string { return d.Text }
