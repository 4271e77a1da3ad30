package secretsmanager

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slipway/slipway/internal/store"
)

// DefaultWindow is the recovery window of a deletion that names none.
const DefaultWindow = 30

// Delete asks for the deletion of a secret after so many days, or with days 0 deletes it now. Asking again does not
// move the date.
func (r *Room) Delete(ctx context.Context, s Scope, id string, days int) (*Secret, error) {
	if days == 0 {
		return r.deleteNow(ctx, s, id)
	}
	return r.change(ctx, s, id, func(_ *store.Tx, secret *Secret) error {
		if secret.Deleted() {
			return refuse(InvalidRequest, "You tried to perform the operation on a secret that's currently marked deleted.")
		}
		secret.DeletedAt = r.now()
		secret.PurgeAt = secret.DeletedAt.Add(time.Duration(days) * 24 * time.Hour)
		return nil
	})
}

func (r *Room) deleteNow(ctx context.Context, s Scope, id string) (*Secret, error) {
	var gone *Secret
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		secret, err := r.find(tx, s, id)
		if err != nil {
			return err
		}
		gone = secret.clone()
		gone.DeletedAt, gone.PurgeAt = r.now(), r.now()
		r.remove(tx, secret)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("delete secret: %w", err)
	}
	return gone, nil
}

// remove deletes a secret and its values.
func (r *Room) remove(tx *store.Tx, secret *Secret) {
	Secrets.Delete(tx, secret.Key())
	for v := range versions.List(tx, secret.Scope.Prefix(secret.Name, secret.Suffix)) {
		versions.Delete(tx, v.Key())
	}
}

// Restore takes a deletion back.
func (r *Room) Restore(ctx context.Context, s Scope, id string) (*Secret, error) {
	return r.change(ctx, s, id, func(_ *store.Tx, secret *Secret) error {
		secret.DeletedAt, secret.PurgeAt = time.Time{}, time.Time{}
		return nil
	})
}

// Purge deletes the secrets of all accounts whose recovery window has ended.
func (r *Room) Purge(ctx context.Context) error {
	var errs []error
	for secret := range Secrets.List(r.st.Snapshot(), "") {
		if !r.ended(secret) {
			continue
		}
		errs = append(errs, r.st.Update(ctx, func(tx *store.Tx) error {
			if now, ok := Secrets.Get(tx, secret.Key()); ok && now.Suffix == secret.Suffix && r.ended(now) {
				r.remove(tx, now)
			}
			return nil
		}))
	}
	return errors.Join(errs...)
}
