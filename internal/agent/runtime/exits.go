package runtime

import (
	"context"
	"sync"
)

// hearer is one listener to exits. Its queue has no bound, so that a slow
// listener holds up nobody and loses nothing.
type hearer struct {
	mu    sync.Mutex
	queue []Exited
	more  chan struct{}
}

func (h *hearer) add(e Exited) {
	h.mu.Lock()
	h.queue = append(h.queue, e)
	h.mu.Unlock()
	select {
	case h.more <- struct{}{}:
	default:
	}
}

func (h *hearer) take() []Exited {
	h.mu.Lock()
	defer h.mu.Unlock()
	q := h.queue
	h.queue = nil
	return q
}

// Exits hears of every exit from now on, until ctx ends; then the channel is
// closed.
func (r *Containerd) Exits(ctx context.Context) <-chan Exited {
	h := &hearer{more: make(chan struct{}, 1)}
	r.mu.Lock()
	r.hearers[h] = struct{}{}
	r.mu.Unlock()
	out := make(chan Exited)
	go func() {
		defer close(out)
		defer func() {
			r.mu.Lock()
			delete(r.hearers, h)
			r.mu.Unlock()
		}()
		for {
			select {
			case <-ctx.Done():
				return
			case <-h.more:
			}
			for _, e := range h.take() {
				select {
				case <-ctx.Done():
					return
				case out <- e:
				}
			}
		}
	}()
	return out
}
