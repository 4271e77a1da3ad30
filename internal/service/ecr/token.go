package ecr

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/store"
)

// TokenLife is how long a login lasts (ECR user guide, "Registry
// authentication").
const TokenLife = 12 * time.Hour

// What CheckToken says of tokens that are no good.
var (
	ErrToken        = errors.New("invalid registry token") // not made here, or altered
	ErrTokenExpired = errors.New("registry token has expired")
)

// Login is what a token stands for.
type Login struct {
	Scope
	AccessKeyID string    `json:"key"` // whose permissions it has
	Expires     time.Time `json:"expires"`
}

// uploads is the scope of the secret that is nobody's in particular.
var uploads = Scope{Account: "uploads", Region: "global"}

// UploadSecret returns the key with which the registry signs the state of uploads
// that run. All servers of one store share it, and it outlives them.
func (r *Room) UploadSecret(ctx context.Context) ([]byte, error) { return r.secret(ctx, uploads) }

// secret signs the tokens of one scope.
type secret struct {
	Scope
	Value []byte `json:"value"`
}

func (k *secret) Key() string { return k.Scope.Key() }

// IssueToken returns a password with which the holder of the access key logs in
// to the scope's repositories for the next TokenLife.
func (r *Room) IssueToken(ctx context.Context, s Scope, accessKeyID string) (token string, expires time.Time, err error) {
	key, err := r.secret(ctx, s)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("issue registry token: %w", err)
	}
	login := Login{Scope: s, AccessKeyID: accessKeyID, Expires: time.Now().Add(TokenLife).UTC()}
	claim, err := json.Marshal(login)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("issue registry token: %w", err)
	}
	enc := base64.RawURLEncoding
	return enc.EncodeToString(claim) + "." + enc.EncodeToString(sign(key, claim)), login.Expires, nil
}

// CheckToken returns what a token stands for, or ErrToken, or ErrTokenExpired.
func (r *Room) CheckToken(token string) (Login, error) {
	front, back, _ := strings.Cut(token, ".")
	enc := base64.RawURLEncoding.Strict()
	claim, err1 := enc.DecodeString(front)
	signature, err2 := enc.DecodeString(back)
	var login Login
	if err1 != nil || err2 != nil || json.Unmarshal(claim, &login) != nil {
		return Login{}, ErrToken
	}
	key, ok := secrets.Get(r.st.Snapshot(), login.Scope.Key())
	switch {
	case !ok || !hmac.Equal(signature, sign(key.Value, claim)):
		return Login{}, ErrToken
	case !time.Now().Before(login.Expires):
		return Login{}, ErrTokenExpired
	}
	return login, nil
}

func sign(key, claim []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(claim)
	return mac.Sum(nil)
}

// secret returns the scope's signing key, made at first use.
func (r *Room) secret(ctx context.Context, s Scope) ([]byte, error) {
	if k, ok := secrets.Get(r.st.Snapshot(), s.Key()); ok {
		return k.Value, nil
	}
	var value []byte
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		if k, ok := secrets.Get(tx, s.Key()); ok {
			value = k.Value
			return nil
		}
		value = make([]byte, sha256.Size)
		rand.Read(value) // never fails: it ends the program instead
		secrets.Put(tx, &secret{Scope: s, Value: value})
		return nil
	})
	return value, err
}
