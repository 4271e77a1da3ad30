package secretsmanager

import (
	"context"
	"crypto/subtle"
	"fmt"
	"time"

	"github.com/slipway/slipway/internal/store"
)

// Value is what a version holds: text, or bytes.
type Value struct {
	Text   *string
	Binary []byte
}

func (v Value) empty() bool { return v.Text == nil && v.Binary == nil }

func (v Value) equal(o Value) bool {
	if (v.Text == nil) != (o.Text == nil) {
		return false
	}
	return subtle.ConstantTimeCompare(v.bytes(), o.bytes()) == 1
}

func (v Value) bytes() []byte {
	if v.Text != nil {
		return []byte(*v.Text)
	}
	return v.Binary
}

// sealedVersion is a version's value as it is stored.
type sealedVersion struct {
	Scope
	Name   string `json:"name"`
	Suffix string `json:"suffix"`
	ID     string `json:"id"`
	IsText bool   `json:"isText"`
	Sealed []byte `json:"sealed"`
}

// Key is the record's store key.
func (v *sealedVersion) Key() string { return v.Scope.Key(v.Name, v.Suffix, v.ID) }

func (r *Room) seal(secret *Secret, id string, v Value) *sealedVersion {
	s := &sealedVersion{Scope: secret.Scope, Name: secret.Name, Suffix: secret.Suffix, ID: id, IsText: v.Text != nil}
	s.Sealed = r.cfg.Box.Seal(v.bytes(), s.Key())
	return s
}

func (r *Room) open(reader store.Reader, secret *Secret, id string) (Value, error) {
	key := (&sealedVersion{Scope: secret.Scope, Name: secret.Name, Suffix: secret.Suffix, ID: id}).Key()
	s, ok := versions.Get(reader, key)
	if !ok {
		return Value{}, fmt.Errorf("version %s of secret %s has no value", id, secret.Name)
	}
	b, err := r.cfg.Box.Open(s.Sealed, key)
	if err != nil {
		return Value{}, fmt.Errorf("read version %s of secret %s: %w", id, secret.Name, err)
	}
	if s.IsText {
		return Value{Text: new(string(b))}, nil
	}
	return Value{Binary: b}, nil
}

// Got is a version with its value.
type Got struct {
	Secret  *Secret
	Version Version
	Value   Value
}

// Get returns the value of a version: the one of that id, or to which the stage is attached, AWSCURRENT if neither is
// given. If both are, they must mean the same version.
func (r *Room) Get(ctx context.Context, s Scope, id, versionID, stage string) (Got, error) {
	snap := r.st.Snapshot()
	secret, err := r.find(snap, s, id)
	if err != nil {
		return Got{}, err
	}
	if secret.Deleted() {
		return Got{}, refuse(InvalidRequest, "You can't perform this operation on the secret because it was marked for deletion.")
	}
	version, err := pick(secret, versionID, stage)
	if err != nil {
		return Got{}, err
	}
	value, err := r.open(snap, secret, version.ID)
	if err != nil {
		return Got{}, err
	}
	r.accessed(ctx, secret)
	return Got{secret, *version, value}, nil
}

func pick(secret *Secret, versionID, stage string) (*Version, error) {
	switch {
	case versionID == "":
		if stage == "" {
			stage = StageCurrent
		}
		if v := secret.Staged(stage); v != nil {
			return v, nil
		}
		return nil, refuse(NotFound, "Secrets Manager can't find the specified secret value for staging label: %s", stage)
	case secret.version(versionID) == nil:
		return nil, refuse(NotFound, "Secrets Manager can't find the specified secret value for VersionId: %s", versionID)
	}
	v := secret.version(versionID)
	if stage != "" && secret.Staged(stage) != v {
		return nil, refuse(InvalidRequest, "You provided a VersionStage that is not associated to the provided VersionId.")
	}
	return v, nil
}

// accessed notes the day on which a value was read: AWS cuts LastAccessedDate to days, so that most reads write
// nothing. A failure only leaves the date old.
func (r *Room) accessed(ctx context.Context, secret *Secret) {
	today := r.now().Truncate(24 * time.Hour)
	if !secret.AccessedAt.Before(today) {
		return
	}
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		now, ok := Secrets.Get(tx, secret.Key())
		if !ok || now.Suffix != secret.Suffix {
			return nil
		}
		c := now.clone()
		c.AccessedAt = today
		Secrets.Put(tx, c)
		return nil
	})
	if err != nil {
		r.cfg.Log.Warn("access to a secret not noted", "secret", secret.Name, "error", err)
	}
}
