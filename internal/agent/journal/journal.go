// Package journal is the agent's small durable state: what it must not forget
// when it is killed.
//
// It is a map of byte strings in named groups, kept in one bbolt file in the
// agent's data directory. Writes are queued and return at once with a [Wait];
// one writer puts everything that is waiting into a single transaction, so a
// burst of changes costs a handful of disk flushes. A value that was overwritten
// while it waited is never written. Writes become durable in the order in which
// they were made: once one is durable, every earlier one is too.
//
// A full disk loses nothing: the writer keeps what it could not write and tries
// again until it can, and meanwhile nobody's Wait returns. A second process on
// the same file is refused.
package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
)

// ErrClosed is what Wait answers for what was not durable when the journal was
// closed.
var ErrClosed = errors.New("journal is closed")

const (
	lockPatience = 2 * time.Second // a dying predecessor may still hold the lock
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
)

// Journal is safe for concurrent use.
type Journal struct {
	db   *bolt.DB
	log  *slog.Logger
	wake chan struct{} // buffered 1: there is something to write
	stop chan struct{} // closed by Close
	idle chan struct{} // closed when the writer has ended

	mu      sync.Mutex
	pending map[entry][]byte // nil: delete
	next    *commit          // of what is pending
	closed  bool
}

type entry struct{ group, key string }

// Wait returns when a write is on disk, with ctx's error when that ends first,
// or with ErrClosed.
type Wait func(ctx context.Context) error

// commit is one transaction to come.
type commit struct {
	done chan struct{}
	err  error // valid once done is closed
}

func (c *commit) wait(ctx context.Context) error {
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Open opens or makes the journal in the file at path.
func Open(path string, log *slog.Logger) (*Journal, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout:        lockPatience,
		NoFreelistSync: true,
		FreelistType:   bolt.FreelistMapType,
	})
	if err != nil {
		return nil, fmt.Errorf("open journal %s: %w", path, err)
	}
	j := &Journal{
		db: db, log: log,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), idle: make(chan struct{}),
		pending: map[entry][]byte{}, next: newCommit(),
	}
	go j.write()
	return j, nil
}

func newCommit() *commit { return &commit{done: make(chan struct{})} }

// Put sets a value. The journal keeps the slice: do not change it afterwards.
func (j *Journal) Put(group, key string, value []byte) Wait {
	if value == nil {
		value = []byte{}
	}
	return j.enqueue(entry{group, key}, value)
}

// Delete removes a value; one that is not there is no error.
func (j *Journal) Delete(group, key string) Wait {
	return j.enqueue(entry{group, key}, nil)
}

func (j *Journal) enqueue(e entry, value []byte) Wait {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return func(context.Context) error { return ErrClosed }
	}
	j.pending[e] = value
	select {
	case j.wake <- struct{}{}:
	default:
	}
	return j.next.wait
}

// Each calls visit with every durable value of a group, in key order. The value
// is visit's to keep.
func (j *Journal) Each(group string, visit func(key string, value []byte) error) error {
	return j.db.View(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(group))
		if b == nil {
			return nil
		}
		return b.ForEach(func(k, v []byte) error {
			return visit(string(k), append([]byte(nil), v...))
		})
	})
}

// Get returns one durable value, nil if there is none.
func (j *Journal) Get(group, key string) ([]byte, error) {
	var value []byte
	err := j.db.View(func(tx *bolt.Tx) error {
		if b := tx.Bucket([]byte(group)); b != nil {
			if v := b.Get([]byte(key)); v != nil {
				value = append([]byte{}, v...)
			}
		}
		return nil
	})
	return value, err
}

// Close writes what is pending, once, and closes the file.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	j.mu.Unlock()
	close(j.stop)
	<-j.idle
	return j.db.Close()
}
