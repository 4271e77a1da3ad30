package ecs

// AccountSetting is one setting of a principal, or, with an empty principal, the
// account's default. AWS's own default holds where neither is stored.
type AccountSetting struct {
	Scope
	Name      string `json:"name"`
	Value     string `json:"value"`
	Principal string `json:"principal,omitzero"` // ARN; "" is the account's default
}

// Key is the setting's store key.
func (s *AccountSetting) Key() string { return s.Scope.Key(s.Name, s.Principal) }
