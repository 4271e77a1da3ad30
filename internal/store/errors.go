package store

import "errors"

// Errors that callers branch on; they come wrapped with what happened.
var (
	// ErrNoSpace: the disk under the data directory, or etcd's quota, is used up. Nothing was written.
	ErrNoSpace = errors.New("no space left for the store")
	// ErrClosed: the store or the watcher is closed.
	ErrClosed = errors.New("store is closed")
	// ErrConflict: the guarded keys kept changing through all attempts. Nothing was written.
	ErrConflict = errors.New("too many conflicting changes")
	// ErrUnavailable: etcd did not answer. Whether a write happened is unknown unless the text says otherwise.
	ErrUnavailable = errors.New("store is unavailable")
	// ErrTooLarge: the transaction has more operations or bytes than etcd takes. Nothing was written.
	ErrTooLarge = errors.New("transaction is too large")
	// ErrLocked: another process uses the data directory.
	ErrLocked = errors.New("data directory is in use")
	// ErrSchema: the database was written by a newer version.
	ErrSchema = errors.New("store has a newer schema")
)
