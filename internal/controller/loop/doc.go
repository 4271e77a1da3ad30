// Package loop is the runtime of the controllers: it keeps calling a reconciler
// with the keys of what may have changed.
//
// A [Loop] has a source, which names keys (from a watch on the store), and a
// reconciler, which looks at the newest state under one key and does what is to
// be done. A key says only where to look, never what happened, so keys may be
// merged, repeated or come too often, and a reconciler that fails is simply
// called again.
//
// # Promises
//
//   - One key is never reconciled twice at the same time, and a key that was added
//     during its reconciliation is reconciled again.
//   - A key that failed is tried again after a wait that doubles; what else happens
//     to it shortens the wait, and a success ends it.
//   - A key that is added all the time takes at most a fifth of one worker: after
//     each reconciliation it rests four times as long as that took, 100 ms at most.
//   - Run returns when its context ends, and not before everything it started has
//     ended.
package loop
