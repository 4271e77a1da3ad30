package settings

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"

	"github.com/slipway/slipway/internal/agent/awscall"
	"github.com/slipway/slipway/internal/agentproto"
)

// RegistryLogin returns the login that a container's repositoryCredentials name:
// a secret that holds {"username", "password"}.
func (l *Lookup) RegistryLogin(ctx context.Context, execution *agentproto.RoleCredentials, data agentproto.ASMAuthData) (user, password string, err error) {
	if execution == nil {
		return "", "", errNoRole
	}
	id := data.CredentialsParameter
	region := cmp.Or(data.Region, regionOf(id), l.cfg.Region)
	tries, text, err := l.secretValue(ctx, awscall.RoleKeys(*execution), version{region: region, id: id})
	if err != nil {
		err = &service{"asm fetching secret from the service for " + id + ": ", err}
	} else {
		user, password, err = parseLogin(text)
	}
	return user, password, because(ctx, noLogin, tries, err)
}

// parseLogin reads the secret. The texts are the EC2 agent's.
func parseLogin(text string) (user, password string, err error) {
	var login struct{ Username, Password string }
	switch {
	case text == "":
		return "", "", errors.New("asm fetching authorization data: empty secrets value")
	case json.Unmarshal([]byte(text), &login) != nil:
		return "", "", errors.New("asm fetching authorization data: unable to unmarshal secret value, invalid schema")
	case login.Username == "":
		return "", "", errors.New("asm fetching username: AuthorizationData is malformed, empty field")
	case login.Password == "":
		return "", "", errors.New("asm fetching password: AuthorizationData is malformed, empty field")
	}
	return login.Username, login.Password, nil
}
