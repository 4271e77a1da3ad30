// Package registry serves the OCI distribution API at /v2/: what docker push and
// pull, containerd and every other image client speak.
//
// The protocol and the storage of bytes are github.com/distribution/distribution;
// this package is what makes it one registry per account and region. It
// promises that a request is served only with a token of the ecr room and only
// as far as the key behind the token is allowed; that a repository is visible
// only to its own account and region; that what can be pulled is what the ecr
// room knows and nothing else; and that a push is answered only when its bytes
// are on disk and its record is in the store. Names that a client sees, also in
// Location headers, are the names that it used.
//
// It refuses the catalog and the deletion of single layers, as ECR does, and
// tells no client where it keeps its files.
//
// The engine is configured in code alone. It logs through the standard logger of
// logrus, which this package silences for the whole process: what fails is
// logged here, once, with slog.
package registry
