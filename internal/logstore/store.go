package logstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// What bounds the memory of a store, in bytes, and its open files.
const (
	cacheSize    = 8 << 20
	memTableSize = 16 << 20
	openFiles    = 256
)

// Errors that callers branch on.
var (
	// ErrNoSpace: the disk is nearly full. Nothing was written.
	ErrNoSpace = errors.New("no space left for log events")
	// ErrClosed: the store is closed.
	ErrClosed = errors.New("log store is closed")
)

// Store is one directory of log events. It is safe for concurrent use.
type Store struct {
	db   *pebble.DB
	fs   vfs.FS
	dir  string
	dead *fatal

	sequence sequence
	space    space

	uses   sync.WaitGroup // calls that run; they nest
	mu     sync.Mutex
	closed bool
}

// Open opens the events in dir, which it makes if need be.
func Open(dir string, log *slog.Logger) (*Store, error) {
	return open(dir, vfs.Default, log)
}

func open(dir string, fs vfs.FS, log *slog.Logger) (*Store, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Store{fs: fs, dir: dir, dead: &fatal{log: log}}
	db, err := pebble.Open(dir, s.options())
	if err != nil {
		return nil, fmt.Errorf("open log events in %s: %w", dir, err)
	}
	s.db = db
	if err := s.sequence.load(db); err != nil {
		return nil, errors.Join(fmt.Errorf("open log events in %s: %w", dir, err), db.Close())
	}
	return s, nil
}

func (s *Store) options() *pebble.Options {
	o := &pebble.Options{
		FS:                          s.fs,
		Logger:                      s.dead,
		CacheSize:                   cacheSize,
		MemTableSize:                memTableSize,
		MemTableStopWritesThreshold: 4,
		MaxOpenFiles:                openFiles,
		FormatMajorVersion:          pebble.FormatNewest,
		Merger:                      latestMerger,
	}
	for i := range o.Levels {
		o.Levels[i].BlockSize = 16 << 10 // events are read in runs
	}
	return o
}

// Close ends the store when the calls that run have returned. What was appended
// is on disk already.
func (s *Store) Close() error {
	s.mu.Lock()
	was := s.closed
	s.closed = true
	s.mu.Unlock()
	s.uses.Wait()
	if was {
		return nil
	}
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close log events: %w", err)
	}
	return nil
}

// enter begins a use of the database; leave ends it.
func (s *Store) enter() (leave func(), err error) {
	if err := s.dead.err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	s.uses.Add(1)
	return s.uses.Done, nil
}

// sequence gives out numbers that no event has, in this process and after it.
type sequence struct {
	next, reserved atomic.Uint64
	mu             sync.Mutex // held to reserve
}

// block is how many numbers are reserved on disk at a time.
const block = 1 << 20

var sequenceKey = []byte{kindMeta}

func (q *sequence) load(db *pebble.DB) error {
	v, closer, err := db.Get(sequenceKey)
	if errors.Is(err, pebble.ErrNotFound) {
		q.next.Store(1)
		return nil
	}
	if err != nil {
		return err
	}
	defer closer.Close()
	q.next.Store(binary.BigEndian.Uint64(v))
	q.reserved.Store(binary.BigEndian.Uint64(v))
	return nil
}

// take returns the first of n numbers in a row.
func (q *sequence) take(db *pebble.DB, n int) (uint64, error) {
	first := q.next.Add(uint64(n)) - uint64(n)
	end := first + uint64(n)
	if end <= q.reserved.Load() {
		return first, nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if end <= q.reserved.Load() {
		return first, nil
	}
	upTo := end + block
	if err := db.Set(sequenceKey, binary.BigEndian.AppendUint64(nil, upTo), pebble.Sync); err != nil {
		return 0, fmt.Errorf("reserve sequence numbers: %w", err)
	}
	q.reserved.Store(upTo)
	return first, nil
}

// What is kept free on the disk, and for how long one look at it counts.
const (
	spare   = 128 << 20
	lookFor = time.Second
)

// space remembers whether there was room on the disk.
type space struct {
	mu     sync.Mutex
	looked time.Time
	full   bool
}

// room fails with ErrNoSpace if the disk is nearly full. A file system that
// does not tell is taken for an empty one.
func (s *Store) room() error {
	s.space.mu.Lock()
	defer s.space.mu.Unlock()
	if now := time.Now(); now.Sub(s.space.looked) >= lookFor {
		usage, err := s.fs.GetDiskUsage(s.dir)
		s.space.looked, s.space.full = now, err == nil && usage.AvailBytes < spare
	}
	if s.space.full {
		return ErrNoSpace
	}
	return nil
}
