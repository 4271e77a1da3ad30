package loop

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// Waits of a key.
const (
	firstRetry = 10 * time.Millisecond  // after the first failure; doubles
	lastRetry  = 30 * time.Second       // between failures, at most
	hurry      = 100 * time.Millisecond // after a failure, when something has changed
	restFactor = 4                      // rest after a success, in times of what it took
	maxRest    = 100 * time.Millisecond
)

// queue holds the keys that are due, now or later. It is safe for concurrent
// use.
type queue struct {
	mu    sync.Mutex
	items map[string]*item
	due   dueHeap
	wake  chan struct{} // holds a token when a worker should look again
}

// item is one key. It is in the heap unless it is being worked on or has nothing
// to do.
type item struct {
	key      string
	at       time.Time // when it is due, while in the heap
	index    int       // place in the heap, -1 outside
	rest     time.Time // not due before
	working  bool
	again    bool // added while worked on
	failures int
}

func newQueue() *queue {
	return &queue{items: map[string]*item{}, wake: make(chan struct{}, 1)}
}

// add makes a key due as soon as its rest is over.
func (q *queue) add(key string) { q.addAt(key, time.Now()) }

func (q *queue) addAt(key string, at time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	it := q.items[key]
	if it == nil {
		it = &item{key: key, index: -1}
		q.items[key] = it
	}
	if it.working {
		it.again = true
		return
	}
	q.schedule(it, at)
}

// schedule puts an item into the heap, or forward in it.
func (q *queue) schedule(it *item, at time.Time) {
	if at.Before(it.rest) {
		at = it.rest
	}
	switch {
	case it.index < 0:
		it.at = at
		heap.Push(&q.due, it)
	case at.Before(it.at):
		it.at = at
		heap.Fix(&q.due, it.index)
	}
	if it.index == 0 {
		q.signal()
	}
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// next waits for a key that is due, and marks it as worked on. It returns false
// when ctx has ended.
func (q *queue) next(ctx context.Context) (string, bool) {
	for ctx.Err() == nil {
		key, wait := q.take(time.Now())
		if wait < 0 {
			return key, true
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-q.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
	return "", false
}

// idle is how long a worker waits when there is nothing to wait for.
const idle = time.Hour

// take returns the first key that is due and a negative wait, or how long to
// wait.
func (q *queue) take(now time.Time) (key string, wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.due) == 0 {
		return "", idle
	}
	first := q.due[0]
	if wait = first.at.Sub(now); wait > 0 {
		return "", wait
	}
	heap.Pop(&q.due)
	first.working, first.again = true, false
	if len(q.due) > 0 {
		q.signal() // for another worker
	}
	return first.key, -1
}

// done ends the work on a key that began at the given time: failed ones and those
// that want to be looked at later come back.
func (q *queue) done(key string, began time.Time, after time.Duration, failed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	it, now := q.items[key], time.Now()
	it.working = false
	if failed {
		it.failures++
		wait := min(firstRetry<<min(it.failures-1, 20), lastRetry)
		it.rest = now.Add(min(wait, hurry))
		q.schedule(it, now.Add(wait))
	} else {
		it.failures = 0
		it.rest = now.Add(min(restFactor*now.Sub(began), maxRest))
	}
	switch {
	case it.again:
		q.schedule(it, now)
	case after > 0 && !failed:
		q.schedule(it, now.Add(after))
	}
	if it.index < 0 {
		delete(q.items, key)
	}
}

// dueHeap is a heap.Interface, the earliest first.
type dueHeap []*item

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push appends an item.
func (h *dueHeap) Push(x any) {
	it := x.(*item)
	it.index = len(*h)
	*h = append(*h, it)
}

// Pop removes the last item.
func (h *dueHeap) Pop() any {
	old := *h
	it := old[len(old)-1]
	old[len(old)-1] = nil
	it.index = -1
	*h = old[:len(old)-1]
	return it
}
