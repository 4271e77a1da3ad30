// Package secretsmanager is the room of AWS Secrets Manager: secrets, their versions and the stages that point at
// versions.
//
// It owns the records; values are in the store only as package seal encrypts them. It promises that a version's value
// never changes, that each stage is attached to at most one version of a secret, that moving AWSCURRENT leaves
// AWSPREVIOUS where it was, and that a secret whose recovery window has not ended can be restored with all of its
// versions (AWS Secrets Manager User Guide, "What's in a secret" and "Delete a secret").
//
// It leaves out replication to other regions and rotation by Lambda functions, which there are none of: whoever
// rotates calls PutSecretValue and UpdateSecretVersionStage, as such a function would. Resource policies are kept and
// shown, not evaluated.
package secretsmanager
