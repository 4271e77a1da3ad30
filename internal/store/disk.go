package store

import (
	"fmt"
	"sync"
	"syscall"
	"time"
)

const (
	defaultMinFree = 128 << 20
	diskInterval   = 200 * time.Millisecond // how old an answer about the disk may be
)

// disk knows whether there is room for another write: etcd does not survive a full disk, so writing must end before.
type disk struct {
	dir     string
	minimum uint64
	free    func(dir string) (uint64, error)
	every   time.Duration

	mu      sync.Mutex
	checked time.Time
	err     error
}

// freeBytes is what an ordinary process may still write to the file system of dir.
func freeBytes(dir string) (uint64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("ask for free space of %s: %w", dir, err)
	}
	return st.Bavail * uint64(st.Bsize), nil
}

// roomToStart refuses a disk on which etcd could not even begin, for it would die of that.
func (d *disk) roomToStart() error {
	const least = 3 * segmentBytes
	free, err := d.free(d.dir)
	if err == nil && free < least {
		return fmt.Errorf("%w: %d MiB free in %s, %d MiB needed to start", ErrNoSpace, free>>20, d.dir, least>>20)
	}
	return err
}

// room returns an [ErrNoSpace] while the disk has too little. A nil disk, that of an external etcd, has room.
func (d *disk) room() error {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Since(d.checked) < d.every {
		return d.err
	}
	free, err := d.free(d.dir)
	d.checked, d.err = time.Now(), err
	if err == nil && free < d.minimum {
		d.err = fmt.Errorf("%w: %d MiB free in %s, %d MiB needed", ErrNoSpace, free>>20, d.dir, d.minimum>>20)
	}
	return d.err
}
