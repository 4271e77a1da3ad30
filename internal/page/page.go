// Package page owns pagination tokens: opaque strings that say where the next
// page starts.
//
// A token is bound to a scope (operation, account, region, parent, filters): it
// decodes under the scope that made it and under no other, so a token can
// neither be carried to another list nor be edited. The binding is a checksum,
// not a secret. Tokens hold no state on the server and never expire; a token
// whose last item has gone continues with the item that would have followed it.
package page

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
)

// ErrToken is what Decode returns for a token that it did not make for that
// scope. AWS answers it with InvalidParameterException.
var ErrToken = errors.New("invalid pagination token")

const (
	version = 1
	sumLen  = 12
	maxLen  = 4096 // a sort key is far shorter; refuse to decode megabytes
)

// Scope joins the parts that a token is bound to. Parts may hold any bytes:
// ("a", "bc") and ("ab", "c") differ.
func Scope(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(p, `\`, `\\`), "\x00", `\0`))
		b.WriteByte(0)
	}
	return b.String()
}

// Encode returns the token with which the page after the item with sort key
// after starts.
func Encode(scope, after string) string {
	s := sum(scope, after)
	raw := make([]byte, 0, 1+sumLen+len(after))
	raw = append(raw, version)
	raw = append(raw, s[:sumLen]...)
	raw = append(raw, after...)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// Decode returns the sort key of the last item of the page before. An empty
// token is the first page and yields "".
func Decode(scope, token string) (after string, err error) {
	if token == "" {
		return "", nil
	}
	if len(token) > maxLen {
		return "", ErrToken
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) < 1+sumLen || raw[0] != version {
		return "", ErrToken
	}
	after = string(raw[1+sumLen:])
	s := sum(scope, after)
	if string(s[:sumLen]) != string(raw[1:1+sumLen]) {
		return "", ErrToken
	}
	return after, nil
}

// Cut returns the page of at most size items that a token asks for, and the token
// of the page after, "" if nothing is left. all is in the order of key. Its only
// error is ErrToken.
func Cut[T any](all []T, key func(T) string, scope, token string, size int) (list []T, next string, err error) {
	after, err := Decode(scope, token)
	if err != nil {
		return nil, "", err
	}
	for _, item := range all {
		if key(item) <= after {
			continue
		}
		if len(list) == size {
			return list, Encode(scope, key(list[size-1])), nil
		}
		list = append(list, item)
	}
	return list, "", nil
}

func sum(scope, after string) [sha256.Size]byte {
	return sha256.Sum256([]byte(Scope(scope, after)))
}
