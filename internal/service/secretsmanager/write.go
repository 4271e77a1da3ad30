package secretsmanager

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"slices"

	"github.com/google/uuid"

	"github.com/slipway/slipway/internal/store"
)

const (
	suffixLength  = 6
	suffixLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

func newSuffix() string {
	b := make([]byte, suffixLength)
	for i := range b {
		b[i] = suffixLetters[randomBelow(len(suffixLetters))]
	}
	return string(b)
}

// randomBelow is an unpredictable number from 0 to n-1.
func randomBelow(n int) int {
	i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic(err) // the system's source of randomness never fails: see rand.Read
	}
	return int(i.Int64())
}

// Create makes a secret of the wanted name, description, key, type and tags, with a first version if there is a value.
// token becomes the version's id; the same token and value again give the secret that they made.
func (r *Room) Create(ctx context.Context, want Secret, v Value, token string) (*Secret, string, error) {
	if token == "" {
		token = uuid.NewString()
	}
	id := token
	if v.empty() {
		id = ""
	}
	var made *Secret
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		if before := byName(tx, want.Scope, want.Name); before != nil {
			switch same, err := r.repeated(tx, before, v, token); {
			case err != nil:
				return err
			case same:
				made = before
				return nil
			case r.ended(before):
				r.remove(tx, before)
			case before.Deleted():
				return refuse(InvalidRequest, "You can't create this secret because a secret with this name is already scheduled for deletion.")
			default:
				return refuse(Exists, "The operation failed because the secret %s already exists.", want.Name)
			}
		}
		made = want.clone()
		made.Suffix, made.CreatedAt = newSuffix(), r.now()
		made.ChangedAt = made.CreatedAt
		if !v.empty() {
			r.add(tx, made, v, token, []string{StageCurrent})
		}
		Secrets.Put(tx, made)
		return nil
	})
	if err != nil {
		return nil, "", fmt.Errorf("create secret: %w", err)
	}
	return made, id, nil
}

// repeated tells whether a request token has already made this very version.
func (r *Room) repeated(reader store.Reader, secret *Secret, v Value, token string) (bool, error) {
	if v.empty() || secret.Deleted() || secret.version(token) == nil {
		return false, nil
	}
	before, err := r.open(reader, secret, token)
	return err == nil && before.equal(v), err
}

// add puts a version into a secret that may be changed.
func (r *Room) add(tx *store.Tx, secret *Secret, v Value, id string, stages []string) {
	secret.Versions = append(secret.Versions, Version{ID: id, CreatedAt: r.now()})
	for _, stage := range stages {
		secret.attach(stage, id)
	}
	versions.Put(tx, r.seal(secret, id, v))
	for _, gone := range secret.drop() {
		versions.Delete(tx, (&sealedVersion{Scope: secret.Scope, Name: secret.Name, Suffix: secret.Suffix, ID: gone}).Key())
	}
}

// Put adds a version with the stages, AWSCURRENT if there are none. The first version of a secret is current in any
// case. token is its id; the same token and value again change nothing.
func (r *Room) Put(ctx context.Context, s Scope, id string, v Value, token string, stages []string) (*Secret, *Version, error) {
	if v.empty() {
		return nil, nil, refuse(InvalidRequest, "You must provide either SecretString or SecretBinary.")
	}
	if token == "" {
		token = uuid.NewString()
	}
	if len(stages) == 0 {
		stages = []string{StageCurrent}
	}
	secret, err := r.changeLive(ctx, s, id, func(tx *store.Tx, secret *Secret) error {
		return r.put(tx, secret, v, token, stages)
	})
	if err != nil {
		return nil, nil, err
	}
	return secret, secret.version(token), nil
}

func (r *Room) put(tx *store.Tx, secret *Secret, v Value, token string, stages []string) error {
	if secret.version(token) != nil {
		same, err := r.repeated(tx, secret, v, token)
		if err == nil && !same {
			err = refuse(Exists, "You can't use ClientRequestToken %s because that value is already in use for a version of secret %s.", token, secret.ARN())
		}
		return err
	}
	if secret.Staged(StageCurrent) == nil && !slices.Contains(stages, StageCurrent) {
		stages = append([]string{StageCurrent}, stages...)
	}
	r.add(tx, secret, v, token, stages)
	secret.ChangedAt = r.now()
	return nil
}

// Update changes what is not nil of a secret and, with a value, adds a version that becomes current.
func (r *Room) Update(ctx context.Context, s Scope, id string, edit func(*Secret), v Value, token string) (*Secret, string, error) {
	if token == "" {
		token = uuid.NewString()
	}
	version := token
	if v.empty() {
		version = ""
	}
	secret, err := r.changeLive(ctx, s, id, func(tx *store.Tx, secret *Secret) error {
		edit(secret)
		secret.ChangedAt = r.now()
		if v.empty() {
			return nil
		}
		return r.put(tx, secret, v, token, []string{StageCurrent})
	})
	return secret, version, err
}

// Edit lets edit change a copy of a secret that is not deleted, which is then stored. What edit returns is returned,
// and then nothing is stored.
func (r *Room) Edit(ctx context.Context, s Scope, id string, edit func(*Secret) error) (*Secret, error) {
	return r.changeLive(ctx, s, id, func(_ *store.Tx, secret *Secret) error { return edit(secret) })
}

func (r *Room) changeLive(ctx context.Context, s Scope, id string, change func(*store.Tx, *Secret) error) (*Secret, error) {
	return r.change(ctx, s, id, func(tx *store.Tx, secret *Secret) error {
		if secret.Deleted() {
			return refuse(InvalidRequest, "You can't perform this operation on the secret because it was marked for deletion.")
		}
		return change(tx, secret)
	})
}

func (r *Room) change(ctx context.Context, s Scope, id string, change func(*store.Tx, *Secret) error) (*Secret, error) {
	var changed *Secret
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		secret, err := r.find(tx, s, id)
		if err != nil {
			return err
		}
		changed = secret.clone()
		if err := change(tx, changed); err != nil {
			return err
		}
		Secrets.Put(tx, changed)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("change secret: %w", err)
	}
	return changed, nil
}

// MoveStage attaches a stage to the version `to`, and takes it from the version `from`. Either may be empty; a stage
// that is attached elsewhere must be taken from there explicitly.
func (r *Room) MoveStage(ctx context.Context, s Scope, id, stage, from, to string) (*Secret, error) {
	return r.changeLive(ctx, s, id, func(_ *store.Tx, secret *Secret) error {
		for _, version := range []string{from, to} {
			if version != "" && secret.version(version) == nil {
				return refuse(NotFound, "Secrets Manager can't find the specified secret value for VersionId: %s", version)
			}
		}
		at := secret.Staged(stage)
		switch {
		case from == "" && to == "":
			return refuse(InvalidParameter, "You must provide a value for at least one of MoveToVersionId and RemoveFromVersionId.")
		case from != "" && (at == nil || at.ID != from):
			return refuse(InvalidParameter, "The staging label %s is not currently attached to version %s.", stage, from)
		case from == "" && at != nil && at.ID != to:
			return refuse(InvalidParameter, "The parameter RemoveFromVersionId can't be empty. Staging label %s is currently attached to version %s, so you must explicitly reference that version in RemoveFromVersionId.", stage, at.ID)
		case to == "" && stage == StageCurrent:
			return refuse(InvalidParameter, "You can only move staging label %s to a different secret version. It can’t be completely removed.", stage)
		case to == "":
			secret.detach(stage)
		default:
			secret.attach(stage, to)
		}
		secret.ChangedAt = r.now()
		return nil
	})
}
