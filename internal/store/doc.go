// Package store keeps every record of the control plane: typed tables over etcd.
//
// A [Table] names a kind of record, its key and its indexes; it is a package variable of the room that owns the
// records. A [Store] is one etcd, embedded in the process or external, with the tables opened on it.
//
// Reads never reach etcd. They go to a [Snapshot], an immutable indexed view in memory at one revision, or to a [Tx],
// which is the snapshot that an attempt of [Store.Update] began with, under the writes of that attempt. Snapshots are
// free to take and need no closing. The records that reads hand out are shared by everyone: copy one before you
// change it.
//
// # Guarantees
//
//   - Update returns nil only when the commit is on disk (on a majority, for a cluster) and the snapshots of this
//     process contain it: whoever calls Snapshot afterwards reads the write.
//   - A commit happens as a whole or not at all, and only if no key that the function read with Get, wrote or deleted
//     has changed in between. Keys seen by List and By are not guarded, unless under a prefix given to
//     Table.GuardPrefix.
//   - Every snapshot holds all commits up to its revision and none after it. Other processes' commits arrive a moment
//     later, in the order of their revisions.
//   - A [Watcher] starts from a snapshot and then hears of every later change once, in order, merged per key while it
//     is not listening. A slow watcher costs memory bounded by the number of records and delays nobody.
//
// # When etcd does not answer
//
// Reads go on from the last snapshot. A write is retried for a few seconds under guards that let it happen only once,
// then fails with [ErrUnavailable]; whether it happened is then unknown, and the caller should read again before it
// acts. Any other error means that nothing was written. The store finds its way back by itself, even if etcd has
// meanwhile compacted away the history that was missed, or was restored from a backup.
//
// # What it refuses
//
// Writes while the disk is nearly full ([ErrNoSpace], embedded only, because etcd does not survive a full disk), a
// data directory that another process uses, and a database written by a newer version.
//
// A transaction of more than 4096 keys or 16 MiB is refused as well ([ErrTooLarge]). An external etcd has limits of
// its own, by default 128 keys and 1.5 MiB; start it with --max-txn-ops=4096 --max-request-bytes=16777216.
//
// # Layout
//
// Records are JSON objects at <prefix>v1/<table>/<key>. <prefix>schema holds the layout's version, <prefix>lead/ the
// elections. One value of each commit carries a member "_tx", by which a writer whose answer was lost can tell
// whether its commit happened.
package store
