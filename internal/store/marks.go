package store

import (
	"bytes"
	"sync"
)

// marks remembers which commits of this store the watch has seen before, or instead of, their answers.
type marks struct {
	mu     sync.Mutex
	writer string
	seen   map[string]int64
	order  []string // the keys of seen, as a ring
	next   int
}

// maxMarks is far more than the commits that can be on their way at once.
const maxMarks = 4096

var markStart = []byte(`{"_tx":"`)

func newMarks(writer string) *marks {
	return &marks{writer: writer, seen: make(map[string]int64), order: make([]string, maxMarks)}
}

// note keeps the mark of a stored value if it is one of this store's.
func (m *marks) note(value []byte, number int64) {
	rest, ok := bytes.CutPrefix(value, markStart)
	if !ok {
		return
	}
	end := bytes.IndexByte(rest, '"')
	if end < 0 || !bytes.HasPrefix(rest, []byte(m.writer+".")) {
		return
	}
	mark := string(rest[:end])
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.seen, m.order[m.next])
	m.order[m.next] = mark
	m.next = (m.next + 1) % maxMarks
	m.seen[mark] = number
}

// find is the revision of the commit with the mark.
func (m *marks) find(mark string) (number int64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	number, ok = m.seen[mark]
	return number, ok
}
