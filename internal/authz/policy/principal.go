package policy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Principal is who asks to assume a role: a service, or somebody of an account.
type Principal struct {
	Service string   // "ecs-tasks.amazonaws.com"
	Account string   // 12 digits
	ARNs    []string // the names the caller goes by: of a session its own and its role's
}

// principals is a Principal or NotPrincipal element.
type principals struct {
	not      bool
	everyone bool
	services []string
	accounts []string // as a whole: arn:aws:iam::ID:root, or ID
	arns     []string
}

// decide tells who is meant: Silent for nobody, Delegate for all of an account,
// Allow for this very caller.
func (p *principals) decide(who *Principal) Decision {
	said := p.named(who)
	if !p.not {
		return said
	}
	if said == Silent {
		return Allow
	}
	return Silent
}

func (p *principals) named(who *Principal) Decision {
	if who.Service != "" {
		if p.everyone || slices.Contains(p.services, who.Service) {
			return Allow
		}
		return Silent
	}
	switch {
	case slices.ContainsFunc(p.arns, func(a string) bool { return slices.Contains(who.ARNs, a) }):
		return Allow
	case p.everyone, slices.Contains(p.accounts, who.Account):
		return Delegate
	}
	return Silent
}

var (
	accountID    = regexp.MustCompile(`^[0-9]{12}$`)
	accountRoot  = regexp.MustCompile(`^arn:aws:iam::([0-9]{12}):root$`)
	principalARN = regexp.MustCompile(`^arn:aws:(?:iam::[0-9]{12}:(?:role|user)/.+|sts::[0-9]{12}:(?:assumed-role/.+/.+|federated-user/.+))$`)
	servicePart  = regexp.MustCompile(`^[a-z0-9.-]+\.(?:amazonaws\.com|amazon\.com|aws\.internal)$`)
)

// parsePrincipals reads "*" or {"AWS": …, "Service": …, "Federated": …}.
func parsePrincipals(raw json.RawMessage) (*principals, error) {
	p := &principals{}
	var star string
	if json.Unmarshal(raw, &star) == nil {
		if star != "*" {
			return nil, malformed(`Invalid principal in policy: "%s"`, star)
		}
		p.everyone = true
		return p, nil
	}
	var kinds map[string]json.RawMessage
	if err := json.Unmarshal(raw, &kinds); err != nil || len(kinds) == 0 {
		return nil, malformed("Syntax errors in policy.")
	}
	for kind, raw := range kinds {
		values, err := parseStrings(raw)
		if err != nil {
			return nil, err
		}
		for _, v := range values {
			if !p.add(kind, v) {
				return nil, malformed("Invalid principal in policy: %q:%q", kind, v)
			}
		}
	}
	return p, nil
}

// add takes a principal of a kind. Federated and canonical users are known but
// nobody of them ever calls.
func (p *principals) add(kind, v string) bool {
	switch kind {
	case "AWS":
		return p.addAWS(v)
	case "Service":
		if !servicePart.MatchString(v) {
			return false
		}
		p.services = append(p.services, v)
		return true
	case "Federated", "CanonicalUser":
		return v != ""
	}
	return false
}

func (p *principals) addAWS(v string) bool {
	switch {
	case v == "*":
		p.everyone = true
	case accountID.MatchString(v):
		p.accounts = append(p.accounts, v)
	case accountRoot.MatchString(v):
		p.accounts = append(p.accounts, accountRoot.FindStringSubmatch(v)[1])
	case principalARN.MatchString(v) && !strings.ContainsAny(v, "*?"):
		p.arns = append(p.arns, v)
	default:
		return false
	}
	return true
}

func malformed(format string, args ...any) error {
	return &MalformedError{Text: fmt.Sprintf(format, args...)}
}
