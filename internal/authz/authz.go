// Package authz decides who calls and what they are allowed to do.
//
// It finds the credential that a request was signed with ([Guard.Key]): a
// long-lived key in the iam room's snapshot, or a session in its own token. Then
// it holds the action against what that may do ([Guard.Authorize]). A long-lived
// key allows a list of action patterns, whatever the resource. A session of a role
// may do what the role's policies say at that moment, within its permissions
// boundary and the session's own policies; package policy reads and decides those.
// It promises that what nothing allows is refused, that a policy's denial wins,
// that a changed policy counts from the next request on, and refuses in AWS's words.
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

// Guard knows the keys and roles of an iam room. It is safe for concurrent use.
type Guard struct {
	keys *iam.Room
}

// New returns a guard over the room's keys and roles.
func New(keys *iam.Room) *Guard { return &Guard{keys: keys} }

var (
	_ wire.KeySource  = (*Guard)(nil)
	_ wire.Authorizer = (*Guard)(nil)
)

// Key finds the credential of an access key id, and of the token that came along.
func (g *Guard) Key(_ context.Context, accessKeyID, sessionToken string) (wire.Credential, bool, error) {
	if k, ok := g.keys.Lookup(accessKeyID); ok {
		return wire.Credential{
			AccessKeyID: k.ID, SecretAccessKey: k.Secret, SessionToken: k.SessionToken,
			Principal: wire.Principal{ARN: k.Principal, UserID: k.UserID, Account: k.Account},
			Expires:   k.Expires, Allow: k.Allow,
		}, true, nil
	}
	if sessionToken == "" {
		return wire.Credential{}, false, nil
	}
	s, ok := g.keys.Open(accessKeyID, sessionToken)
	if !ok {
		return wire.Credential{}, false, nil
	}
	return wire.Credential{
		AccessKeyID: accessKeyID, SecretAccessKey: s.Secret, SessionToken: sessionToken,
		Principal: wire.Principal{ARN: s.Principal, UserID: s.UserID, Account: s.Account},
		Expires:   s.Expires, Allow: s.Allow, Session: s.Grant,
	}, true, nil
}

// Authorize allows what the credential's patterns allow, or the policies of the
// role whose session it is, for each of the resources.
func (g *Guard) Authorize(_ context.Context, call *wire.Call, cred wire.Credential, action string, resources []string) error {
	if grant, ok := cred.Session.(*iam.Grant); ok && grant.RoleID != "" {
		return g.authorizeSession(call, cred, grant, action, resources)
	}
	if permits(cred.Allow, action) {
		return nil
	}
	return &wire.Denied{Text: denied(cred.Principal.ARN, action, first(resources), noIdentity(action))}
}

// AuthorizeKey allows what the key may do, for callers who carry a token that
// was made out to a key rather than a signature. A key that is gone or has
// expired may do nothing; of a session's key, what its role may do counts, for the
// token has an end of its own. Its refusals are apierr.Error.
func (g *Guard) AuthorizeKey(accessKeyID, action, resource string) error {
	k, ok := g.keys.Lookup(accessKeyID)
	if !ok {
		var role *iam.Role
		if role, k = g.keys.Holder(accessKeyID); role != nil {
			return g.authorizeRole(role, action, resource)
		}
	}
	if k == nil || !k.Expires.IsZero() && !time.Now().Before(k.Expires) {
		return &apierr.Error{
			Code: "UnrecognizedClientException", Message: "The security token included in the request is invalid.",
			Status: http.StatusForbidden,
		}
	}
	if permits(k.Allow, action) {
		return nil
	}
	return apierr.Client("AccessDeniedException", "%s", denied(k.Principal, action, resource, noIdentity(action)))
}

func permits(patterns []string, action string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		return wildcard.Match(strings.ToLower(p), strings.ToLower(action)) // IAM: actions know no case
	})
}

func first(resources []string) string {
	if len(resources) == 0 {
		return "*"
	}
	return resources[0]
}

// denied is AWS's text for a caller without permission (IAM user guide,
// "Troubleshoot access denied error messages").
func denied(principal, action, resource, because string) string {
	return fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s %s", principal, action, resource, because)
}

func noIdentity(action string) string {
	return fmt.Sprintf("because no identity-based policy allows the %s action", action)
}
