package secretsmanager

import (
	"strings"

	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/store"
)

// Find returns the secret that a SecretId names: by its name, its ARN, or the ARN without the suffix. The record is
// shared: read only.
func (r *Room) Find(s Scope, id string) (*Secret, error) { return r.find(r.st.Snapshot(), s, id) }

func (r *Room) find(reader store.Reader, s Scope, id string) (*Secret, error) {
	secret := byID(reader, s, id)
	if secret == nil || r.ended(secret) {
		return nil, errNoSecret
	}
	return secret, nil
}

// ended tells whether the recovery window is over: Run deletes the record a little later.
func (r *Room) ended(secret *Secret) bool {
	return secret.Deleted() && !r.cfg.Now().Before(secret.PurgeAt)
}

func byID(reader store.Reader, s Scope, id string) *Secret {
	if !arn.Is(id) {
		return byName(reader, s, id)
	}
	a, err := arn.Parse(id)
	name, ok := strings.CutPrefix(a.Resource, "secret:")
	if err != nil || !ok || a.Service != "secretsmanager" || a.Account != s.Account || a.Region != s.Region {
		return nil
	}
	// A complete ARN is meant before a partial one of a secret whose name looks like it.
	if cut := len(name) - suffixLength - 1; cut > 0 && name[cut] == '-' {
		if secret := byName(reader, s, name[:cut]); secret != nil && secret.Suffix == name[cut+1:] {
			return secret
		}
	}
	return byName(reader, s, name)
}

func byName(reader store.Reader, s Scope, name string) *Secret {
	secret, _ := Secrets.Get(reader, s.Key(name))
	return secret
}

// All returns the secrets of a scope in the order of their names.
func (r *Room) All(s Scope) []*Secret {
	var all []*Secret
	for secret := range Secrets.List(r.st.Snapshot(), s.Prefix()) {
		if !r.ended(secret) {
			all = append(all, secret)
		}
	}
	return all
}
