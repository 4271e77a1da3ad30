package iam

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"math/big"
)

// newAccountID returns 12 random digits, the first not 0.
func newAccountID() string {
	const first, all = 100_000_000_000, 1_000_000_000_000
	n, err := rand.Int(rand.Reader, big.NewInt(all-first))
	if err != nil {
		panic(err) // crypto/rand's reader never fails
	}
	return fmt.Sprintf("%012d", n.Int64()+first)
}

// newKeyID returns an id such as AKIAIOSFODNN7EXAMPLE.
func newKeyID() string {
	return "AKIA" + base32.StdEncoding.EncodeToString(random(10))
}

// newSecret returns 40 characters of base64.
func newSecret() string {
	return base64.StdEncoding.EncodeToString(random(30))
}

// newID returns an id such as AROAIOSFODNN7EXAMPLE2: a prefix that tells the kind,
// and 17 characters.
func newID(prefix string) string {
	return prefix + base32.StdEncoding.EncodeToString(random(11))[:17]
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: it ends the program instead
	return b
}
