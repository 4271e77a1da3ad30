package engine

import (
	"container/heap"
	"context"
	"sync"
)

// gate bounds how many containers are made at a time. Whoever waits is let in by
// the order in which the tasks were accepted, not by the order of asking: the
// last step of an early task goes before the first step of a late one.
type gate struct {
	mu    sync.Mutex
	free  int
	queue waiters
	calls uint64
}

func newGate(n int) *gate { return &gate{free: n} }

type waiter struct {
	seq, call uint64
	ready     chan struct{}
	index     int // in the heap; -1 once let in
}

// enter waits for a slot; leave must be called once if the error is nil.
func (g *gate) enter(ctx context.Context, seq uint64) error {
	g.mu.Lock()
	if g.free > 0 {
		g.free--
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

// release hands the slot to the first in line; g.mu is held.
func (g *gate) release() {
	if len(g.queue) == 0 {
		g.free++
		return
	}
	close(heap.Pop(&g.queue).(*waiter).ready)
}

// waiters is a heap by task, then by time of asking.
type waiters []*waiter

func (q waiters) Len() int { return len(q) }

func (q waiters) Less(i, j int) bool {
	if q[i].seq != q[j].seq {
		return q[i].seq < q[j].seq
	}
	return q[i].call < q[j].call
}

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
