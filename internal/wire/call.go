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
	Session     any // the Credential's

	// Conditions tells what the operation's input says to conditions of policies,
	// by keys in small letters; nil if the operation tells nothing. The Authorizer
	// reads it; see the option Conditions.
	Conditions func(key string) (values []string, ok bool)
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
	Session         any       // what the issuer noted of a session; the Authorizer alone reads it
}

// KeySource finds credentials. A key that does not exist is false and no error,
// and so is a session's key whose token was not made for it. sessionToken is what
// the request carries, "" for none: a source that keeps no sessions reads them
// from their tokens. An expired credential is found; the Mux refuses it.
type KeySource interface {
	Key(ctx context.Context, accessKeyID, sessionToken string) (Credential, bool, error)
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
