// Package ssm is the room of AWS Systems Manager's Parameter Store: parameters in hierarchies, their versions and
// labels.
//
// It owns the records; the values of SecureString parameters are in the store only as package seal encrypts them. It
// promises that versions count up from 1 and are never changed, that the newest 100 of them can be read, and that a
// label is on at most one version (AWS Systems Manager User Guide, "Working with parameter versions" and "…labels").
//
// It leaves out parameter policies, parameters shared between accounts and AWS's public parameters. Key ids that users
// name are kept and shown; there is one key.
package ssm
