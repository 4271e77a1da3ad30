// Package iam is the room of accounts and access keys: who exists, and with
// which secret they sign.
//
// It owns the accounts, their keys and the root key that the first start makes
// and leaves in the data directory, readable by its owner alone. It promises
// that an account or a key that was handed out is in the store before it is
// answered, that looking up a key is one read of the store's snapshot, and that
// asking twice for the same thing (the root key, an instance's key) gives the
// same thing. What a key may do is a list of action patterns that the room only
// keeps; package authz decides by it.
//
// It leaves out users, groups, roles and policies.
package iam
