package engine

import "sync"

// mailbox brings work to a task's owner. Posting never blocks.
type mailbox struct {
	wake chan struct{} // buffered 1: there is work

	mu     sync.Mutex
	work   []func()
	closed bool
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

// post hands over work; false if the owner is gone and will not do it.
func (m *mailbox) post(f func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.work = append(m.work, f)
	select {
	case m.wake <- struct{}{}:
	default:
	}
	return true
}

func (m *mailbox) take() []func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	work := m.work
	m.work = nil
	return work
}

// close refuses further work, if there is none left; false if there is.
func (m *mailbox) close() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.work) > 0 {
		return false
	}
	m.closed = true
	return true
}
