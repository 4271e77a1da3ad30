// Package policy owns the language of AWS's policies: it reads and refuses
// documents ([Parse]) and decides by them ([Document.Decide]).
//
// It is pure: what a request is about, and who asks, comes in a [Request], and
// nothing is looked up but what that offers. It promises that what no statement
// allows is not allowed, that a statement which denies wins over all that allow,
// and that a document with anything in it that it does not understand is refused
// when it is read, so that no restriction is ever passed over.
//
// It follows the IAM user guide: "Policy evaluation logic", "IAM JSON policy
// elements reference" and "Condition operators". It knows no roles, keys or
// services; package authz brings those together.
package policy
