// Package iam is the room of accounts, access keys, roles and policies: who
// exists, with which secret they sign, and who may become whom.
//
// It owns the accounts, their keys and the root key that the first start makes
// and leaves in the data directory, readable by its owner alone; the roles with
// their trust policies, inline policies and tags, the managed policies of the
// accounts and those that AWS has ready, instance profiles and service-linked
// roles; and the sessions of roles and keys. IAM is one for all regions: records
// are an account's, and no region is in their keys.
//
// It promises that an account or a key that was handed out is in the store before
// it is answered, that looking up a key is one read of the store's snapshot, and
// that asking twice for the same thing (the root key, an instance's key) gives the
// same thing. What a long-lived key may do is a list of action patterns that the
// room only keeps; package authz decides by it. What a session of a role may do is
// read from the role's policies at each request ([Rights]).
//
// Sessions are in no store. A session's token holds what it stands for ([Grant]),
// sealed with a secret that is one record of the installation; its secret access
// key is derived from the token. So any server of the store accepts a session that
// any other made, handing out a session is as cheap as a read, and a session ends
// at its time, or when its role is deleted: deleting a role, or a policy that
// denies by aws:TokenIssueTime, is how sessions are revoked.
//
// It leaves out users and groups.
package iam
