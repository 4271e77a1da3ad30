package engine

import (
	"container/heap"
	"context"
	"sync"
)

// gate bounds how many containers are made at a time. Whoever waits is let in by
// the order in which the tasks were accepted, not by the order of asking: the
// last step of an early task goes before the first step of a late one.
//
// After a pause half of the slots are open, and every container that was started
// opens one more: so the first of a burst does not share its cores with as many
// others, and soon enough are under way to fill the time in which one waits for
// the disk or the kernel.
type gate struct {
	mu    sync.Mutex
	max   int
	open  int // slots, now
	used  int
	queue waiters
	calls uint64
}

func newGate(n int) *gate {
	g := &gate{max: n}
	g.narrow()
	return g
}

func (g *gate) narrow() { g.open = (g.max + 1) / 2 }

type waiter struct {
	seq, call uint64
	ready     chan struct{}
	index     int // in the heap; -1 once let in
}

// enter waits for a slot; leave must be called once if the error is nil.
func (g *gate) enter(ctx context.Context, seq uint64) error {
	g.mu.Lock()
	if g.used < g.open {
		g.used++
		g.mu.Unlock()
		return nil
	}
	g.calls++
	w := &waiter{seq: seq, call: g.calls, ready: make(chan struct{})}
	heap.Push(&g.queue, w)
	g.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if w.index < 0 { // let in at the same moment
		g.release()
	} else {
		heap.Remove(&g.queue, w.index)
	}
	return ctx.Err()
}

// leave gives the slot back.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.release()
}

// widen opens a slot more: a container was started.
func (g *gate) widen() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = min(g.open+1, g.max)
	g.admit()
}

// release gives one slot up; g.mu is held.
func (g *gate) release() {
	g.used--
	g.admit()
	if g.used == 0 {
		g.narrow()
	}
}

// admit lets in the first in line while slots are open; g.mu is held.
func (g *gate) admit() {
	for len(g.queue) > 0 && g.used < g.open {
		g.used++
		close(heap.Pop(&g.queue).(*waiter).ready)
	}
}

// waiters is a heap by task, then by time of asking.
type waiters []*waiter

// Len is for container/heap.
func (q waiters) Len() int { return len(q) }

// Less is for container/heap.
func (q waiters) Less(i, j int) bool {
	if q[i].seq != q[j].seq {
		return q[i].seq < q[j].seq
	}
	return q[i].call < q[j].call
}

// Swap is for container/heap.
func (q waiters) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

// Push is for container/heap.
func (q *waiters) Push(x any) {
	w := x.(*waiter)
	w.index = len(*q)
	*q = append(*q, w)
}

// Pop is for container/heap.
func (q *waiters) Pop() any {
	old := *q
	w := old[len(old)-1]
	*q = old[:len(old)-1]
	w.index = -1
	return w
}
