package iam

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/slipway/slipway/internal/store"
)

// secret is what the tokens of all sessions are sealed with: one record of the
// installation, made at the first session and shared by all servers.
type secret struct {
	Key32 []byte `json:"key"` // 32 random bytes
}

func (*secret) Key() string { return store.Key("session", global) }

// secret returns the installation's secret, and makes it at the first call.
func (r *Room) secret(ctx context.Context) ([]byte, error) {
	if s, ok := secrets.Get(r.st.Snapshot(), (*secret)(nil).Key()); ok {
		return s.Key32, nil
	}
	var key []byte
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		if s, ok := secrets.Get(tx, (*secret)(nil).Key()); ok {
			key = s.Key32
			return nil
		}
		key = random(32)
		secrets.Put(tx, &secret{Key32: key})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("make session secret: %w", err)
	}
	return key, nil
}

// errToken is a token that this installation did not make for the key.
var errToken = errors.New("not a token of this key")

const (
	tokenVersion = 1
	sealKeyInfo  = "slipway session token 1"
	signKeyInfo  = "slipway session secret 1"
	maxToken     = 16 << 10 // bytes of text; none that we make comes near
)

// seal makes a token of g that goes with the access key id alone: a version, a
// nonce, and g under AES-256-GCM with a key of its own. That each access key id
// has its own key keeps the nonces far from repeating, however many sessions
// there are.
func seal(key []byte, accessKeyID string, g *Grant) (string, error) {
	plain, err := json.Marshal(g)
	if err != nil {
		return "", err
	}
	aead, err := sealer(key, accessKeyID)
	if err != nil {
		return "", err
	}
	head := append([]byte{tokenVersion}, random(aead.NonceSize())...)
	return base64.StdEncoding.EncodeToString(aead.Seal(head, head[1:], plain, head[:1])), nil
}

// unseal reads a token that seal made for the access key id. Its only error is
// errToken.
func unseal(key []byte, accessKeyID, token string) (*Grant, error) {
	if len(token) > maxToken {
		return nil, errToken
	}
	aead, err := sealer(key, accessKeyID)
	if err != nil {
		return nil, errToken
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) < 1+aead.NonceSize() || raw[0] != tokenVersion {
		return nil, errToken
	}
	nonce, sealed := raw[1:1+aead.NonceSize()], raw[1+aead.NonceSize():]
	plain, err := aead.Open(nil, nonce, sealed, raw[:1])
	if err != nil {
		return nil, errToken
	}
	g := new(Grant)
	if err := json.Unmarshal(plain, g); err != nil {
		return nil, errToken
	}
	return g, nil
}

func sealer(key []byte, accessKeyID string) (cipher.AEAD, error) {
	derived, err := hkdf.Key(sha256.New, key, []byte(accessKeyID), sealKeyInfo, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// secretOf derives the secret access key that goes with a token: 40 characters
// of base64.
func secretOf(key []byte, accessKeyID, token string) (string, error) {
	raw, err := hkdf.Key(sha256.New, key, []byte(accessKeyID+" "+token), signKeyInfo, 30)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(raw), nil
}
