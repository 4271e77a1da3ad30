package engine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/agent/journal"
)

// disk is a journal that is durable only after a while, and forgets the rest
// when the agent is killed.
type disk struct {
	m    *machine
	ctx  context.Context // ends with the kill
	work chan func()
	over chan struct{} // closed after the last write
}

func newDisk(ctx context.Context, m *machine) *disk {
	d := &disk{m: m, ctx: ctx, work: make(chan func(), 1000), over: make(chan struct{})}
	go func() {
		defer close(d.over)
		for {
			select {
			case f := <-d.work:
				select {
				case <-time.After(d.lag()):
				case <-ctx.Done():
					return
				}
				f()
			case <-ctx.Done():
				return
			}
		}
	}()
	return d
}

// lag is how long a write takes.
func (d *disk) lag() time.Duration {
	d.m.mu.Lock()
	delay, slow := d.m.delay, d.m.slowDisk
	d.m.mu.Unlock()
	if slow {
		return delay() * 10
	}
	return delay() / 10
}

// Put implements Journal.
func (d *disk) Put(group, key string, value []byte) journal.Wait {
	done := make(chan struct{})
	d.work <- func() {
		d.m.mu.Lock()
		defer d.m.mu.Unlock()
		d.m.writes++
		if d.m.onWrite(d.m.writes) {
			return
		}
		d.m.durable[group+"/"+key] = value
		if value == nil {
			delete(d.m.durable, group+"/"+key)
		}
		close(done)
	}
	return func(ctx context.Context) error {
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-d.ctx.Done():
			return errors.New("killed")
		}
	}
}

// Delete implements Journal.
func (d *disk) Delete(group, key string) journal.Wait { return d.Put(group, key, nil) }

// Each implements Journal.
func (d *disk) Each(group string, visit func(string, []byte) error) error {
	durable := d.m.now().durable
	for _, k := range slices.Sorted(maps.Keys(durable)) {
		if key, ok := strings.CutPrefix(k, group+"/"); ok {
			if err := visit(key, durable[k]); err != nil {
				return err
			}
		}
	}
	return nil
}
