package authz

import (
	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/authz/policy"
	"github.com/slipway/slipway/internal/service/iam"
	"github.com/slipway/slipway/internal/wire"
)

// actionAssume is the one action that the resource's own policy, the role's trust
// policy, may allow without the caller's.
const actionAssume = "sts:AssumeRole"

func (g *Guard) authorizeSession(call *wire.Call, cred wire.Credential, grant *iam.Grant, action string, resources []string) error {
	rights, ok := g.keys.RightsOf(grant)
	if !ok {
		// The role went after the key was found.
		return &wire.Denied{Text: denied(cred.Principal.ARN, action, first(resources), noIdentity(action))}
	}
	about := iam.Facts{Call: factsOf(call), Rights: &rights}
	if call != nil {
		about.Request = call.Conditions
	}
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	for _, resource := range resources {
		q := policy.Request{Action: action, Resource: resource, Context: about.Value}
		because, explicit := rights.Refusal(&q)
		if because == "" || !explicit && action == actionAssume && g.trusted(cred, grant, resource, about) {
			continue
		}
		return &wire.Denied{Text: denied(cred.Principal.ARN, action, resource, because)}
	}
	return nil
}

// trusted tells whether a role of the caller's account trusts the caller by name.
func (g *Guard) trusted(cred wire.Credential, grant *iam.Grant, roleARN string, about iam.Facts) bool {
	return g.keys.Trusted(iam.Caller{ARN: cred.Principal.ARN, Account: cred.Principal.Account, Session: grant, Facts: about}, roleARN)
}

// authorizeRole decides for a role of which only the name is known, no session and
// no call.
func (g *Guard) authorizeRole(role *iam.Role, action, resource string) error {
	rights := g.keys.RightsOfRole(role)
	about := iam.Facts{Rights: &rights}
	because, _ := rights.Refusal(&policy.Request{Action: action, Resource: resource, Context: about.Value})
	if because == "" {
		return nil
	}
	return apierr.Client("AccessDeniedException", "%s", denied(role.ARN(), action, resource, because))
}

// factsOf is what conditions may ask about a call.
func factsOf(call *wire.Call) *iam.CallFacts {
	if call == nil {
		return nil
	}
	return &iam.CallFacts{
		Region: call.Region, RemoteAddr: call.RemoteAddr, UserAgent: call.UserAgent, Secure: call.TLS,
		UserID: call.Principal.UserID, Account: call.Principal.Account,
	}
}
