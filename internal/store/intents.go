package store

import (
	"slices"
	"sync"
)

// intents keeps two commits of this process that touch the same keys from racing to etcd, where one must lose. The
// second waits in line for the first, then begins anew on its result.
type intents struct {
	mu     sync.Mutex
	keys   map[location]*intent
	flying sync.WaitGroup
	closed bool
}

// intent is a key that is being written, or that someone waits for.
type intent struct {
	held bool
	line []chan struct{} // closed one by one, as it becomes their turn
}

// turn is a place in the line for a key. Whoever was called must take the key, or pass the turn on.
type turn struct {
	at     location
	called chan struct{}
}

func newIntents() *intents { return &intents{keys: make(map[location]*intent)} }

// claim takes the keys that tx writes, for release to give back. If instead another commit is about to change a key
// that tx depends on, it returns a turn to wait for. It uses up the turn that the caller has, if any.
func (in *intents) claim(tx *Tx, mine *turn) (release func(), wait *turn, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		in.pass(mine)
		return nil, nil, ErrClosed
	}
	for at := range tx.guards {
		if key := in.keys[at]; key != nil && key.held {
			return nil, in.join(at, key, mine), nil
		}
	}
	for at := range tx.written() {
		key := in.keys[at]
		if key == nil {
			key = &intent{}
			in.keys[at] = key
		}
		key.held = true
	}
	in.pass(mine)
	in.flying.Add(1)
	return func() { in.release(tx) }, nil, nil
}

// join gets in line for a key, in front for those who had been called and were overtaken.
func (in *intents) join(at location, key *intent, mine *turn) *turn {
	next := &turn{at, make(chan struct{})}
	if mine != nil && mine.at == at {
		key.line = slices.Insert(key.line, 0, next.called)
		return next
	}
	in.pass(mine)
	key.line = append(key.line, next.called)
	return next
}

func (in *intents) release(tx *Tx) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for at := range tx.written() {
		in.keys[at].held = false
		in.pass(&turn{at: at})
	}
	in.flying.Done()
}

// pass calls the next in line for the key of a turn, unless the key is held and its release will do so.
func (in *intents) pass(t *turn) {
	if t == nil {
		return
	}
	key := in.keys[t.at]
	switch {
	case key == nil || key.held:
	case len(key.line) == 0:
		delete(in.keys, t.at)
	default:
		close(key.line[0])
		key.line = key.line[1:]
	}
}

// leave gives up a turn, whether it has come or not.
func (in *intents) leave(t *turn) {
	if t == nil {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if key := in.keys[t.at]; key != nil {
		if i := slices.Index(key.line, t.called); i >= 0 {
			key.line = slices.Delete(key.line, i, i+1)
			return
		}
	}
	in.pass(t)
}

// drain refuses further claims and waits until the last one is released.
func (in *intents) drain() {
	in.mu.Lock()
	in.closed = true
	in.mu.Unlock()
	in.flying.Wait()
}
