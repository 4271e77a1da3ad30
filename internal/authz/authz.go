// Package authz decides who calls and what they are allowed to do.
//
// It finds the key that a request was signed with in the iam room's snapshot
// ([Guard.Key]) and holds the action against what that key allows
// ([Guard.Authorize]). A key allows a list of action patterns; policies, with
// resources and conditions, would be decided in permits and nowhere else. It
// promises that what no pattern allows is refused, and refuses in AWS's words.
package authz

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/wire"
)

// Guard knows the keys of an iam room. It is safe for concurrent use.
type Guard struct {
	keys *iam.Room
}

// New returns a guard over the room's keys.
func New(keys *iam.Room) *Guard { return &Guard{keys: keys} }

var (
	_ wire.KeySource  = (*Guard)(nil)
	_ wire.Authorizer = (*Guard)(nil)
)

// everything is the pattern that a root key has. wire writes it as no list.
const everything = "*"

// Key finds the credential of an access key id.
func (g *Guard) Key(_ context.Context, accessKeyID string) (wire.Credential, bool, error) {
	k, ok := g.keys.Lookup(accessKeyID)
	if !ok {
		return wire.Credential{}, false, nil
	}
	c := wire.Credential{
		AccessKeyID: k.ID, SecretAccessKey: k.Secret, SessionToken: k.SessionToken,
		Principal: wire.Principal{ARN: k.Principal, UserID: k.UserID, Account: k.Account},
		Expires:   k.Expires,
	}
	if !slices.Contains(k.Allow, everything) {
		c.Allow = append([]string{}, k.Allow...) // never nil, which would be everything
	}
	return c, true, nil
}

// Authorize allows what the credential's patterns allow.
func (g *Guard) Authorize(_ context.Context, _ *wire.Call, cred wire.Credential, action string, resources []string) error {
	if cred.Allow == nil || permits(cred.Allow, action) {
		return nil
	}
	return denied(cred.Principal.ARN, action, resources)
}

// AuthorizeKey allows what the key may do, for callers who carry a token that
// was made out to a key rather than a signature. A key that is gone or has
// expired may do nothing.
func (g *Guard) AuthorizeKey(accessKeyID, action, resource string) error {
	k, ok := g.keys.Lookup(accessKeyID)
	if !ok || !k.Expires.IsZero() && !time.Now().Before(k.Expires) {
		return &apierr.Error{
			Code: "UnrecognizedClientException", Message: "The security token included in the request is invalid.",
			Status: http.StatusForbidden,
		}
	}
	if permits(k.Allow, action) {
		return nil
	}
	return denied(k.Principal, action, []string{resource})
}

func permits(patterns []string, action string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		return match(strings.ToLower(p), strings.ToLower(action)) // IAM: actions know no case
	})
}

func denied(principal, action string, resources []string) error {
	resource := "*"
	if len(resources) > 0 {
		resource = resources[0]
	}
	return apierr.Client("AccessDeniedException", "User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action",
		principal, action, resource, action)
}

// match tells whether text is the pattern with any text in place of each *.
func match(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	last := len(parts) - 1
	if last == 0 {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1:last] {
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return strings.HasSuffix(text, parts[last])
}
