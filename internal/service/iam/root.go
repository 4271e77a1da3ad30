package iam

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/slipway/slipway/internal/store"
)

// CredentialsFile is the name of the root key's file in the data directory.
const CredentialsFile = "credentials.json"

// Credentials is what is in the root key's file, and what a new account's owner
// is told.
type Credentials struct {
	AccountID       string `json:"accountId"`
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
}

// Credentials returns the part of the key that its owner needs.
func (k *AccessKey) Credentials() Credentials {
	return Credentials{AccountID: k.Account, AccessKeyID: k.ID, SecretAccessKey: k.Secret}
}

// root says which account is the installation's own. There is one record.
type root struct {
	Account string `json:"account"`
	KeyID   string `json:"keyId"`
}

func (*root) Key() string { return store.Key("root", global) }

// EnsureRoot makes the installation's own account and its root key at the first
// start, and at each start sees to it that the data directory's credentials file
// holds them. Of several servers on one store the first makes the account.
func (r *Room) EnsureRoot(ctx context.Context, dataDir string) (AccessKey, error) {
	key, err := r.rootKey(ctx)
	if err != nil {
		return AccessKey{}, fmt.Errorf("make root account: %w", err)
	}
	if err := writeCredentials(dataDir, key.Credentials()); err != nil {
		return AccessKey{}, fmt.Errorf("write root key: %w", err)
	}
	return key, nil
}

func (r *Room) rootKey(ctx context.Context) (AccessKey, error) {
	var key AccessKey
	made := false
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		made = false
		if known, ok := roots.Get(tx, (*root)(nil).Key()); ok {
			k, ok := Keys.Get(tx, store.Key(known.Account, global, "key", known.KeyID))
			if !ok {
				return fmt.Errorf("key %s of account %s is not in the store", known.KeyID, known.Account)
			}
			key = *k
			return nil
		}
		_, key = newAccount(tx)
		roots.Put(tx, &root{Account: key.Account, KeyID: key.ID})
		made = true
		return nil
	})
	if err == nil && made {
		r.log.Info("root account made", "account", key.Account)
	}
	return key, err
}

// ReadCredentials reads the root key's file of a data directory.
func ReadCredentials(dataDir string) (Credentials, error) {
	b, err := os.ReadFile(filepath.Join(dataDir, CredentialsFile))
	if err != nil {
		return Credentials{}, err
	}
	var c Credentials
	if err := json.Unmarshal(b, &c); err != nil {
		return Credentials{}, fmt.Errorf("read %s: %w", CredentialsFile, err)
	}
	return c, nil
}

// writeCredentials replaces the file in one step, so that a reader, or a crash,
// meets the old content or the new one. A file that is right already, its mode
// included, is left alone.
func writeCredentials(dir string, c Credentials) error {
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	b = append(b, '\n')
	path := filepath.Join(dir, CredentialsFile)
	if held, err := privateContent(path); err != nil || bytes.Equal(held, b) {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, CredentialsFile+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone by then, unless something failed
	_, err = tmp.Write(b)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// privateContent reads a file that only its owner can read; any other is taken
// for absent, to be replaced.
func privateContent(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().Perm() != 0o600 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
