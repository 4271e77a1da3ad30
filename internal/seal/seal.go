// Package seal encrypts what must not lie readable in the store: values of secrets and of secure parameters.
//
// It owns one key, a file in the data directory that only its owner can read, so that a copy of the store alone (a
// backup of etcd, a disk) reveals nothing. It promises that a sealed value opens only with that key and only for the
// purpose that it was sealed for, and that a server with another key than the store's values were sealed with refuses
// to start, instead of failing at the first secret. Several servers on one store share a copy of the file.
//
// It refuses to keep keys per tenant, as AWS KMS does: key ids that users name are kept and shown, and that is all.
package seal

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway/slipway/internal/store"
)

// KeyFile is the name of the key's file in the data directory.
const KeyFile = "seal.key"

// ErrOtherKey says that the store's values were sealed with another key.
var ErrOtherKey = errors.New("the store's secrets were sealed with another key")

// mark is what the store knows of the key.
type mark struct {
	Sum string `json:"sum"` // of the key, to recognise it by
}

func (*mark) Key() string { return "key" }

var marks = store.NewTable(store.Spec[mark]{Name: "seal.keys", Key: (*mark).Key})

// Tables lists the table of the package, for store.Open.
func Tables() []store.AnyTable { return []store.AnyTable{marks} }

// Box seals and opens values. It is safe for concurrent use.
type Box struct{ aead cipher.AEAD }

// Load reads the key from the data directory, or makes it when the store has none yet.
func Load(ctx context.Context, st *store.Store, dataDir string) (*Box, error) {
	path := filepath.Join(dataDir, KeyFile)
	_, known := marks.Get(st.Snapshot(), new(mark).Key())
	key, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if known {
			return nil, fmt.Errorf("%w, and %s is not there: copy it from the server that made the store", ErrOtherKey, path)
		}
		key, err = makeKey(path)
	}
	if err != nil {
		return nil, err
	}
	if err := recognise(ctx, st, key, path); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("use the key in %s: %w", path, err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("use the key in %s: %w", path, err)
	}
	return &Box{aead}, nil
}

// keyBytes is the length of an AES-256 key.
const keyBytes = 32

func readKey(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != keyBytes {
		return nil, fmt.Errorf("read key: %s does not hold %d hexadecimal digits", path, 2*keyBytes)
	}
	return key, nil
}

// makeKey leaves a new key in a file that is complete or not there.
func makeKey(path string) ([]byte, error) {
	key := make([]byte, keyBytes)
	rand.Read(key)                                         // never fails: it ends the program instead
	f, err := os.CreateTemp(filepath.Dir(path), ".seal-*") // readable by its owner alone
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	if err := errors.Join(os.Rename(f.Name(), path), syncDir(filepath.Dir(path))); err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	return key, nil
}

// syncDir makes the names in a directory survive a loss of power.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// recognise holds the key against the store's mark, or leaves it there.
func recognise(ctx context.Context, st *store.Store, key []byte, path string) error {
	digest := sha256.Sum256(append([]byte("slipway seal key\x00"), key...))
	sum := hex.EncodeToString(digest[:])
	return st.Update(ctx, func(tx *store.Tx) error {
		m, ok := marks.Get(tx, new(mark).Key())
		switch {
		case !ok:
			marks.Put(tx, &mark{Sum: sum})
		case m.Sum != sum:
			return fmt.Errorf("%w than the one in %s: copy that file from the server that made the store", ErrOtherKey, path)
		}
		return nil
	})
}

// Seal encrypts a value for a purpose, such as the key of the record that it goes into.
func (b *Box) Seal(value []byte, purpose string) []byte {
	nonce := make([]byte, b.aead.NonceSize(), b.aead.NonceSize()+len(value)+b.aead.Overhead())
	rand.Read(nonce)
	return b.aead.Seal(nonce, nonce, value, []byte(purpose))
}

// Open decrypts what Seal made for the same purpose.
func (b *Box) Open(sealed []byte, purpose string) ([]byte, error) {
	n := b.aead.NonceSize()
	if len(sealed) < n {
		return nil, errors.New("open sealed value: too short")
	}
	value, err := b.aead.Open(nil, sealed[:n], sealed[n:], []byte(purpose))
	if err != nil {
		return nil, fmt.Errorf("open sealed value: %w", err)
	}
	return value, nil
}
