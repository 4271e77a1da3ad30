package runtime

import (
	"context"
	"sync"

	"github.com/slipway/slipway/internal/agent/cgroup"
)

// keyed is a lock per key.
type keyed struct {
	mu    sync.Mutex
	locks map[string]*keyLock
}

type keyLock struct {
	slot  chan struct{}
	users int
}

// lock waits for the key; unlock is never nil when err is.
func (k *keyed) lock(ctx context.Context, key string) (unlock func(), err error) {
	k.mu.Lock()
	if k.locks == nil {
		k.locks = map[string]*keyLock{}
	}
	l := k.locks[key]
	if l == nil {
		l = &keyLock{slot: make(chan struct{}, 1)}
		k.locks[key] = l
	}
	l.users++
	k.mu.Unlock()

	drop := func() {
		k.mu.Lock()
		if l.users--; l.users == 0 {
			delete(k.locks, key)
		}
		k.mu.Unlock()
	}
	select {
	case l.slot <- struct{}{}:
		return func() { <-l.slot; drop() }, nil
	case <-ctx.Done():
		drop()
		return nil, ctx.Err()
	}
}

// parents keeps the deletion of a task's empty cgroup from hitting a container
// that is just being created in it.
type parents struct {
	mu       sync.Mutex
	creating map[string]int
}

func (p *parents) enter(path string) (leave func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.creating == nil {
		p.creating = map[string]int{}
	}
	p.creating[path]++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.creating[path]--; p.creating[path] == 0 {
			delete(p.creating, path)
		}
	}
}

func (p *parents) deleteEmpty(fs *cgroup.FS, path string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.creating[path] > 0 {
		return nil
	}
	return fs.DeleteEmpty(path)
}
