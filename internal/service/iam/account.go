package iam

import (
	"context"
	"fmt"
	"time"

	"github.com/slipway/slipway/internal/arn"
	"github.com/slipway/slipway/internal/store"
)

// Account is a customer of its own: no other account sees anything of it.
type Account struct {
	ID        string    `json:"id"` // 12 digits, the first not 0
	CreatedAt time.Time `json:"createdAt"`
}

// Key is the account's store key.
func (a *Account) Key() string { return store.Key(a.ID, global) }

// RootARN is the principal of an account's root key.
func RootARN(account string) string { return arn.New("iam", "", account, "root").String() }

// CreateAccount makes an empty account and a root key for it. The key's secret
// can be read again only through the store, so the caller must show it.
func (r *Room) CreateAccount(ctx context.Context) (Account, AccessKey, error) {
	var a Account
	var k AccessKey
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		a, k = newAccount(tx)
		return nil
	})
	if err != nil {
		return Account{}, AccessKey{}, fmt.Errorf("create account: %w", err)
	}
	return a, k, nil
}

// Accounts returns all accounts in the order of their ids.
func (r *Room) Accounts() []Account {
	var all []Account
	for a := range Accounts.List(r.st.Snapshot(), "") {
		all = append(all, *a)
	}
	return all
}

// newAccount puts a fresh account with its root key.
func newAccount(tx *store.Tx) (Account, AccessKey) {
	a := Account{ID: newAccountID(), CreatedAt: time.Now().UTC()}
	for {
		if _, taken := Accounts.Get(tx, a.Key()); !taken {
			break
		}
		a.ID = newAccountID()
	}
	k := newKey(a.ID, RootARN(a.ID), a.ID, []string{"*"})
	Accounts.Put(tx, &a)
	Keys.Put(tx, &k)
	return a, k
}
