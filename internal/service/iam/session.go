package iam

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"time"

	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/tag"
)

// Session is a set of credentials that end by themselves.
type Session struct {
	RoleARN         string // "" for a session of a key
	AccessKeyID     string // ASIA and 16 of A-Z2-7
	SecretAccessKey string // 40 characters of base64
	Token           string // base64, below 2 KB unless it carries policies
	Expires         time.Time
}

// Grant is what a session's token says. No store knows of sessions: whoever
// holds the installation's secret reads them from their tokens.
type Grant struct {
	RoleID   string    `json:"r,omitempty"` // AROA…; "" for a session of a key
	KeyID    string    `json:"k,omitempty"` // of the long-lived key whose session it is
	Name     string    `json:"n,omitempty"` // session name
	Issued   time.Time `json:"i"`
	Expires  time.Time `json:"e"`
	Policies []string  `json:"p,omitempty"` // session policies, as documents: what they all allow, at most
	Managed  []string  `json:"m,omitempty"` // ARNs of managed policies that do the same
	Tags     []tag.Tag `json:"t,omitempty"` // session tags
}

// Restricted tells whether the session may do less than whom it stands for.
func (g *Grant) Restricted() bool { return len(g.Policies)+len(g.Managed) > 0 }

// issue makes the credentials of a grant. It writes nothing, but for the
// installation's secret at the very first.
func (r *Room) issue(ctx context.Context, g *Grant) (Session, error) {
	key, err := r.secret(ctx)
	if err != nil {
		return Session{}, err
	}
	// Whole seconds, as AWS answers them.
	g.Issued, g.Expires = g.Issued.UTC().Truncate(time.Second), g.Expires.UTC().Truncate(time.Second)
	id := sessionKeyID(g)
	token, err := seal(key, id, g)
	if err != nil {
		return Session{}, fmt.Errorf("seal session token: %w", err)
	}
	signing, err := secretOf(key, id, token)
	if err != nil {
		return Session{}, fmt.Errorf("derive session key: %w", err)
	}
	return Session{AccessKeyID: id, SecretAccessKey: signing, Token: token, Expires: g.Expires}, nil
}

const sessionPrefix = "ASIA"

// holderSize is how many of the ten bytes of a session's access key id tell
// whose session it is. Those who know a caller by the key id alone (the
// registry, whose logins outlive requests) find the holder by them.
const holderSize = 6

// sessionKeyID returns the access key id of a session. That of a restricted
// session leads to nobody, so that it cannot be taken for all of its holder.
func sessionKeyID(g *Grant) string {
	raw := random(10)
	if !g.Restricted() {
		copy(raw, holderDigest(g.RoleID+g.KeyID))
	}
	return sessionPrefix + base32.StdEncoding.EncodeToString(raw)
}

// holder is the value of the index by which a role or a key is found from the
// access key id of its sessions.
func holder(id string) string { return base32.HexEncoding.EncodeToString(holderDigest(id)) }

func holderDigest(id string) []byte {
	sum := sha256.Sum256([]byte(id))
	return sum[:holderSize]
}

// holderOf returns the holder in a session's access key id.
func holderOf(accessKeyID string) (string, bool) {
	if len(accessKeyID) != len(sessionPrefix)+16 || accessKeyID[:len(sessionPrefix)] != sessionPrefix {
		return "", false
	}
	raw, err := base32.StdEncoding.DecodeString(accessKeyID[len(sessionPrefix):])
	if err != nil {
		return "", false
	}
	return base32.HexEncoding.EncodeToString(raw[:holderSize]), true
}

// Holder returns the role, or the long-lived key, whose session has the access
// key id; neither if there is none. It is only for callers that were told the id
// by someone who had verified it: nothing here proves that the session was ever
// issued, or how long it lasts.
func (r *Room) Holder(accessKeyID string) (*Role, *AccessKey) {
	of, ok := holderOf(accessKeyID)
	if !ok {
		return nil, nil
	}
	snap := r.st.Snapshot()
	if Roles.Count(snap, indexHolder, of)+Keys.Count(snap, indexHolder, of) != 1 {
		return nil, nil // nobody, or two that cannot be told apart
	}
	for role := range Roles.By(snap, indexHolder, of) {
		return role, nil
	}
	for key := range Keys.By(snap, indexHolder, of) {
		return nil, key
	}
	return nil, nil
}

// Open reads the session whose access key id and token a request carries: the
// credentials, as they were issued, and what they say. It is false if the token
// was not made here for that id, or if the role or key is no longer there. An
// expired session is returned like any other.
func (r *Room) Open(accessKeyID, token string) (Opened, bool) {
	snap := r.st.Snapshot()
	s, ok := secrets.Get(snap, (*secret)(nil).Key())
	if !ok {
		return Opened{}, false
	}
	g, err := unseal(s.Key32, accessKeyID, token)
	if err != nil {
		return Opened{}, false
	}
	o := Opened{Grant: g}
	if o.Secret, err = secretOf(s.Key32, accessKeyID, token); err != nil {
		return Opened{}, false
	}
	return o, o.identify(snap)
}

// Opened is a session as its token tells.
type Opened struct {
	*Grant
	Secret    string
	Account   string
	Principal string   // ARN of whom the session stands for
	UserID    string   // AROA…:session, or the account for a session of a root key
	Allow     []string // action patterns, of a session of a key
}

// identify adds what the holder's record says.
func (o *Opened) identify(rd store.Reader) bool {
	if o.RoleID == "" {
		for k := range Keys.By(rd, indexID, o.KeyID) {
			o.Account, o.Principal, o.UserID, o.Allow = k.Account, k.Principal, k.UserID, k.Allow
			return true
		}
		return false
	}
	role, ok := roleByID(rd, o.RoleID)
	if !ok {
		return false
	}
	o.Account, o.Principal, o.UserID = role.Account, role.sessionARN(o.Name), role.ID+":"+o.Name
	return true
}
