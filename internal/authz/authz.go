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
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/wildcard"
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

// Key finds the credential of an access key id.
func (g *Guard) Key(_ context.Context, accessKeyID string) (wire.Credential, bool, error) {
	k, ok := g.keys.Lookup(accessKeyID)
	if !ok {
		return wire.Credential{}, false, nil
	}
	return wire.Credential{
		AccessKeyID: k.ID, SecretAccessKey: k.Secret, SessionToken: k.SessionToken,
		Principal: wire.Principal{ARN: k.Principal, UserID: k.UserID, Account: k.Account},
		Expires:   k.Expires, Allow: k.Allow,
	}, true, nil
}

// Authorize allows what the credential's patterns allow.
func (g *Guard) Authorize(_ context.Context, _ *wire.Call, cred wire.Credential, action string, resources []string) error {
	if permits(cred.Allow, action) {
		return nil
	}
	return &wire.Denied{Text: denied(cred.Principal.ARN, action, resources)}
}

// AuthorizeKey allows what the key may do, for callers who carry a token that
// was made out to a key rather than a signature. A key that is gone or has
// expired may do nothing. Its refusals are apierr.Error.
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
	return apierr.Client("AccessDeniedException", "%s", denied(k.Principal, action, []string{resource}))
}

func permits(patterns []string, action string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		return wildcard.Match(strings.ToLower(p), strings.ToLower(action)) // IAM: actions know no case
	})
}

// denied is AWS's text for a caller without permission (IAM user guide,
// "Troubleshoot access denied error messages").
func denied(principal, action string, resources []string) string {
	resource := "*"
	if len(resources) > 0 {
		resource = resources[0]
	}
	return fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action",
		principal, action, resource, action)
}
